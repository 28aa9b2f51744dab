//! A JSON string as it stands in the text, and its decoding.

use std::borrow::Cow;

/// What stands between the quotes of a JSON string whose syntax was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    pub(super) fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// Whether the decoded string equals `other`. A half surrogate pair equals nothing.
    #[must_use]
    pub fn is(&self, other: &str) -> bool {
        if self.escaped {
            self.decode().is_some_and(|text| text == other)
        } else {
            self.raw == other
        }
    }

    /// The decoded string; borrowed when it holds no escape. `None` when an escape is half a
    /// surrogate pair: RFC 8259 section 8.2 lets it pass as text, but it is no character.
    #[must_use]
    pub fn decode(&self) -> Option<Cow<'a, str>> {
        if self.escaped { decode(self.raw).map(Cow::Owned) } else { Some(Cow::Borrowed(self.raw)) }
    }
}

/// What follows `value` in `text`, when `text` begins with it as it may stand inside a JSON string.
#[must_use]
pub fn strip_escaped<'t>(text: &'t str, value: &str) -> Option<&'t str> {
    value.chars().try_fold(text, |rest, expected| match rest.strip_prefix('\\') {
        Some(escape) => escaped_character(escape)
            .and_then(|(character, rest)| (character == expected).then_some(rest)),
        None => rest.strip_prefix(expected),
    })
}

fn decode(raw: &str) -> Option<String> {
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        decoded.push_str(plain);
        let (character, after) = escaped_character(escape)?;
        decoded.push(character);
        rest = after;
    }
    decoded.push_str(rest);
    Some(decoded)
}

/// The character that the text after a backslash stands for, and what follows it.
fn escaped_character(escape: &str) -> Option<(char, &str)> {
    let mut characters = escape.chars();
    let character = match characters.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(characters.as_str()),
        literal => literal,
    };
    Some((character, characters.as_str()))
}

fn unicode(digits: &str) -> Option<(char, &str)> {
    let (first, rest) = code_unit(digits)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, rest));
    }
    let (second, rest) = code_unit(rest.strip_prefix("\\u")?)?;
    if !(0xDC00..0xE000).contains(&second) {
        return None;
    }
    let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    Some((char::from_u32(code)?, rest))
}

fn code_unit(digits: &str) -> Option<(u32, &str)> {
    let (unit, rest) = digits.split_at_checked(4)?;
    Some((u32::from_str_radix(unit, 16).ok()?, rest))
}
