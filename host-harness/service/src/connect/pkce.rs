//! The two secrets of a redirect: `state`, which ties the answer to the question (RFC 6749 section
//! 10.12), and the PKCE verifier, which ties it to us (RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::vault::{SealError, Secret, fill};

/// Bytes of randomness in each: 256 bits.
const BYTES: usize = 32;

/// 256 random bits in 43 characters of base64url: a `state`, or a verifier (RFC 7636 section 4.1).
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn random() -> Result<Secret, SealError> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    fill(&mut *bytes)?;
    Ok(Secret::new(BASE64URL.encode(*bytes)))
}

/// The S256 challenge of a verifier (RFC 7636 section 4.2).
pub fn challenge(verifier: &Secret) -> String {
    BASE64URL.encode(Sha256::digest(verifier.expose()))
}

/// What is kept of a `state`. Looking for a digest takes a time that says nothing of the value.
pub fn digest(state: &[u8]) -> [u8; 32] {
    Sha256::digest(state).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn what_is_random_is_long_and_never_the_same() {
        let (one, two) = (random().unwrap(), random().unwrap());
        assert!(one.expose() != two.expose());
        for value in [one, two] {
            let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
            assert!((43..=128).contains(&value.expose().len()));
            assert!(value.expose().iter().all(unreserved));
        }
    }
}
