//! Members of a record's JSON text that are wanted, read in one pass.

use std::collections::BTreeMap;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Bytes of a value that count; the rest of a longer one is left out.
const VALUE_BYTES: usize = 128;

/// What is wanted of an object in a record.
#[derive(Debug, Default)]
pub(super) struct Node {
    below: BTreeMap<String, Node>,
    /// Members whose value stands here, each with the place of this pointer among its pointers.
    members: Vec<(usize, usize)>,
    /// The list that stands here.
    list: Option<usize>,
}

/// What was found of that.
pub(super) struct Found {
    pub(super) values: Vec<Option<(usize, String)>>,
    pub(super) lists: Vec<Option<String>>,
}

impl Found {
    /// Nothing of so many values and lists.
    pub(super) fn new(values: usize, lists: usize) -> Self {
        Self { values: vec![None; values], lists: vec![None; lists] }
    }

    /// A value; the empty text where there is none.
    pub(super) fn value(&self, at: usize) -> String {
        let found = self.values.get(at).and_then(Option::as_ref);
        found.map_or_else(String::new, |(_, value)| value.clone())
    }
}

/// A value as it is compared.
#[must_use]
pub fn cut(mut value: String) -> String {
    if value.len() > VALUE_BYTES {
        let end = (0..=VALUE_BYTES).rev().find(|at| value.is_char_boundary(*at));
        value.truncate(end.unwrap_or_default());
    }
    value
}

/// The names of the members to which a JSON Pointer leads.
fn names_of(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"))
}

impl Node {
    /// Wants a member, and this place of its pointers, where the pointer leads.
    pub(super) fn want(&mut self, pointer: &str, member: (usize, usize)) {
        self.at(&mut names_of(pointer)).members.push(member);
    }

    /// Wants the list to which the pointer leads, in this place.
    pub(super) fn want_list(&mut self, pointer: &str, at: usize) {
        self.at(&mut names_of(pointer)).list = Some(at);
    }

    /// What is wanted where the names lead.
    fn at(&mut self, names: &mut dyn Iterator<Item = String>) -> &mut Self {
        match names.next() {
            Some(name) => self.below.entry(name).or_default().at(names),
            None => self,
        }
    }

    pub(super) fn read(&self, text: &str, found: &mut Found) {
        // What is no object has no members.
        let _ =
            serde_json::Deserializer::from_str(text).deserialize_map(Members { node: self, found });
    }

    fn take(&self, text: &str, found: &mut Found) {
        if let Some(value) = scalar(text).filter(|_| !self.members.is_empty()) {
            for (at, place) in &self.members {
                if let Some(slot) = found.values.get_mut(*at)
                    && slot.as_ref().is_none_or(|(other, _)| place < other)
                {
                    *slot = Some((*place, value.clone()));
                }
            }
        }
        if let Some(list) = self.list.and_then(|at| found.lists.get_mut(at)) {
            *list = text.starts_with('[').then(|| text.to_owned());
        }
        if !self.below.is_empty() {
            self.read(text, found);
        }
    }
}

/// A text without its quotes, a number or a truth as it is written.
fn scalar(text: &str) -> Option<String> {
    match text.as_bytes().first()? {
        b'{' | b'[' | b'n' => None,
        b'"' => serde_json::from_str(text).ok().map(cut),
        _ => Some(cut(text.to_owned())),
    }
}

struct Members<'n, 'f> {
    node: &'n Node,
    found: &'f mut Found,
}

impl<'de> Visitor<'de> for Members<'_, '_> {
    type Value = ();

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(below) = map.next_key_seed(Name(self.node))? {
            match below {
                Some(below) => below.take(map.next_value::<&'de RawValue>()?.get(), self.found),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The name of a member: what is wanted of it.
struct Name<'n>(&'n Node);

impl<'de, 'n> DeserializeSeed<'de> for Name<'n> {
    type Value = Option<&'n Node>;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for Name<'n> {
    type Value = Option<&'n Node>;

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.below.get(name))
    }
}
