//! Bytes for people, and in names.

use std::fmt::Write as _;

/// `bytes` in hexadecimal digits, in lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // A string takes all.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn each_byte_is_two_digits() {
    assert_eq!(hex(&[0x00, 0x0a, 0xff]), "000aff");
}
