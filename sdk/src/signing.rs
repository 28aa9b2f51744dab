//! Keys: what their use ends in, and the encodings of signatures.

use crate::contract::{Error, Refusal, SecretError};
use crate::host::Host;

/// Name of HMAC-SHA256 in the contract (RFC 2104); every host has it.
pub const HMAC_SHA256: &str = "hmac-sha256";
/// Name of RSASSA-PSS in the contract (RFC 8017; MGF1-SHA-256, salt of 32 bytes).
pub const RSA_PSS_SHA256: &str = "rsa-pss-sha256";

/// Why the secret `key` could not be used with `algorithm` while connecting or sending.
#[must_use]
pub fn key_error(key: &str, algorithm: &str, why: SecretError) -> Error {
    match why {
        SecretError::NotFound => Error::unauthenticated(format!(
            "The connection lacks the secret `{key}`. Connect again and give it.",
        )),
        SecretError::Denied => Error::internal(format!(
            "The host does not use the secret `{key}` with {algorithm}: it is no key for that, or \
             the host withholds it. Connect again with the right key; if it is, report this.",
        )),
        SecretError::Unavailable => Error::unavailable(format!(
            "The host cannot reach the secret `{key}` now. Nothing was sent; try again later."
        )),
        SecretError::Unsupported => Error::internal(format!(
            "The host does not know {algorithm}, which this way to connect needs. Use a host that \
             does, or connect with another scheme.",
        )),
    }
}

/// Lets pass what any live version of the secret has signed with HMAC-SHA256. `signature` is in
/// base64.
///
/// # Errors
/// Unverified for a signature that is wrong or unreadable, try-again when the secret cannot be used
/// now: what cannot be verified is never trusted, so it comes again until the secret is there.
pub fn verify_delivery(
    host: &dyn Host,
    secret: &str,
    body: &[u8],
    signature: Option<&[u8]>,
) -> Result<(), Refusal> {
    verify_signature(host, secret, body, signature.and_then(decode_base64))
}

/// As [`verify_delivery`], of a signature that is decoded already: providers write it in hex too,
/// behind a prefix, or over more than the body.
///
/// # Errors
/// As [`verify_delivery`].
pub fn verify_signature(
    host: &dyn Host,
    secret: &str,
    message: &[u8],
    signature: Option<Vec<u8>>,
) -> Result<(), Refusal> {
    let signature = signature.filter(|signature| signature.len() == 32);
    let signature = signature.ok_or(Refusal::Unverified)?;
    let why = match host.verify(secret, HMAC_SHA256, message, &signature) {
        Ok(true) => return Ok(()),
        Ok(false) => return Err(Refusal::Unverified),
        Err(SecretError::NotFound) => {
            "the connection does not have it. Copy it from the provider and give it to the host"
        }
        Err(SecretError::Denied) => {
            "the host withholds it. Allow its use to verify with `hmac-sha256`"
        }
        Err(SecretError::Unavailable) => "the host's store does not answer. Look there",
        Err(SecretError::Unsupported) => "the host does not know `hmac-sha256`. Use one that does",
    };
    let text = format!("The secret `{secret}` cannot be used to verify the delivery: {why}.");
    Err(Refusal::TryAgain(text))
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding (RFC 4648 section 4). Written here because the usual crate costs a component
/// 10 KB.
#[must_use]
pub fn encode_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at| group.get(at).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * place) & 63).ok();
            let digit = digit.filter(|_| place <= group.len()).and_then(|digit| BASE64.get(digit));
            text.push(digit.map_or('=', |&digit| char::from(digit)));
        }
    }
    text
}

/// Reads base64. Padding and left-over bits must be as an encoder writes them.
#[must_use]
pub fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.chunks(4) {
        let mut bits = 0_u32;
        for &digit in group.iter().take_while(|digit| **digit != b'=') {
            let value = BASE64.iter().position(|known| *known == digit)?;
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        let digits = group.iter().take_while(|digit| **digit != b'=').count();
        let padding = 4_usize.checked_sub(digits)?;
        bits <<= 6 * u32::try_from(padding).ok()?;
        let [_, high, middle, low] = bits.to_be_bytes();
        bytes.extend([high, middle, low].into_iter().take(3_usize.checked_sub(padding)?));
    }
    // What an encoder would write otherwise: padding within, missing or too long, left-over bits.
    (encode_base64(&bytes).as_bytes() == text).then_some(bytes)
}

/// Both hexadecimal digits of `byte`, in upper case.
#[must_use]
pub fn encode_hex(byte: u8) -> [char; 2] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [byte >> 4, byte & 0xF]
        .map(|digit| char::from(DIGITS.get(usize::from(digit)).copied().unwrap_or(b'0')))
}

/// Reads hexadecimal digits in any case; none for an odd number of them, or no digit.
#[must_use]
pub fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|&[high, low]| decode_hex_byte(high, low)).collect()
}

/// The byte of two hexadecimal digits.
#[must_use]
pub fn decode_hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::FnHost;

    /// RFC 4648 section 10, and what no encoder writes.
    #[test]
    fn base64_reads_back() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode_base64(bytes.as_bytes()), text);
            assert_eq!(decode_base64(text.as_bytes()).as_deref(), Some(bytes.as_bytes()));
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode_base64(encode_base64(&all).as_bytes()), Some(all));
        for text in
            ["Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "=", "Z", "Zg==Zg==", "Zm 9", "Zm9v\n", "-_=="]
        {
            assert_eq!(decode_base64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn hex_reads_back() {
        let all: Vec<u8> = (0..=255).collect();
        let text: String = all.iter().flat_map(|&byte| encode_hex(byte)).collect();
        assert_eq!(decode_hex(&text), Some(all.clone()));
        assert_eq!(decode_hex(&text.to_lowercase()), Some(all));
        for text in ["", "0", "0g", "+1", "123"] {
            assert_eq!(decode_hex(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_the_secret_signed_passes() {
        let host = FnHost::new(|_| panic!("nothing is sent"));
        let host = host.verifying(|_, _, message, signature| Ok(message == signature));
        let (genuine, forged) = ([7; 32], [8; 32]);
        let given = encode_base64(&genuine);
        let verify = |body: &[u8], signature| verify_delivery(&host, "s", body, signature);
        assert_eq!(verify(&genuine, Some(given.as_bytes())), Ok(()));
        assert_eq!(verify(&forged, Some(given.as_bytes())), Err(Refusal::Unverified));
        assert_eq!(verify(&genuine, None), Err(Refusal::Unverified));
        assert_eq!(verify(&[7; 3], Some(b"BwcH")), Err(Refusal::Unverified));
        let host = FnHost::new(|_| panic!("nothing is sent"));
        let refusal = verify_delivery(&host, "s", &genuine, Some(given.as_bytes()));
        assert!(matches!(refusal, Err(Refusal::TryAgain(text)) if text.contains("give it")));
    }
}
