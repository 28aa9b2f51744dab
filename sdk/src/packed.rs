//! JSON files packed while compiling: schemas are the largest texts that a component carries.
//!
//! Byte pair encoding: a byte from 0x80 on stands for two others, which [`PAIRS`] names, and any other
//! for itself. It halves them, unpacks each text alone, and leaves to a compressor all that it would
//! find; copies of earlier bytes are 2 KB smaller, and 4 KB larger once the component is compressed.

/// What 0x80 and the bytes after it stand for, two bytes each, as `tools/common-pairs.py` found them in
/// the schemas of this workspace. Other texts are packed a little less well.
const PAIRS: [u8; 256] = [
    34, 58, 44, 34, 34, 129, 114, 105, 101, 114, 101, 128, 116, 105, 123, 34, 110, 103, 101, 115,
    116, 121, 138, 112, 139, 133, 111, 110, 115, 116, 135, 140, 125, 129, 128, 34, 142, 131, 146,
    136, 34, 147, 134, 141, 128, 143, 97, 116, 148, 130, 34, 93, 110, 117, 101, 32, 116, 104, 108,
    108, 100, 137, 115, 32, 112, 149, 99, 131, 154, 157, 161, 160, 158, 163, 164, 145, 162, 153,
    111, 114, 34, 144, 101, 109, 114, 97, 101, 100, 111, 117, 105, 110, 46, 168, 91, 152, 99, 107,
    114, 111, 175, 166, 99, 104, 105, 116, 32, 97, 101, 99, 91, 34, 137, 128, 105, 136, 44, 32,
    169, 97, 177, 112, 125, 125, 188, 132, 116, 132, 133, 143, 190, 134, 97, 108, 99, 172, 101,
    110, 115, 179, 116, 170, 150, 152, 197, 187, 114, 101, 198, 176, 97, 114, 193, 184, 32, 156,
    46, 32, 104, 105, 202, 185, 150, 178, 182, 116, 50, 48, 105, 100, 131, 132, 207, 112, 100, 151,
    111, 98, 134, 109, 101, 108, 106, 210, 216, 219, 111, 102, 129, 165, 220, 130, 98, 132, 109,
    173, 129, 112, 32, 119, 76, 101, 111, 109, 118, 132, 116, 111, 204, 135, 114, 171, 195, 213,
    128, 49, 136, 156, 154, 109, 228, 236, 121, 32, 205, 155, 115, 101, 97, 100, 102, 191, 32, 99,
    83, 214, 169, 115, 105, 230, 109, 97, 167, 100, 218, 247, 110, 116, 226, 232, 237, 224, 65,
    243, 254, 245,
];

/// A JSON text that is ASCII, unpacked when it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Packed(&'static [u8]);

impl Packed {
    /// A text as it stands, for short ones. One that is not ASCII does not compile: write `\u00e9`.
    #[must_use]
    pub const fn plain(text: &'static str) -> Self {
        assert!(text.is_ascii(), "JSON that is packed is ASCII: write \\u escapes");
        Self(text.as_bytes())
    }

    /// What [`pack`] wrote.
    #[doc(hidden)]
    #[must_use]
    pub const fn of(packed: &'static [u8]) -> Self {
        Self(packed)
    }

    /// The text.
    #[must_use]
    pub fn unpack(self) -> String {
        let mut text = String::with_capacity(self.0.len() * 3);
        self.0.iter().for_each(|&byte| unpack(byte, &mut text));
        text
    }
}

// Recursion is bounded because a pair is of bytes that stand before it in the table.
fn unpack(byte: u8, into: &mut String) {
    let pair = byte.checked_sub(0x80).map(|place| usize::from(place) * 2);
    match pair.and_then(|at| PAIRS.get(at..)?.first_chunk()) {
        Some(&[first, second]) => {
            unpack(first, into);
            unpack(second, into);
        }
        None => into.push(char::from(byte)),
    }
}

/// A JSON file beside the source as a [`Packed`], without the white space between its tokens.
#[macro_export]
macro_rules! include_json {
    ($path:literal) => {{
        const TEXT: &str = include_str!($path);
        const MINIFIED: [u8; $crate::minify::length(TEXT)] = $crate::minify::minify(TEXT);
        #[allow(long_running_const_eval, reason = "each pair is looked for in the whole text")]
        const ROOMY: ([u8; MINIFIED.len()], usize) = $crate::packed::pack(MINIFIED);
        const PACKED: [u8; ROOMY.1] = $crate::minify::first(&ROOMY.0);
        $crate::packed::Packed::of(&PACKED)
    }};
}

/// Packs a minified text, and says how many bytes of the answer are in use.
#[doc(hidden)]
#[must_use]
#[allow(clippy::indexing_slicing, reason = "a wrong index stops the compiler, not a call")]
pub const fn pack<const LENGTH: usize>(mut text: [u8; LENGTH]) -> ([u8; LENGTH], usize) {
    assert!(text.is_ascii(), "JSON that is packed is ASCII: write \\u escapes");
    let mut length = LENGTH;
    let mut code = 0;
    while code < PAIRS.len() / 2 {
        let (mut from, mut to) = (0, 0);
        while from < length {
            let is_pair = from + 1 < length
                && text[from] == PAIRS[2 * code]
                && text[from + 1] == PAIRS[2 * code + 1];
            text[to] = if is_pair { 0x80 + code as u8 } else { text[from] };
            from += if is_pair { 2 } else { 1 };
            to += 1;
        }
        length = to;
        code += 1;
    }
    (text, length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_schema_is_packed_and_comes_back() {
        const TEXT: &[u8; 86] = br#"{"a":{"type":["string","null"]},"b":{"type":["string","null"]},"c":{"type":"integer"}}"#;
        const ROOMY: ([u8; 86], usize) = pack(*TEXT);
        assert!(ROOMY.1 < 43, "{}", ROOMY.1);
        assert_eq!(Packed(&ROOMY.0[..ROOMY.1]).unpack().as_bytes(), TEXT);
        let [plain, empty] = ["[1]", ""].map(|text| Packed::plain(text).unpack());
        assert_eq!((plain.as_str(), empty.as_str()), ("[1]", ""));
    }

    #[test]
    fn each_pair_is_of_what_stands_before_it() {
        for (place, pair) in PAIRS.chunks(2).enumerate() {
            assert!(pair.iter().all(|&byte| usize::from(byte) < 0x80 + place), "{place}");
        }
    }

    proptest! {
        #[test]
        fn any_ascii_comes_back(text in "[tyering\":,{}\\x00-\\x7f]{256}") {
            let text: [u8; 256] = text.into_bytes().try_into().unwrap();
            let (packed, used) = pack(text);
            let unpacked = Packed(Box::leak(packed[..used].into())).unpack();
            prop_assert_eq!(unpacked.as_bytes(), text);
        }
    }
}
