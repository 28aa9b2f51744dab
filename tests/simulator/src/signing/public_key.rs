//! RSA public keys as `openssl pkey -pubout` writes them.

use std::fmt;

use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;

/// What comes in a `SubjectPublicKeyInfo` (RFC 5280, 4.1) before the key: the algorithm
/// `rsaEncryption` (RFC 8017, A.1), and the head of a bit string of more than 255 bytes.
const ALGORITHM: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82";

/// Bytes that are no RSA public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPublicKey;

impl fmt::Display for BadPublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not an RSA public key in PEM; `openssl pkey -pubout` writes one")
    }
}

impl std::error::Error for BadPublicKey {}

/// The `RSAPublicKey` (RFC 8017, A.1.1) of a key in PEM.
pub(super) fn read(pem: &[u8]) -> Result<Vec<u8>, BadPublicKey> {
    let info = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| BadPublicKey)?;
    // Four bytes of head, the algorithm, two bytes of length and one of unused bits.
    let key = info.get(4..).and_then(|rest| rest.strip_prefix(ALGORITHM)?.get(3..));
    key.map(<[u8]>::to_vec).ok_or(BadPublicKey)
}
