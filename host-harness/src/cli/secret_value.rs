//! Where the value of a secret comes from: a variable, a file, a pipe, or the terminal, where it is
//! typed in unseen. Never from the command line, which others can see.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use host_harness::vault::Secret;
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::usage::Usage;

// (A docstring would become the help text of each command.)
#[derive(Debug, clap::Args)]
pub struct SecretSource {
    /// Take it from this environment variable [default: typed in unseen on a terminal, else from
    /// standard input]
    #[arg(long, value_name = "VARIABLE", conflicts_with = "from_file")]
    pub from_env: Option<String>,

    /// Take it from this file; a line break at its end is taken off
    #[arg(long, value_name = "FILE")]
    pub from_file: Option<PathBuf>,
}

impl SecretSource {
    /// Reads the value of the secret `name`.
    ///
    /// # Errors
    /// [`Usage`] when there is none, or it is empty.
    pub async fn read(&self, context: &Context, name: &str) -> Result<Secret> {
        if let Some(given) = &self.from_env {
            return Ok(variable("--from-env ", given)?);
        }
        let (bytes, whence) = if let Some(file) = &self.from_file {
            return Ok(content("--from-file", file).await?);
        } else if std::io::stdin().is_terminal() {
            context.watch.clear();
            (typed(&format!("{name} (not shown): ")).await?, "what was typed".to_owned())
        } else {
            (standard_input().await?, "standard input".to_owned())
        };
        let value = one_value(bytes);
        value.ok_or_else(|| Usage::new(format!("{whence} is empty, and no secret")).into())
    }
}

/// The secret in a file that `option` names.
///
/// # Errors
/// [`Usage`] when it cannot be read, or is empty.
pub async fn content(option: &str, file: &Path) -> Result<Secret, Usage> {
    let shown = file.display();
    let bytes = tokio::fs::read(file).await;
    let unreadable = |why| Usage::new(format!("{option}: cannot read {shown}: {why}"));
    let value = one_value(Zeroizing::new(bytes.map_err(unreadable)?));
    value.ok_or_else(|| Usage::new(format!("{shown} is empty, and no secret")))
}

async fn standard_input() -> Result<Zeroizing<Vec<u8>>> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut bytes = Zeroizing::new(Vec::new());
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    });
    let bytes = reading.await.context("reading standard input")?;
    Ok(bytes.map_err(|why| Usage::new(format!("cannot read standard input: {why}")))?)
}

/// Reads a secret from the environment variable that `option` gives. The value goes nowhere else.
///
/// # Errors
/// [`Usage`] when there is no such variable, or it is empty.
pub fn variable(option: &str, variable: &str) -> Result<Secret, Usage> {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let digit = variable.starts_with(|c: char| c.is_ascii_digit());
    if variable.is_empty() || digit || !variable.chars().all(letters) {
        // It may be the secret itself, so it is not repeated.
        return Err(Usage::new(format!(
            "{option}...: what stands there is no name of an environment variable"
        ))
        .next("put the secret into a variable and give the variable's name"));
    }
    let missing = |how: &str| {
        Usage::new(format!("{option}{variable}: the environment variable {variable} is {how}"))
            .next(format!("set {variable} to the secret, and export it"))
    };
    let value =
        std::env::var_os(variable).ok_or_else(|| match variable == variable.to_uppercase() {
            true => missing("not set"),
            // Many keys could be names of variables, which by custom are upper case.
            false => Usage::new(format!(
                "{option}...: there is no environment variable of the name that stands there"
            ))
            .next("put the secret into a variable, export it, and give the variable's name"),
        })?;
    one_value(Zeroizing::new(value.into_encoded_bytes())).ok_or_else(|| missing("empty"))
}

/// A secret without the line break that editors and `echo` put at its end; `None` when nothing
/// is left.
pub fn one_value(mut bytes: Zeroizing<Vec<u8>>) -> Option<Secret> {
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    (!bytes.is_empty()).then(|| Secret::new(bytes.to_vec()))
}

/// Asks for a line. When this is dropped, by Ctrl-C for example, the terminal shows again what
/// is typed.
///
/// # Errors
/// When the terminal cannot be told to hide it, or be read.
pub async fn typed(prompt: &str) -> Result<Zeroizing<Vec<u8>>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_the_place_of_a_variable_is_not_repeated() {
        for value in ["sk-live-123", "sk_live_123"] {
            let error =
                variable("--secret-env api-key=", value).map(|_| ()).unwrap_err().to_string();
            assert!(!error.contains(value), "{error}");
        }
        let error =
            variable("--secret-env api-key=", "NO_SUCH_VARIABLE_1").map(|_| ()).unwrap_err();
        assert!(
            error.to_string().ends_with("the environment variable NO_SUCH_VARIABLE_1 is not set")
        );
    }
}
