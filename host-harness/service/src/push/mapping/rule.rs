//! One entry of a mapping file: where a member's value comes from, and what is made of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::node::{at, tokens};
use crate::source::{trimmed, without_place};

/// An entry.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the file")]
pub struct MappingRule {
    /// Pointer into the source.
    pub from: Option<String>,
    value: Option<Box<RawValue>>,
    trim: bool,
    case: Option<Case>,
    table: Option<BTreeMap<String, Box<RawValue>>>,
    ignore_case: bool,
    otherwise: Otherwise,
    default: Option<Box<RawValue>>,
    #[serde(rename = "as")]
    kind: Option<Kind>,
    split: Option<String>,
    /// The item fails where the source has no value.
    pub required: bool,
    /// The item is left out where the source has no value.
    pub skip_if_empty: bool,
}

/// What becomes of a value that a table does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Otherwise {
    /// The item fails.
    #[default]
    Fail,
    /// It stays as it is.
    Keep,
    /// It is left out.
    LeaveOut,
}

/// Letters that a text is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Case {
    Lower,
    Upper,
}

/// A JSON type that a value is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Text,
    Number,
    Boolean,
    Json,
}

/// One of the values that stand at a pointer together.
#[derive(Debug, Clone, Copy)]
pub struct SplitPart<'p> {
    /// The pointer.
    pub from: &'p str,
    /// The value.
    pub json: &'p str,
}

/// What an entry came to.
pub enum Mapped {
    /// The value's JSON.
    Value(String),
    /// There is none.
    Nothing,
    /// There is none, and so the item is not wanted.
    Skip,
}

impl MappingRule {
    /// Reads an entry.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(entry: &Value) -> Result<Self, String> {
        let rule = match entry {
            Value::String(from) => Self { from: Some(from.clone()), ..Self::default() },
            other => serde_json::from_str(&other.to_string()).map_err(|why| without_place(&why))?,
        };
        rule.check()?;
        Ok(rule)
    }

    fn check(&self) -> Result<(), String> {
        match (&self.from, &self.value) {
            (None, None) => return Err("it needs `from` or `value`".to_owned()),
            (Some(_), Some(_)) => return Err("it has both `from` and `value`".to_owned()),
            (Some(from), None) if tokens(from).is_none() => return Err(pointer_form(from)),
            _ => {}
        }
        if self.split.as_deref() == Some("") {
            return Err("`split` is empty".to_owned());
        }
        if self.skip_if_empty && (self.required || self.default.is_some()) {
            return Err("`skip_if_empty` leaves nothing to `required` and `default`".to_owned());
        }
        if self.ignore_case {
            let table = self.table.as_ref().ok_or("`ignore_case` needs a `table`")?;
            let mut known = BTreeMap::new();
            for (name, value) in table {
                let other = known.insert(name.to_lowercase(), value.get());
                if other.is_some_and(|other| other != value.get()) {
                    return Err(format!("the table has \"{name}\" twice, in other letters"));
                }
            }
        }
        Ok(())
    }

    /// The top-level member of the source that it reads.
    pub fn top(&self) -> Option<String> {
        tokens(self.from.as_deref()?)?.into_iter().next()
    }

    /// The value of what the source has.
    ///
    /// # Errors
    /// Why it cannot be mapped.
    pub fn value(&self, source: &str, piece: Option<SplitPart<'_>>) -> Result<Mapped, String> {
        let found = |json: Option<String>| json.map_or(Mapped::Nothing, Mapped::Value);
        if let Some(value) = &self.value {
            return Ok(Mapped::Value(value.get().to_owned()));
        }
        let from = self.from.as_deref().unwrap_or_default();
        let there = match piece {
            Some(piece) if piece.from == from => Some(piece.json),
            _ => at(source, from),
        };
        let there = there.map(|there| self.plain(there)).filter(|there| *there != "\"\"");
        let blank = |there: &str| text_of(there).is_some_and(|text| trimmed(&text).is_empty());
        if self.skip_if_empty && there.as_deref().is_none_or(blank) {
            return Ok(Mapped::Skip);
        }
        let Some(there) = there else {
            return Ok(found(self.default.as_ref().map(|value| value.get().to_owned())));
        };
        if let Some(separator) = &self.split {
            let parts = text_of(&there).ok_or("`split` needs a text")?;
            let parts = parts.split(separator.as_str()).map(str::trim);
            let parts = parts.filter(|part| !part.is_empty());
            let mapped: Vec<String> = parts
                .map(|part| self.one(&Value::from(part).to_string()))
                .filter_map(Result::transpose)
                .collect::<Result<_, _>>()?;
            return Ok(Mapped::Value(format!("[{}]", mapped.join(","))));
        }
        Ok(found(self.one(&there)?))
    }

    /// A text without what is around it and in the letters that are wanted; all else as it is.
    fn plain<'t>(&self, json: &'t str) -> Cow<'t, str> {
        let Some(text) = text_of(json) else { return Cow::Borrowed(json) };
        let inner = if self.trim { trimmed(&text) } else { &text };
        let made = match self.case {
            None => inner.to_owned(),
            Some(Case::Lower) => inner.to_lowercase(),
            Some(Case::Upper) => inner.to_uppercase(),
        };
        if made == text { Cow::Borrowed(json) } else { Cow::Owned(Value::from(made).to_string()) }
    }

    fn one(&self, found: &str) -> Result<Option<String>, String> {
        let Some(table) = &self.table else { return self.typed(found).map(Some) };
        let word = text_of(found).unwrap_or_else(|| found.to_owned());
        let word = trimmed(&word);
        let same = |name: &str| name.to_lowercase() == word.to_lowercase();
        let near = || table.iter().find(|(name, _)| same(name));
        let value =
            table.get(word).or_else(|| self.ignore_case.then(near)?.map(|(_, value)| value));
        match (value, self.otherwise) {
            (Some(value), _) if value.get() == "null" => Ok(None),
            (Some(value), _) => Ok(Some(value.get().to_owned())),
            (None, Otherwise::Keep) => self.typed(found).map(Some),
            (None, Otherwise::LeaveOut) => Ok(None),
            (None, Otherwise::Fail) => Err(match near() {
                Some((name, _)) => {
                    format!("the table has no \"{word}\", but \"{name}\"; `ignore_case` takes both")
                }
                None => format!("the table has no \"{word}\""),
            }),
        }
    }

    fn typed(&self, found: &str) -> Result<String, String> {
        let Some(kind) = self.kind else { return Ok(found.to_owned()) };
        let text = text_of(found);
        let plain = text.as_deref().unwrap_or(found).trim();
        match kind {
            Kind::Text if text.is_some() => Ok(found.to_owned()),
            Kind::Text => Ok(Value::from(found).to_string()),
            Kind::Number if plain.parse::<serde_json::Number>().is_ok() => Ok(plain.to_owned()),
            Kind::Number => Err("it is no number".to_owned()),
            Kind::Boolean if matches!(plain, "true" | "false") => Ok(plain.to_owned()),
            Kind::Boolean => Err("it is neither true nor false".to_owned()),
            Kind::Json => match serde_json::from_str::<&RawValue>(plain) {
                Ok(value) => Ok(value.get().to_owned()),
                Err(_) => Err("it is no JSON".to_owned()),
            },
        }
    }
}

/// A JSON text's content.
pub fn text_of(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// Says how a pointer is written.
pub fn pointer_form(given: &str) -> String {
    format!("\"{given}\" is no JSON Pointer: it begins with / and names a member, as in /order/id")
}
