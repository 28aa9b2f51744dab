//! New JSON objects, joined from names and ready slices.

use std::fmt::Write as _;

/// Writes one object, member by member.
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
}

impl Writer {
    /// An object without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member as it stands in another object: name, colon and value.
    pub fn member(&mut self, raw: &str) {
        self.separate();
        self.text.push_str(raw);
    }

    /// Adds a member whose value is JSON text already.
    pub fn raw(&mut self, name: &str, value: &str) {
        self.separate();
        push_quoted(&mut self.text, name);
        self.text.push(':');
        self.text.push_str(value);
    }

    /// Adds a string member.
    pub fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &quoted(value));
    }

    /// The object's text.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.text.push_str(if self.text.is_empty() { "{}" } else { "}" });
        self.text
    }

    fn separate(&mut self) {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
    }
}

/// `text` as a JSON string, quotes included.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    push_quoted(&mut quoted, text);
    quoted
}

fn push_quoted(into: &mut String, text: &str) {
    into.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                into.push('\\');
                into.push(character);
            }
            '\0'..='\u{1f}' => {
                // Writing to a String cannot fail.
                let _ = write!(into, "\\u{:04x}", u32::from(character));
            }
            _ => into.push(character),
        }
    }
    into.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(name in any::<String>(), value in any::<String>()) {
            let mut writer = Writer::new();
            writer.text(&name, &value);
            writer.raw("n", "1.50");
            let read: serde_json::Value = serde_json::from_str(&writer.finish()).unwrap();
            if name != "n" {
                prop_assert_eq!(&read[&name], &serde_json::Value::String(value));
            }
            prop_assert_eq!(&read["n"], &serde_json::json!(1.5));
        }
    }

    #[test]
    fn an_object_without_members() {
        assert_eq!(Writer::new().finish(), "{}");
    }
}
