//! Values at rest: sealed by XChaCha20-Poly1305 under a key of their connection.
//!
//! The associated data says what a value is and whose, so that a row copied to another place does
//! not open there. Destroying a connection's key destroys everything that it sealed.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key as CipherKey, XChaCha20Poly1305, XNonce};
use connector_runtime::secrets;
use connector_state::Sealed;
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use super::Secret;

/// Version of the form below, part of what is authenticated.
const FORM: u8 = 1;
/// Bytes of a nonce; drawn at random for each value.
const NONCE: usize = 24;

/// Why a value cannot be sealed or opened.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
pub enum SealError {
    /// The value was sealed by another key, for another place, or was changed.
    #[error(
        "a kept value does not open with this master key; use the key with which it was kept, or \
         connect again"
    )]
    NotOurs,
    /// The system gives no randomness.
    #[error("the system gives no random numbers, so nothing can be kept safely")]
    NoRandomness,
}

/// What a value is and whose: it opens only where it was sealed.
#[derive(Debug, Clone, Copy)]
pub struct SealContext<'a> {
    /// Id of the connection.
    pub connection: &'a str,
    /// Kind of row: `key`, `secret`, `grant`, `verifier`.
    pub kind: &'a str,
    /// Name within its kind; may be empty.
    pub name: &'a str,
    /// Version or epoch; 0 where there is none.
    pub version: u64,
}

/// A key of 256 bits. Wiped when dropped; never shown.
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// Takes the bytes over.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new key.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn random() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// The same key once more.
    pub(super) fn again(&self) -> Self {
        Self(self.0.clone())
    }

    /// Seals `plain` for `place`.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn seal(&self, place: SealContext<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        let mut nonce = [0; NONCE];
        fill(&mut nonce)?;
        let payload = Payload { msg: plain, aad: &place.bytes() };
        // It fails only for values of 256 GiB and more.
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| SealError::NotOurs)?;
        Ok(Sealed([&[FORM][..], &nonce, &sealed].concat()))
    }

    /// Opens what [`Key::seal`] made for the same place.
    ///
    /// # Errors
    /// [`SealError::NotOurs`].
    pub fn open(&self, place: SealContext<'_>, sealed: &Sealed) -> Result<Secret, SealError> {
        let (form, rest) = sealed.0.split_first().ok_or(SealError::NotOurs)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(SealError::NotOurs)?;
        if *form != FORM {
            return Err(SealError::NotOurs);
        }
        let payload = Payload { msg: sealed, aad: &place.bytes() };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), payload);
        plain.map(Secret::new).map_err(|_| SealError::NotOurs)
    }

    /// Seals this key under another one, for the connection of this id.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn sealed_under(&self, master: &Self, connection: &str) -> Result<Sealed, SealError> {
        master.seal(key_of(connection), &*self.0)
    }

    /// Opens what [`Key::sealed_under`] made.
    ///
    /// # Errors
    /// [`SealError::NotOurs`].
    pub fn opened(master: &Self, connection: &str, sealed: &Sealed) -> Result<Self, SealError> {
        let plain = master.open(key_of(connection), sealed)?;
        let mut bytes: [u8; 32] = plain.expose().try_into().map_err(|_| SealError::NotOurs)?;
        let key = Self::new(bytes);
        bytes.zeroize();
        Ok(key)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&CipherKey::from(*self.0))
    }
}

impl SealContext<'_> {
    /// Each text with its length before it: no two places give the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORM];
        for text in [self.connection, self.kind, self.name] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes
    }
}

fn key_of(connection: &str) -> SealContext<'_> {
    SealContext { connection, kind: "key", name: "", version: 0 }
}

/// Random bytes of the system.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn fill(bytes: &mut [u8]) -> Result<(), SealError> {
    secrets::fill(bytes).map_err(|_| SealError::NoRandomness)
}

/// 128 random bits in hex: a name that nobody guesses and nothing else has.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn random_id() -> Result<String, SealError> {
    secrets::random_id().map_err(|_| SealError::NoRandomness)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: SealContext<'_> =
        SealContext { connection: "c1", kind: "secret", name: "api-key", version: 1 };

    #[test]
    fn a_value_opens_only_with_its_key_and_at_its_place() {
        let (key, other) = (Key::random().unwrap(), Key::random().unwrap());
        let sealed = key.seal(PLACE, b"hunter2").unwrap();
        assert_eq!(key.open(PLACE, &sealed).unwrap().expose(), b"hunter2");
        assert!(!sealed.0.windows(7).any(|piece| piece == b"hunter2"));
        assert!(other.open(PLACE, &sealed).is_err());
        for elsewhere in [
            SealContext { connection: "c2", ..PLACE },
            SealContext { kind: "grant", ..PLACE },
            SealContext { name: "api-ke", ..PLACE },
            SealContext { version: 2, ..PLACE },
            SealContext { connection: "c1secret", kind: "", ..PLACE },
        ] {
            assert!(key.open(elsewhere, &sealed).is_err(), "{elsewhere:?}");
        }
    }

    #[test]
    fn a_changed_or_cut_value_does_not_open() {
        let key = Key::random().unwrap();
        let sealed = key.seal(PLACE, b"hunter2").unwrap();
        for at in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1;
            assert!(key.open(PLACE, &changed).is_err(), "byte {at}");
            assert!(key.open(PLACE, &Sealed(sealed.0[..at].to_vec())).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_key_is_kept_under_the_master_key() {
        let (master, key) = (Key::random().unwrap(), Key::random().unwrap());
        let kept = key.sealed_under(&master, "c1").unwrap();
        let again = Key::opened(&master, "c1", &kept).unwrap();
        let sealed = key.seal(PLACE, b"x").unwrap();
        assert_eq!(again.open(PLACE, &sealed).unwrap().expose(), b"x");
        assert!(Key::opened(&master, "c2", &kept).is_err());
    }
}
