//! What spreadsheets and web pages leave in cells.

use std::borrow::Cow;

/// Letters and digits that make `'` before them a spreadsheet's mark of text, and not a word's.
const NUMBER: usize = 6;
/// Digits of a number that a spreadsheet keeps.
const PRECISION: usize = 15;

/// A sign that nobody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign(char);

impl std::fmt::Display for Sign {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.0 {
            '\t' => " (tab)",
            '\n' | '\r' => " (line break)",
            '\u{a0}' => " (no-break space)",
            '\u{ad}' => " (soft hyphen)",
            '\u{200b}' => " (zero width space)",
            '\u{200c}' | '\u{200d}' => " (zero width joiner)",
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                " (mark of writing direction)"
            }
            '\u{202f}' => " (narrow no-break space)",
            '\u{feff}' => " (byte order mark)",
            _ => "",
        };
        write!(formatter, "U+{:04X}{name}", u32::from(self.0))
    }
}

/// Whether a sign at a text's edge says nothing: white space, or a sign that nobody sees.
fn is_blank_sign(sign: char) -> bool {
    sign.is_whitespace() || is_invisible(sign)
}

fn is_invisible(sign: char) -> bool {
    // General category Cf and its like, as far as they come with copied text.
    sign.is_control()
        || matches!(sign, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(sign, '\u{2060}'..='\u{206f}')
}

/// The first sign in `text` that nobody sees, or that looks like a space and is none.
pub fn invisible(text: &str) -> Option<Sign> {
    let hidden = |sign: &char| is_invisible(*sign) || (sign.is_whitespace() && *sign != ' ');
    text.chars().find(hidden).map(Sign)
}

/// Without white space and invisible signs around it.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(is_blank_sign)
}

/// A cell's text: without white space and invisible signs around it, and without the forms by
/// which spreadsheets are made to keep digits (`="0042"`, `'0042`).
pub fn unwrapped(cell: &str) -> Cow<'_, str> {
    let text = trimmed(cell);
    let formula = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    if let Some(inner) = formula.filter(|inner| !inner.contains('"')) {
        return Cow::Owned(trimmed(inner).to_owned());
    }
    let number = |rest: &&str| {
        let plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && rest.bytes().filter(u8::is_ascii_digit).count() >= NUMBER
    };
    Cow::Borrowed(text.strip_prefix('\'').filter(number).unwrap_or(text))
}

/// How a text shows that a spreadsheet took it for a quantity, and rounded it.
pub fn rounded(text: &str) -> Option<&'static str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((mantissa, exponent)) = text.split_once(['E', 'e']) {
        let (whole, part) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
        let signed = exponent.starts_with('+') || mantissa != whole;
        let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
        return (signed && digits(whole) && digits(part) && digits(exponent))
            .then_some("as in 1.23E+11");
    }
    if let Some((whole, part)) = text.split_once(['.', ',']) {
        let zeros = !part.is_empty() && part.bytes().all(|byte| byte == b'0');
        return (zeros && digits(whole) && whole.len() >= NUMBER).then_some("as in 123456789012.0");
    }
    // Five or more zeros from the 16th digit on are no accident.
    let rest = text.get(PRECISION..).filter(|rest| rest.len() >= 5 && digits(text));
    rest.filter(|rest| rest.bytes().all(|byte| byte == b'0')).map(|_| "its last digits are zeros")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_loses_what_is_only_around_it() {
        for (cell, text) in [
            (" ups ", "ups"),
            ("\u{202a}1ZLRE\u{202c}", "1ZLRE"),
            ("\u{feff}1ZBOM\u{a0}\u{200b}", "1ZBOM"),
            ("=\"00340434161094042557\"", "00340434161094042557"),
            ("'00340434161094042559", "00340434161094042559"),
            ("'1Z999AA10123456784", "1Z999AA10123456784"),
            // Words, and what is no form of a spreadsheet.
            ("'s-Hertogenbosch", "'s-Hertogenbosch"),
            ("'90s shirt", "'90s shirt"),
            ("=\"a\"&\"b\"", "=\"a\"&\"b\""),
            ("27\"", "27\""),
        ] {
            assert_eq!(unwrapped(cell), text, "{cell:?}");
        }
    }

    #[test]
    fn a_rounded_number_is_told_from_a_whole_one() {
        for text in ["1.23E+11", "1,23E+11", "9.40551E+21", "1E+11", "1.23e11", "123456789012.0"] {
            assert!(rounded(text).is_some(), "{text}");
        }
        assert!(rounded("94001000000000000000").is_some());
        assert!(rounded("9400110898825020000000").is_some());
        for text in
            ["", "1Z12345E0205271688", "123E45", "00340434161094042557", "1.0", "E+", "12.5"]
        {
            assert!(rounded(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_invisible_sign_is_named() {
        assert_eq!(invisible("1Z\u{200b}9").unwrap().to_string(), "U+200B (zero width space)");
        assert_eq!(invisible("1Z\u{a0}9").unwrap().to_string(), "U+00A0 (no-break space)");
        assert_eq!(invisible("1Z 9"), None);
    }
}
