//! JSON files without their white space, made while compiling.

/// The length of [`minify`]'s answer.
#[must_use]
pub const fn length(text: &str) -> usize {
    walk(text.as_bytes(), &mut [])
}

/// The bytes of `text` that are no white space between tokens.
#[must_use]
pub const fn minify<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
    let mut kept = [0; LENGTH];
    walk(text.as_bytes(), &mut kept);
    kept
}

/// The first bytes of what is longer.
#[must_use]
#[allow(clippy::indexing_slicing, reason = "a wrong index stops the compiler, not a call")]
pub const fn first<const LENGTH: usize>(bytes: &[u8]) -> [u8; LENGTH] {
    let mut first = [0; LENGTH];
    let mut at = 0;
    while at < LENGTH {
        first[at] = bytes[at];
        at += 1;
    }
    first
}

/// Writes what is kept into `into`, unless that is empty, and answers how much it is.
#[allow(clippy::indexing_slicing, reason = "a wrong index stops the compiler, not a call")]
const fn walk(text: &[u8], into: &mut [u8]) -> usize {
    let (mut at, mut kept) = (0, 0);
    let (mut in_text, mut is_escaped) = (false, false);
    while at < text.len() {
        let byte = text[at];
        if in_text || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            if !into.is_empty() {
                into[kept] = byte;
            }
            kept += 1;
        }
        if byte == b'"' && !is_escaped {
            in_text = !in_text;
        }
        is_escaped = in_text && byte == b'\\' && !is_escaped;
        at += 1;
    }
    kept
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_white_space_between_tokens_goes() {
        const TEXT: &str = "{ \"a b\" : [ 1 ,\n\t\"\\\" c\\\\\" , \"é \" ] }\r\n";
        const MINIFIED: [u8; super::length(TEXT)] = super::minify(TEXT);
        let expected = "{\"a b\":[1,\"\\\" c\\\\\",\"é \"]}";
        assert_eq!(std::str::from_utf8(&MINIFIED), Ok(expected));
    }
}
