//! Secrets as keys. A connector signs and verifies through the host and never
//! holds the key (`connector:host/secrets`).

use ring::{hmac, rand, signature};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

use super::Secret;

/// Why a key cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// No such algorithm here.
    #[error(
        "the host does not know the algorithm \"{0}\"; it knows hmac-sha256 and rsa-pss-sha256"
    )]
    UnknownAlgorithm(String),
    /// The secret is no key of this algorithm.
    #[error(
        "the secret is not a key for {0}: expected an RSA private key in PEM of 2048 bits or more"
    )]
    NotAKey(&'static str),
    /// The algorithm cannot do this with that secret.
    #[error("{0} verifies with a public key, and the host keeps private ones")]
    CannotVerify(&'static str),
}

/// HMAC with SHA-256 (RFC 2104) of `pieces`, one after the other.
#[must_use]
pub fn hmac_sha256(key: &Secret, pieces: &[&[u8]]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    let mut signing = hmac::Context::with_key(&key);
    pieces.iter().for_each(|piece| signing.update(piece));
    signing.sign().as_ref().to_vec()
}

/// Signs `message`.
///
/// `hmac-sha256` is RFC 2104 with SHA-256; `rsa-pss-sha256` is RSASSA-PSS of
/// RFC 8017 with MGF1-SHA-256 and a salt of 32 bytes.
///
/// # Errors
/// When the algorithm is unknown or the secret is no key for it.
pub fn sign(algorithm: &str, key: &Secret, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    match algorithm {
        "hmac-sha256" => Ok(hmac_sha256(key, &[message])),
        "rsa-pss-sha256" => sign_rsa_pss(key, message),
        other => Err(KeyError::UnknownAlgorithm(other.to_owned())),
    }
}

/// Whether `signature` over `message` was made with `key`, compared in constant time.
///
/// # Errors
/// When the algorithm is unknown or cannot verify with a secret.
pub fn verify(
    algorithm: &str,
    key: &Secret,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, KeyError> {
    match algorithm {
        "hmac-sha256" => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
            Ok(hmac::verify(&key, message, signature).is_ok())
        }
        "rsa-pss-sha256" => Err(KeyError::CannotVerify("rsa-pss-sha256")),
        other => Err(KeyError::UnknownAlgorithm(other.to_owned())),
    }
}

/// Whether `signature` over `message` was made with one of `keys`: with all of them tried,
/// whichever fits, so that the time it takes does not tell which one did.
///
/// # Errors
/// As [`verify`].
pub fn verify_any(
    algorithm: &str,
    keys: &[Secret],
    message: &[u8],
    signature: &[u8],
) -> Result<bool, KeyError> {
    let mut fits = false;
    for key in keys {
        fits |= verify(algorithm, key, message, signature)?;
    }
    Ok(fits)
}

/// Whether two values are the same, in a time that does not tell where they differ.
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    // The key is of no matter: what is compared are two digests.
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"comparison");
    hmac::verify(&key, other, hmac::sign(&key, one).as_ref()).is_ok()
}

fn sign_rsa_pss(key: &Secret, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    let not_a_key = KeyError::NotAKey("rsa-pss-sha256");
    let pair = PrivatePkcs8KeyDer::from_pem_slice(key.expose())
        .ok()
        .and_then(|der| signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok())
        .or_else(|| {
            PrivatePkcs1KeyDer::from_pem_slice(key.expose())
                .ok()
                .and_then(|der| signature::RsaKeyPair::from_der(der.secret_pkcs1_der()).ok())
        });
    let Some(pair) = pair else {
        return Err(not_a_key);
    };
    let mut signed = vec![0; pair.public().modulus_len()];
    pair.sign(&signature::RSA_PSS_SHA256, &rand::SystemRandom::new(), message, &mut signed)
        .map_err(|_| not_a_key)?;
    Ok(signed)
}

#[cfg(test)]
mod tests {
    use ring::signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn hmac_agrees_with_rfc_4231() {
        let key = Secret::new("Jefe");
        let mac = sign("hmac-sha256", &key, b"what do ya want for nothing?").unwrap();
        let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(connector_contract::hex(&mac), known);
        assert!(verify("hmac-sha256", &key, b"what do ya want for nothing?", &mac).unwrap());
        assert!(!verify("hmac-sha256", &key, b"what do ya want for nothing!", &mac).unwrap());
    }

    #[test]
    fn any_of_several_keys_verifies() {
        let keys = ["new", "old", "older"].map(Secret::new);
        for key in &keys {
            let mac = sign("hmac-sha256", key, b"m").unwrap();
            assert!(verify_any("hmac-sha256", &keys, b"m", &mac).unwrap());
            assert!(!verify_any("hmac-sha256", &keys, b"n", &mac).unwrap());
        }
        let mac = sign("hmac-sha256", &Secret::new("ended"), b"m").unwrap();
        assert!(!verify_any("hmac-sha256", &keys, b"m", &mac).unwrap());
        assert!(verify_any("md5", &keys, b"m", &mac).is_err());
    }

    #[test]
    fn a_wrong_key_or_algorithm_is_named() {
        let key = Secret::new("not a key");
        assert!(matches!(sign("rsa-pss-sha256", &key, b""), Err(KeyError::NotAKey(_))));
        assert!(matches!(sign("md5", &key, b""), Err(KeyError::UnknownAlgorithm(_))));
        assert!(matches!(verify("rsa-pss-sha256", &key, b"", b""), Err(KeyError::CannotVerify(_))));
    }

    /// OpenSSL writes a private key in two forms. That OpenSSL and we mean the same by a signature
    /// is shown by the provider's simulator, which takes signatures of both.
    #[test]
    fn both_forms_of_an_rsa_key_sign() {
        let pkcs8 = include_bytes!("../../../../tests/fixtures/rsa-key.pem").as_slice();
        let pkcs1 = include_bytes!("../../../../tests/fixtures/rsa-key-pkcs1.pem").as_slice();
        let der = PrivatePkcs8KeyDer::from_pem_slice(pkcs8).unwrap();
        let pair = signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public_key());
        for pem in [pkcs8, pkcs1] {
            let signed = sign("rsa-pss-sha256", &Secret::new(pem), b"a message").unwrap();
            assert!(public.verify(b"a message", &signed).is_ok());
            assert!(public.verify(b"another message", &signed).is_err());
        }
    }
}
