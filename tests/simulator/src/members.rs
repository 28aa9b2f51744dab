//! JSON objects as ordered members whose values stay raw text, so that what nobody changed is
//! served back token for token.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of one JSON object in their order; the values are JSON text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members<'a>(Vec<(String, Cow<'a, str>)>);

impl<'a> Members<'a> {
    /// Reads an object; the values borrow from `text`. `None` when it is no JSON object.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The JSON text of a member; of the last one where a name comes twice.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, raw)| raw.as_ref())
    }

    /// A member that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.raw(name).and_then(|raw| serde_json::from_str(raw).ok())
    }

    /// A member that is `true` or `false`.
    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        self.raw(name).and_then(|raw| raw.parse().ok())
    }

    /// A member that is an integer.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.raw(name).and_then(|raw| raw.parse().ok())
    }

    /// A member that is an array of strings; anything else counts as empty.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.raw(name).and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }

    /// Puts JSON text in the place of a member, or at the end where it is new.
    pub(crate) fn set(&mut self, name: &str, raw: impl Into<Cow<'a, str>>) {
        match self.0.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, old)) => *old = raw.into(),
            None => self.0.push((name.to_owned(), raw.into())),
        }
    }

    /// Puts a string in the place of a member.
    pub(crate) fn set_text(&mut self, name: &str, text: &str) {
        self.set(name, quote(text));
    }

    /// Adds an element to a member that is an array; anything else becomes an array of one.
    pub(crate) fn push(&mut self, name: &str, element: &str) {
        let list = match self.raw(name).and_then(|raw| raw.strip_suffix(']')) {
            Some(head) if head.trim_end() != "[" => format!("{head},{element}]"),
            _ => format!("[{element}]"),
        };
        self.set(name, list);
    }

    /// Keeps only the members that `wanted` names, in their order.
    pub(crate) fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| wanted(name));
    }

    /// Gives a member another name.
    pub(crate) fn rename(&mut self, old: &str, new: &str) {
        for (name, _) in self.0.iter_mut().filter(|(name, _)| name == old) {
            new.clone_into(name);
        }
    }

    /// The members in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, raw)| (name.as_str(), raw.as_ref()))
    }

    /// Writes the object without white space between its members.
    pub(crate) fn render(&self) -> String {
        let size = self.0.iter().map(|(name, raw)| name.len() + raw.len() + 4).sum::<usize>();
        let mut text = String::with_capacity(size + 2);
        text.push('{');
        for (place, (name, raw)) in self.0.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            text.push_str(&quote(name));
            text.push(':');
            text.push_str(raw);
        }
        text.push('}');
        text
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(80);
                while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((name, Cow::Borrowed(raw.get())));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// The elements of an array; none where it is something else.
pub(crate) fn elements(json: &str) -> Vec<String> {
    let list: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
    list.into_iter().map(|element| element.get().to_owned()).collect()
}

/// A string as JSON text.
pub(crate) fn quote(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

/// JSON text without the white space between its tokens; the tokens stay as they are written.
pub(crate) fn compact(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        if in_string {
            text.push(character);
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if !matches!(character, ' ' | '\t' | '\n' | '\r') {
            text.push(character);
            in_string = character == '"';
        }
    }
    text
}
