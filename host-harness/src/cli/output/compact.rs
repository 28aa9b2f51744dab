//! JSON text with other white space, and nothing else changed: member order,
//! digits and escapes stay as the provider wrote them.
//!
//! Nothing is parsed into values, so nothing is rounded and no record is held twice.

use std::io::{self, Write};

/// Knows whether a byte stands inside a string.
#[derive(Default)]
struct StringTracker {
    inside: bool,
    escaped: bool,
}

impl StringTracker {
    /// Passes `byte`; answers whether it belongs to a string, its quotes included.
    fn pass(&mut self, byte: u8) -> bool {
        if !self.inside {
            self.inside = byte == b'"';
            return self.inside;
        }
        if self.escaped {
            self.escaped = false;
        } else if byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.inside = false;
        }
        true
    }
}

/// Writes `json` in one line, without white space between its tokens.
///
/// A control character inside a string is no JSON (RFC 8259 section 7) and would
/// tear the line in two, so it is left out.
///
/// # Errors
/// When `out` cannot be written.
pub fn compact(json: &str, out: &mut impl Write) -> io::Result<()> {
    let mut place = StringTracker::default();
    let dropped = |byte: &u8| {
        if place.pass(*byte) { *byte < b' ' } else { matches!(byte, b' ' | b'\t' | b'\n' | b'\r') }
    };
    json.as_bytes().split(dropped).try_for_each(|run| out.write_all(run))
}

/// Writes `json` with a line for each member and item, indented by two spaces.
///
/// # Errors
/// When `out` cannot be written.
pub fn indent(json: &str, out: &mut impl Write) -> io::Result<()> {
    let mut place = StringTracker::default();
    let mut depth = 0_usize;
    // An opening bracket waits for what follows, so that an empty pair stays together.
    let mut opened = false;
    for byte in json.bytes() {
        if place.pass(byte) {
            if byte >= b' ' {
                line(out, &mut opened, depth)?;
                out.write_all(&[byte])?;
            }
            continue;
        }
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'{' | b'[' => {
                line(out, &mut opened, depth)?;
                out.write_all(&[byte])?;
                depth += 1;
                opened = true;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                let mut filled = !std::mem::take(&mut opened);
                line(out, &mut filled, depth)?;
                out.write_all(&[byte])?;
            }
            b',' => {
                out.write_all(b",")?;
                opened = true;
            }
            b':' => out.write_all(b": ")?,
            _ => {
                line(out, &mut opened, depth)?;
                out.write_all(&[byte])?;
            }
        }
    }
    Ok(())
}

/// Begins a line, if one is due.
fn line(out: &mut impl Write, due: &mut bool, depth: usize) -> io::Result<()> {
    if std::mem::take(due) {
        write!(out, "\n{:width$}", "", width = depth * 2)?;
    }
    Ok(())
}

/// As [`compact`], as text.
#[must_use]
pub fn compacted(json: &str) -> String {
    let mut bytes = Vec::with_capacity(json.len());
    // Writing to memory does not fail, and only ASCII bytes were left out.
    let _ = compact(json, &mut bytes);
    String::from_utf8(bytes).unwrap_or_default()
}

/// As [`indent`], as text.
#[must_use]
pub fn indented(json: &str) -> String {
    let mut bytes = Vec::with_capacity(json.len());
    // As above.
    let _ = indent(json, &mut bytes);
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[ \t\"\\\\\n{}:,a-zé\u{2028}]{0,12}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::vec(("[ \"a-z\\\\]{0,6}", inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// serde_json writes the same tokens, with and without white space.
        #[test]
        fn the_tokens_stay_the_same(value in json()) {
            let tight = serde_json::to_string(&value).unwrap();
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compacted(&pretty), tight.clone());
            prop_assert_eq!(compacted(&tight), tight.clone());
            prop_assert_eq!(indented(&tight), pretty.clone());
            prop_assert_eq!(indented(&pretty), pretty.clone());
            prop_assert_eq!(compacted(&pretty.replace('\n', "\r\n\t ")), tight);
        }

        #[test]
        fn any_text_is_survived_and_stays_in_one_line(text: String) {
            prop_assert!(!compacted(&text).contains(['\n', '\r']));
            prop_assert!(indented(&text).len() + 2 >= compacted(&text).len());
        }
    }

    #[test]
    fn digits_order_and_escapes_stay() {
        let given = "{ \"b\" : 1.10 ,\n \"a\":[ 12345678901234567890, 1E+2, \"\\u00e9 \\\" x\" ] }";
        assert_eq!(compacted(given), r#"{"b":1.10,"a":[12345678901234567890,1E+2,"\u00e9 \" x"]}"#);
        assert_eq!(
            indented(r#"{"a":{},"b":[],"c":[1.10,{"d":"e"}]}"#),
            "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n    1.10,\n    {\n      \"d\": \"e\"\n    }\n  ]\n}"
        );
    }
}
