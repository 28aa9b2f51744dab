//! A line that is typed on the terminal and not seen there.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use zeroize::Zeroizing;

/// Asks for a line. When this is dropped, by Ctrl-C for example, the terminal shows again what
/// is typed.
///
/// # Errors
/// When the terminal cannot be told to hide it, or be read.
pub async fn line(prompt: &str) -> Result<Zeroizing<Vec<u8>>> {
    let hidden = Hidden::begin().context("hiding what is typed")?;
    write!(io::stderr(), "{prompt}").and_then(|()| io::stderr().flush())?;
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = Zeroizing::new(String::new());
        io::stdin().read_line(&mut line).map(|_| line)
    });
    let line = reading.await.context("reading the terminal")?;
    drop(hidden);
    Ok(Zeroizing::new(line.context("reading the terminal")?.as_bytes().to_vec()))
}

#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// While it lives the terminal shows nothing but the line break at the end.
#[cfg(unix)]
struct Hidden(Termios);

#[cfg(unix)]
impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        // If even this fails there is no terminal any more.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Other terminals are not known here, and a secret is not to be seen.
#[cfg(not(unix))]
struct Hidden;

#[cfg(not(unix))]
impl Hidden {
    fn begin() -> io::Result<Self> {
        Err(io::Error::other("not on this system; give --from-env, --from-file or a pipe"))
    }
}
