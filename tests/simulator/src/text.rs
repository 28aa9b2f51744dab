//! Codecs, and made-up texts that are the same for the same seed.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986, 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Decodes `%XX` and, where `plus_is_space` (a query), `+`. `None` when the result is not UTF-8.
pub(crate) fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    let spaced = if plus_is_space { text.replace('+', " ") } else { text.to_owned() };
    percent_decode_str(&spaced).decode_utf8().ok().map(Into::into)
}

/// Escapes everything but the unreserved characters.
pub(crate) fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The decoded pairs of a query or a form, in their order.
pub(crate) fn pairs(raw: &str) -> Option<Vec<(String, String)>> {
    let pairs = raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((percent_decode(name, true)?, percent_decode(value, true)?))
    });
    pairs.collect()
}

/// Standard Base64 with padding.
pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The inverse of [`base64_encode`]; `None` for anything that it does not produce.
pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Base64 for URLs, without padding (RFC 4648, 5).
pub(crate) fn base64url_encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Hexadecimal digits of bytes, lower case.
pub(crate) fn hex_encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A stable scrambling of 64 bits (splitmix64).
pub(crate) fn scramble(seed: u64) -> u64 {
    let mut word = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// A stable number for a text (FNV-1a, scrambled).
pub(crate) fn digest(text: &str) -> u64 {
    scramble(text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    }))
}

/// `digits` lower-case hexadecimal digits, the same for the same `seed`.
pub(crate) fn hex(digits: usize, seed: u64) -> String {
    made_up(b"0123456789abcdef", digits, seed)
}

/// An identifier of the older kind: 24 characters of `a-z0-9`.
pub(crate) fn legacy_id(seed: u64) -> String {
    made_up(b"abcdefghijklmnopqrstuvwxyz0123456789", 24, seed)
}

fn made_up(alphabet: &[u8], digits: usize, seed: u64) -> String {
    let base = alphabet.len().max(1) as u64;
    let mut word = 0;
    let digit = |place: usize| {
        if place.is_multiple_of(8) {
            word = scramble(seed ^ scramble(place as u64 + 1));
        }
        let digit = alphabet.get((word % base) as usize);
        word /= base;
        digit.copied().map_or('0', char::from)
    };
    (0..digits).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_plus_is_a_space_in_queries_alone() {
        assert_eq!(percent_decode("a%2Bb+c", true).unwrap(), "a+b c");
        assert_eq!(percent_decode("a+b", false).unwrap(), "a+b");
        assert_eq!(percent_decode("%ff", true), None);
        assert_eq!(percent_encode("a-Z.0_~ +:,é"), "a-Z.0_~%20%2B%3A%2C%C3%A9");
    }

    #[test]
    fn base64_agrees_with_the_documented_cursor() {
        let plain = br#"[1719992032353,"a45d9489858743209b0cb4ef17e0c4ea"]"#;
        let text = "WzE3MTk5OTIwMzIzNTMsImE0NWQ5NDg5ODU4NzQzMjA5YjBjYjRlZjE3ZTBjNGVhIl0=";
        assert_eq!(base64_encode(plain), text);
        assert_eq!(base64_decode(text).unwrap(), plain);
        assert_eq!(base64_decode("Zg"), None);
    }
}
