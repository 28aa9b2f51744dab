//! Writes one JSON object by hand: a million trackings are made as fast as their text can be.

use crate::members::quote;

/// An object in the making.
pub(super) struct Writer(String);

impl Writer {
    /// An object without members, with room for a tracking.
    pub(super) fn new() -> Self {
        let mut text = String::with_capacity(4096);
        text.push('{');
        Self(text)
    }

    /// A member whose value is JSON text already.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.push_str(value);
    }

    /// A member that is a text.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &quote(value));
    }

    /// A member that is a text or null.
    pub(super) fn text_or_null(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// A member that is an integer or null.
    pub(super) fn number_or_null(&mut self, name: &str, value: Option<i64>) {
        match value {
            Some(value) => self.raw(name, &value.to_string()),
            None => self.raw(name, "null"),
        }
    }

    /// A member that is true or false.
    pub(super) fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// A member that is an array of texts.
    pub(super) fn texts(&mut self, name: &str, values: &[&str]) {
        let values: Vec<_> = values.iter().map(|value| quote(value)).collect();
        self.raw(name, &format!("[{}]", values.join(",")));
    }

    /// Members that are null.
    pub(super) fn nulls(&mut self, names: &str) {
        for name in names.split(' ') {
            self.raw(name, "null");
        }
    }

    /// The object.
    pub(super) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }
}
