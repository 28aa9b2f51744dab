//! Tokens by which programs call a host: 256 random bits, of which the state keeps a digest.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::vault::{SealError, Secret, fill};

/// What every token begins with, so that whoever looks for leaked ones finds them.
const PREFIX: &str = "connhost_";

/// A new one.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn new_token() -> Result<Secret, SealError> {
    let mut key = Zeroizing::new([0; 32]);
    fill(&mut *key)?;
    Ok(Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*key))))
}

/// By what the state knows a token (SHA-256). It is as random as the token, so it needs no salt.
#[must_use]
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_no_two_are_the_same() {
        let tokens: Vec<_> = (0..2).map(|_| new_token().unwrap()).collect();
        let texts: Vec<_> =
            tokens.iter().map(|it| std::str::from_utf8(it.expose()).unwrap()).collect();
        assert_eq!(texts[0].len(), PREFIX.len() + 43);
        assert_ne!(digest(texts[0]), digest(texts[1]));
    }
}
