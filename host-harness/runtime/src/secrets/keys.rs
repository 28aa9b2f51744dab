//! Secrets as keys. A connector signs and verifies through the host and never
//! holds the key (`connector:host/secrets`).

use connector_contract::secrets::SecretError;
use ring::{hmac, rand, signature};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};

use super::Secret;

/// HMAC with SHA-256 (RFC 2104) of `pieces`, one after the other.
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
/// [`SecretError::Unsupported`] for another algorithm, [`SecretError::Denied`] when the secret is no
/// key for it: RSA needs a private key in PEM of 2048 bits or more.
pub fn sign(algorithm: &str, key: &Secret, message: &[u8]) -> Result<Vec<u8>, SecretError> {
    match algorithm {
        "hmac-sha256" => Ok(hmac_sha256(key, &[message])),
        "rsa-pss-sha256" => sign_rsa_pss(key.expose(), message).ok_or(SecretError::Denied),
        _ => Err(SecretError::Unsupported),
    }
}

/// Whether `signature` over `message` was made with one of `keys`, compared in constant time: with
/// all of them tried, whichever fits, so that the time it takes does not tell which one did.
///
/// # Errors
/// [`SecretError::Unsupported`] for an algorithm that is not known, [`SecretError::Denied`] for one
/// that verifies with a public key: the host keeps private ones.
pub fn verify_any(
    algorithm: &str,
    keys: &[Secret],
    message: &[u8],
    signature: &[u8],
) -> Result<bool, SecretError> {
    match algorithm {
        "hmac-sha256" => Ok(keys.iter().fold(false, |fits, key| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
            fits | hmac::verify(&key, message, signature).is_ok()
        })),
        "rsa-pss-sha256" => Err(SecretError::Denied),
        _ => Err(SecretError::Unsupported),
    }
}

fn sign_rsa_pss(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(key).ok();
    let pkcs8 =
        pkcs8.and_then(|der| signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok());
    let pair = pkcs8.or_else(|| {
        let der = PrivatePkcs1KeyDer::from_pem_slice(key).ok()?;
        signature::RsaKeyPair::from_der(der.secret_pkcs1_der()).ok()
    })?;
    let mut signed = vec![0; pair.public().modulus_len()];
    pair.sign(&signature::RSA_PSS_SHA256, &rand::SystemRandom::new(), message, &mut signed).ok()?;
    Some(signed)
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
        let verify =
            |message: &[u8]| verify_any("hmac-sha256", std::slice::from_ref(&key), message, &mac);
        assert!(verify(b"what do ya want for nothing?").unwrap());
        assert!(!verify(b"what do ya want for nothing!").unwrap());
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
        assert_eq!(sign("rsa-pss-sha256", &key, b""), Err(SecretError::Denied));
        assert_eq!(sign("md5", &key, b""), Err(SecretError::Unsupported));
        let verified = verify_any("rsa-pss-sha256", &[key], b"", b"");
        assert_eq!(verified, Err(SecretError::Denied), "that takes a public key");
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
