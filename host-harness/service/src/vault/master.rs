//! The key above all keys: it seals the keys of connections, and stands outside the store.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_state::{Sealed, files};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Key, SealContext, SealError};

/// The environment variable that holds it, where no file does.
pub const MASTER_KEY_VARIABLE: &str = "CONNECTOR_MASTER_KEY";

/// Longer than any way to write 32 bytes in base64: what is beyond is not read.
const LONGEST: u64 = 128;

/// Where [`MasterKey::prove`] seals: of no connection.
const PROOF: SealContext<'_> = SealContext { connection: "", kind: "master", name: "", version: 0 };

/// Why there is no master key.
#[derive(Debug, Error, PartialEq, Eq, Clone)]
pub enum MasterKeyError {
    /// There is no such file.
    #[error(
        "the master key {0} is not there, and what is kept opens with no other; put it back, or \
         give it in {MASTER_KEY_VARIABLE}"
    )]
    Missing(String),
    /// There is no such variable, or it is empty.
    #[error("the environment variable {0} holds no master key: it is not set, or empty")]
    NotSet(String),
    /// Not 32 bytes in base64.
    #[error(
        "{0} holds no master key: expected 32 bytes in base64, as `openssl rand -base64 32` makes them"
    )]
    Malformed(String),
    /// The file cannot be used, or others may read it.
    #[error("the master key {path} cannot be used: {why}")]
    Unusable {
        /// The file.
        path: String,
        /// What the system said, or the command that closes it to others.
        why: String,
    },
    /// The system gives no randomness.
    #[error(transparent)]
    Random(#[from] SealError),
}

/// A master key of 256 bits. Wiped when dropped; never shown.
///
/// ```compile_fail,E0277
/// fn shown<T: std::fmt::Debug>() {}
/// shown::<connector_service::vault::MasterKey>();
/// ```
/// ```compile_fail,E0277
/// fn sent<T: serde::Serialize>() {}
/// sent::<connector_service::vault::MasterKey>();
/// ```
pub struct MasterKey(pub(crate) Key);

/// A key that is kept elsewhere, by a service for keys for example.
impl From<Key> for MasterKey {
    fn from(key: Key) -> Self {
        Self(key)
    }
}

impl MasterKey {
    /// Reads the key in `path`: 32 bytes in base64, and a line break.
    ///
    /// # Errors
    /// [`MasterKeyError`]; `Unusable` also when others may read the file.
    pub fn read(path: &Path) -> Result<Self, MasterKeyError> {
        let mut file = File::open(path).map_err(|why| match why.kind() {
            io::ErrorKind::NotFound => MasterKeyError::Missing(path.display().to_string()),
            _ => unusable(path)(why),
        })?;
        files::nobody_else_reads(path).map_err(unusable(path))?;
        Self::parse(&content(&mut file).map_err(unusable(path))?, &path.display().to_string())
    }

    /// As [`MasterKey::read`]; makes the key, and its directory, when there is none.
    ///
    /// # Errors
    /// As [`MasterKey::read`].
    pub fn read_or_make(path: &Path) -> Result<Self, MasterKeyError> {
        let there = path.metadata().is_ok_and(|found| found.len() > 0);
        if !there {
            let mut text = Zeroizing::new([0; 32]);
            super::fill(&mut *text)?;
            let text = Zeroizing::new(format!("{}\n", &*Zeroizing::new(STANDARD.encode(*text))));
            make(path, &text).map_err(unusable(path))?;
        }
        Self::read(path)
    }

    /// The key in an environment variable: 32 bytes in base64.
    ///
    /// # Errors
    /// [`MasterKeyError::NotSet`], [`MasterKeyError::Malformed`].
    pub fn from_variable(name: &str) -> Result<Self, MasterKeyError> {
        let value = std::env::var_os(name).unwrap_or_default();
        let value = Zeroizing::new(OsStr::as_encoded_bytes(&value).to_vec());
        if value.is_empty() {
            return Err(MasterKeyError::NotSet(name.to_owned()));
        }
        Self::parse(&value, &format!("the environment variable {name}"))
    }

    /// The same key once more.
    #[must_use]
    pub fn again(&self) -> Self {
        Self(self.0.again())
    }

    /// Something that only this key opens, by which others who share a store know whether theirs is
    /// the same ([`MasterKey::proves`]).
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn prove(&self) -> Result<Sealed, SealError> {
        self.0.seal(PROOF, &[])
    }

    /// Whether this key made it.
    #[must_use]
    pub fn proves(&self, proof: &Sealed) -> bool {
        self.0.open(PROOF, proof).is_ok()
    }

    fn parse(text: &[u8], whence: &str) -> Result<Self, MasterKeyError> {
        let malformed = || MasterKeyError::Malformed(whence.to_owned());
        let bytes = Zeroizing::new(STANDARD.decode(text.trim_ascii()).map_err(|_| malformed())?);
        let bytes = Zeroizing::new(<[u8; 32]>::try_from(&**bytes).map_err(|_| malformed())?);
        Ok(Self(Key::new(*bytes)))
    }
}

/// Under a lock, so that of two who make it one does, and the other reads it whole.
fn make(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = files::directory(directory.unwrap_or(Path::new(".")))?;
    let mut file = files::open(path)?;
    files::nobody_else_reads(path)?;
    file.lock()?;
    if content(&mut file)?.is_empty() {
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // The name too: a key that is lost with the power takes everything with it.
        #[cfg(unix)]
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn content(file: &mut File) -> io::Result<Zeroizing<Vec<u8>>> {
    // All at once: a buffer that grows leaves copies.
    let mut text = Zeroizing::new(Vec::with_capacity(LONGEST as usize));
    file.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}

fn unusable(path: &Path) -> impl Fn(io::Error) -> MasterKeyError {
    let path = path.display().to_string();
    move |why| MasterKeyError::Unusable { path: path.clone(), why: why.to_string() }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use connector_state::scratch::Scratch;

    use super::*;
    use crate::vault::SealContext;

    const PLACE: SealContext<'_> =
        SealContext { connection: "c", kind: "key", name: "", version: 0 };

    fn why(found: Result<MasterKey, MasterKeyError>) -> String {
        found.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_key_is_made_once_and_stays() {
        let base = Scratch::new();
        let path = base.path().join("state/master.key");
        assert!(why(MasterKey::read(&path)).contains("is not there"));
        assert!(!path.exists());
        // Of many who find none, one makes it.
        let sealed = std::thread::scope(|scope| {
            let keys: Vec<_> =
                (0..8).map(|_| scope.spawn(|| MasterKey::read_or_make(&path))).collect();
            let keys = keys.into_iter().map(|key| key.join().unwrap().unwrap());
            keys.map(|key| key.0.seal(PLACE, b"x").unwrap()).collect::<Vec<_>>()
        });
        let key = MasterKey::read(&path).unwrap();
        for sealed in sealed {
            assert_eq!(key.0.open(PLACE, &sealed).unwrap().expose(), b"x");
        }
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!((text.len(), text.ends_with('\n')), (45, true));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_knows_what_it_made_and_nothing_else() {
        let [one, other] = [1, 2].map(|byte| MasterKey::from(Key::new([byte; 32])));
        let proof = one.prove().unwrap();
        assert!(one.proves(&proof) && !other.proves(&proof));
        assert!(!one.proves(&Sealed(vec![])));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let base = Scratch::new();
        let path = base.path().join("master.key");
        MasterKey::read_or_make(&path).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let why = why(MasterKey::read(&path));
            assert!(why.contains(&format!("run: chmod 600 {}", path.display())), "{why}");
        }
    }

    #[test]
    fn a_key_has_32_bytes() {
        let base = Scratch::new();
        let path = base.path().join("master.key");
        files::make(&path).unwrap();
        for text in ["AAAA\n", "no base64", &STANDARD.encode([0; 31]), &STANDARD.encode([0; 33])] {
            fs::write(&path, text).unwrap();
            let why = why(MasterKey::read(&path));
            assert!(why.contains("32 bytes in base64") && !why.contains(text.trim()), "{why}");
        }
        fs::write(&path, STANDARD.encode([0; 32])).unwrap();
        MasterKey::read(&path).unwrap();
        assert!(why(MasterKey::from_variable("NO_SUCH_VARIABLE_1")).contains("NO_SUCH_VARIABLE_1"));
    }
}
