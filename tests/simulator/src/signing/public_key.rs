//! RSA public keys as they are handed over: PEM or DER, with or without the name of the algorithm.

use std::fmt;

use crate::text::base64_decode;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// The object identifier `rsaEncryption`, as DER (RFC 8017, A.1).
const RSA_ENCRYPTION: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";

/// Bytes that are no RSA public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPublicKey;

impl fmt::Display for BadPublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not an RSA public key in PEM or DER; `openssl rsa -pubout` writes one")
    }
}

impl std::error::Error for BadPublicKey {}

/// The `RSAPublicKey` (RFC 8017, A.1.1) of a key in PEM or DER.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<u8>, BadPublicKey> {
    let der = match std::str::from_utf8(bytes).ok().and_then(pem_body) {
        Some(text) => base64_decode(&text).ok_or(BadPublicKey)?,
        None => bytes.to_vec(),
    };
    let key = unwrapped(&der).unwrap_or(&der);
    if is_rsa_public_key(key) { Ok(key.to_vec()) } else { Err(BadPublicKey) }
}

/// The Base64 between the first pair of PEM lines (RFC 7468).
fn pem_body(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (_, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    Some(body.split_ascii_whitespace().collect())
}

/// What a `SubjectPublicKeyInfo` (RFC 5280, 4.1) of RSA holds.
fn unwrapped(der: &[u8]) -> Option<&[u8]> {
    let (info, []) = element(der, SEQUENCE)? else { return None };
    let (algorithm, rest) = element(info, SEQUENCE)?;
    let (bits, []) = element(rest, BIT_STRING)? else { return None };
    algorithm.starts_with(RSA_ENCRYPTION).then(|| bits.strip_prefix(&[0]))?
}

fn is_rsa_public_key(der: &[u8]) -> bool {
    let numbers = || {
        let (key, []) = element(der, SEQUENCE)? else { return None };
        let (_, rest) = element(key, INTEGER)?;
        let (_, rest) = element(rest, INTEGER)?;
        Some(rest.is_empty())
    };
    numbers().unwrap_or(false)
}

/// The content of the first element, when it has this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.strip_prefix(&[tag])?.split_first()?;
    if *first < 0x80 {
        return rest.split_at_checked(usize::from(*first));
    }
    let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    let length = length
        .iter()
        .try_fold(0_usize, |sum, byte| sum.checked_mul(256).map(|sum| sum + usize::from(*byte)));
    rest.split_at_checked(length?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::base64_encode;

    /// Two numbers, as a key holds them; far too small to be one.
    const BARE: &[u8] = b"\x30\x06\x02\x01\x23\x02\x01\x03";

    fn wrapped() -> Vec<u8> {
        let mut algorithm = vec![SEQUENCE, 13];
        algorithm.extend_from_slice(RSA_ENCRYPTION);
        algorithm.extend_from_slice(b"\x05\x00");
        let mut info = vec![SEQUENCE, 0x81, 26, SEQUENCE, 13];
        info.extend_from_slice(&algorithm[2..]);
        info.extend_from_slice(&[BIT_STRING, 9, 0]);
        info.extend_from_slice(BARE);
        info
    }

    #[test]
    fn a_key_is_read_from_every_form() {
        let pem = |name: &str, der: &[u8]| {
            format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", base64_encode(der))
        };
        let forms = [
            BARE.to_vec(),
            wrapped(),
            pem("RSA PUBLIC KEY", BARE).into_bytes(),
            pem("PUBLIC KEY", &wrapped()).into_bytes(),
        ];
        for form in forms {
            assert_eq!(read(&form).unwrap(), BARE, "{form:?}");
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let mut other = wrapped();
        other[13] ^= 1;
        let long = [BARE, b"x"].concat();
        let pem = b"-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----".as_slice();
        for bytes in [b"".as_slice(), &BARE[..5], &long, &other, pem, b"\x30\xff\x01"] {
            assert_eq!(read(bytes), Err(BadPublicKey), "{bytes:?}");
        }
    }
}
