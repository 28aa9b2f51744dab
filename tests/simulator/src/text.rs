//! Percent encoding, Base64 and hexadecimal: the few codecs the simulator needs.

use std::fmt::Write as _;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Decodes `%XX` and, where `plus_is_space` (a query), `+`. `None` when an escape is broken or the
/// result is not UTF-8.
pub(crate) fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let (high, low) = (hex_digit(bytes.next()?)?, hex_digit(bytes.next()?)?);
                high << 4 | low
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

/// Escapes everything but the unreserved characters of RFC 3986, 2.3.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => {
                // Writing to a text cannot fail.
                let _ = write!(encoded, "%{other:02X}");
            }
        }
    }
    encoded
}

/// Standard Base64 with padding.
pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .chain(std::iter::repeat(&0))
            .take(3)
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        for place in 0..4 {
            let digit = BASE64.get((word >> (18 - 6 * place)) as usize & 63).copied();
            text.push(if place > chunk.len() { '=' } else { digit.map_or('=', char::from) });
        }
    }
    text
}

/// The inverse of [`base64_encode`]; `None` for anything that it does not produce.
pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut bits) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = BASE64.iter().position(|known| *known == byte)?;
        word = word << 6 | u32::try_from(digit).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    // Encoding again settles padding and left-over bits in one comparison.
    (base64_encode(&bytes) == text).then_some(bytes)
}

/// Base64 for URLs, without padding (RFC 4648, 5).
pub(crate) fn base64url_encode(bytes: &[u8]) -> String {
    let text = base64_encode(bytes);
    text.trim_end_matches('=').replace('+', "-").replace('/', "_")
}

/// Hexadecimal digits of bytes, lower case.
pub(crate) fn hex_encode(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
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

/// `digits` characters of `alphabet`, the same for the same `seed`.
pub(crate) fn push_digits(text: &mut String, alphabet: &[u8], digits: usize, seed: u64) {
    let base = alphabet.len().max(1) as u64;
    let (mut word, mut left) = (0, 0);
    for place in 0..digits {
        if left == 0 {
            word = scramble(seed ^ scramble(place as u64 + 1));
            left = 8;
        }
        text.push(alphabet.get((word % base) as usize).copied().map_or('0', char::from));
        word /= base;
        left -= 1;
    }
}

/// `digits` lower-case hexadecimal digits, the same for the same `seed`.
pub(crate) fn hex(digits: usize, seed: u64) -> String {
    let mut text = String::with_capacity(digits);
    push_digits(&mut text, b"0123456789abcdef", digits, seed);
    text
}

/// An identifier of the older kind: 24 characters of `a-z0-9`.
pub(crate) fn legacy_id(seed: u64) -> String {
    let mut text = String::with_capacity(24);
    push_digits(&mut text, b"abcdefghijklmnopqrstuvwxyz0123456789", 24, seed);
    text
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_decoding_keeps_an_escaped_plus_and_spaces_a_bare_one() {
        assert_eq!(percent_decode("a%2Bb+c", true).unwrap(), "a+b c");
        assert_eq!(percent_decode("a+b", false).unwrap(), "a+b");
        for broken in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(percent_decode(broken, true), None, "{broken}");
        }
    }

    #[test]
    fn percent_encoding_escapes_all_that_is_reserved() {
        assert_eq!(percent_encode("a-Z.0_~ +:,é"), "a-Z.0_~%20%2B%3A%2C%C3%A9");
        assert_eq!(hex_encode(&[0, 0x9f, 0xff]), "009fff");
        assert_eq!(base64url_encode(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn base64_agrees_with_the_official_cursor_example() {
        let plain = br#"[1719992032353,"a45d9489858743209b0cb4ef17e0c4ea"]"#;
        let text = "WzE3MTk5OTIwMzIzNTMsImE0NWQ5NDg5ODU4NzQzMjA5YjBjYjRlZjE3ZTBjNGVhIl0=";
        assert_eq!(base64_encode(plain), text);
        assert_eq!(base64_decode(text).unwrap(), plain);
    }

    #[test]
    fn base64_refuses_what_it_does_not_write() {
        for broken in ["Zg", "Zg=", "Zh==", "Zg==\n", "Z!==", "===="] {
            assert_eq!(base64_decode(broken), None, "{broken}");
        }
        for length in 0..7 {
            let bytes = vec![250_u8; length];
            assert_eq!(base64_decode(&base64_encode(&bytes)).unwrap(), bytes);
        }
    }

    #[test]
    fn hexadecimal_is_stable_and_varied() {
        assert_eq!(hex(40, 7), hex(40, 7));
        assert_ne!(hex(40, 7), hex(40, 8));
        assert_eq!(hex(40, 7).len(), 40);
        assert_eq!(legacy_id(1).len(), 24);
    }
}
