//! The forms in which a secret may stand in a text: as it is, and as encoders write it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// What encoders of percent form leave as it is besides letters and digits: RFC 3986
/// section 2.3 and the rules before it, and its segments of a path (section 3.3), each without and
/// with `/`; HTML forms; ECMAScript's `encodeURIComponent`.
const KEPT: [&[u8]; 8] = [
    b"-._~",
    b"-._~/",
    b"-._",
    b"-._/",
    b"-._~!$&'()*+,;=:@",
    b"-._~!$&'()*+,;=:@/",
    b"*-._",
    b"-_.!~*'()",
];

/// Every form of `value`; some are equal.
pub fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![
        value.to_vec(),
        STANDARD.encode(value).into_bytes(),
        STANDARD_NO_PAD.encode(value).into_bytes(),
        URL_SAFE.encode(value).into_bytes(),
        URL_SAFE_NO_PAD.encode(value).into_bytes(),
        hex(value, false).into_bytes(),
        hex(value, true).into_bytes(),
    ];
    forms.extend(within(value, &STANDARD_NO_PAD));
    forms.extend(within(value, &URL_SAFE_NO_PAD));
    for kept in KEPT {
        for upper in [false, true] {
            let text = percent(value, kept, upper);
            forms.push(text.replace("%20", "+").into_bytes());
            forms.push(text.into_bytes());
        }
    }
    // A header's bytes are read as UTF-8 or, as HTTP once said, as Latin-1.
    let latin: String = value.iter().copied().map(char::from).collect();
    for reading in [String::from_utf8_lossy(value).into_owned(), latin] {
        forms.extend(quoted(&reading));
        forms.push(reading.into_bytes());
    }
    forms
}

/// Of base64 over something longer, such as `user:password`: what `value` alone decides,
/// at each of the three places where it may begin in a group.
fn within(value: &[u8], encoder: &impl Engine) -> Vec<Vec<u8>> {
    let place = |before: usize| {
        let text = encoder.encode([vec![0; before].as_slice(), value].concat());
        let (from, until) = ((before * 8).div_ceil(6), (before + value.len()) * 8 / 6);
        text.into_bytes().into_iter().take(until).skip(from).collect()
    };
    (0..=2).map(place).collect()
}

fn percent(value: &[u8], kept: &[u8], upper: bool) -> String {
    let one = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() || kept.contains(byte) => char::from(*byte).into(),
        byte => format!("%{}", hex(&[*byte], upper)),
    };
    value.iter().map(one).collect::<String>()
}

/// As encoders of JSON quote `text` (RFC 8259 section 7): some escape `/`, some what is
/// not ASCII, some what means something in HTML.
fn quoted(text: &str) -> Vec<Vec<u8>> {
    let inner = inside(text);
    // An answer that quotes a request's body quotes what is quoted.
    let mut forms = vec![inside(&inner).into_bytes()];
    for slash in [false, true] {
        for html in [false, true] {
            for (ascii, upper) in [(false, false), (true, false), (true, true)] {
                let one = |letter: char| match letter {
                    '/' if slash => "\\/".to_owned(),
                    '<' | '>' | '&' | '\'' if html => escaped(letter, upper),
                    letter if ascii && !letter.is_ascii() => escaped(letter, upper),
                    letter => letter.to_string(),
                };
                forms.push(inner.chars().map(one).collect::<String>().into_bytes());
            }
        }
    }
    forms
}

fn inside(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

fn escaped(letter: char, upper: bool) -> String {
    let mut units = [0; 2];
    let units = letter.encode_utf16(&mut units).iter().map(|unit| unit.to_be_bytes());
    units.map(|unit| format!("\\u{}", hex(&unit, upper))).collect::<Vec<_>>().concat()
}

fn hex(value: &[u8], upper: bool) -> String {
    let digits = connector_contract::hex(value);
    if upper { digits.to_ascii_uppercase() } else { digits }
}
