//! Bytes for people, and in names.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// `bytes` in hexadecimal digits, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

#[test]
fn each_byte_is_two_digits() {
    assert_eq!(hex(&[0x00, 0x0a, 0xff]), "000aff");
}
