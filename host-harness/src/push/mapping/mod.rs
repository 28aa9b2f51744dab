//! A mapping file: how the items of a source become inputs.
//!
//! ```json
//! {
//!   "members": {
//!     "/tracking_number": "/Tracking No",
//!     "/slug": { "from": "/Carrier", "table": { "DHL Express": "dhl" }, "otherwise": "keep" },
//!     "/order_id": { "from": "/id", "as": "text" },
//!     "/shipment_tags": { "from": "/Tags", "split": "," },
//!     "/customers/0/email": "/Email",
//!     "/language": { "value": "en" }
//!   },
//!   "rest": "drop"
//! }
//! ```
//!
//! Left, JSON Pointers (RFC 6901) into the input; right, where the value comes from: a pointer
//! into the source, a constant, or a pointer with a table, a type or a separator. What the source
//! does not have is left out. [`SCHEMA`] is the whole form.

mod node;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use self::node::{Node, at, tokens};

/// The form of a mapping file, as JSON Schema (2020-12).
pub const SCHEMA: &str = include_str!("schema.json");

/// Why a mapping file cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MappingError {
    /// It is no JSON, or of another form.
    #[error("the mapping file does not fit its schema: {0}; `push --map-schema` shows it")]
    Form(String),
    /// An entry contradicts itself.
    #[error("the mapping file's entry for {target}: {why}")]
    Entry {
        /// Which.
        target: String,
        /// What is wrong.
        why: String,
    },
}

/// A mapping file, read and checked.
#[derive(Debug, Clone)]
pub struct Mapping {
    entries: Vec<(Vec<String>, Rule)>,
    rest: Rest,
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "$schema", default)]
    _schema: Option<String>,
    members: serde_json::Map<String, Value>,
    #[serde(default)]
    rest: Rest,
}

/// What becomes of a source's top-level members that no entry reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Rest {
    /// They are dropped.
    #[default]
    Drop,
    /// They stay, under their own names.
    Keep,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    from: Option<String>,
    value: Option<Box<RawValue>>,
    table: Option<BTreeMap<String, Box<RawValue>>>,
    #[serde(default)]
    otherwise: Otherwise,
    default: Option<Box<RawValue>>,
    #[serde(rename = "as")]
    kind: Option<Kind>,
    split: Option<String>,
    #[serde(default)]
    required: bool,
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

/// A JSON type that a value is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Text,
    Number,
    Boolean,
    Json,
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// [`MappingError`] names the entry and what is wrong with it.
    pub fn read(text: &str) -> Result<Self, MappingError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let form = |why: serde_json::Error| MappingError::Form(why.to_string());
        let file: File = serde_json::from_str(text).map_err(form)?;
        let mut entries: Vec<(Vec<String>, Rule)> = Vec::new();
        for (target, value) in &file.members {
            let odd = |why: String| MappingError::Entry { target: target.clone(), why };
            let rule = match value {
                Value::String(from) => Rule::of(from),
                other => serde_json::from_str(&other.to_string())
                    .map_err(|why| odd(without_place(&why)))?,
            };
            rule.check().map_err(odd)?;
            let path = tokens(target).filter(|path| !path.is_empty());
            let path = path.ok_or_else(|| odd(pointer_form(target)))?;
            if let Some((other, _)) = entries
                .iter()
                .find(|(other, _)| other.starts_with(&path) || path.starts_with(other))
            {
                return Err(odd(format!("it lies on the way of /{}", other.join("/"))));
            }
            entries.push((path, rule));
        }
        Ok(Self { entries, rest: file.rest, text: text.to_owned() })
    }

    /// The file's text: part of what names a run.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// An input of what the source has.
    ///
    /// # Errors
    /// Which member cannot be mapped, and why. No value of the source is quoted, but one that a
    /// table lacks.
    pub fn apply(&self, source: &str) -> Result<String, String> {
        let mut made = Node::default();
        for (path, rule) in &self.entries {
            let place = || format!("/{}", path.join("/"));
            let value = rule.value(source).map_err(|why| format!("{}: {why}", place()))?;
            match value {
                Some(value) => made.set(path, value),
                None if rule.required => {
                    let from = rule.from.as_deref().unwrap_or_default();
                    return Err(format!("{}: the source has no {from}", place()));
                }
                None => {}
            }
        }
        if self.rest == Rest::Keep {
            self.keep(source, &mut made);
        }
        Ok(made.json())
    }

    fn keep(&self, source: &str, made: &mut Node) {
        let members: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(source).unwrap_or_default();
        for (name, value) in members {
            let read = |rule: &Rule| {
                rule.from
                    .as_deref()
                    .and_then(tokens)
                    .is_some_and(|path| path.first() == Some(&name))
            };
            let taken =
                self.entries.iter().any(|(path, rule)| path.first() == Some(&name) || read(rule));
            if !taken {
                made.set(&[name], value.get().to_owned());
            }
        }
    }
}

impl Rule {
    fn of(from: &str) -> Self {
        Self {
            from: Some(from.to_owned()),
            value: None,
            table: None,
            otherwise: Otherwise::Fail,
            default: None,
            kind: None,
            split: None,
            required: false,
        }
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
        Ok(())
    }

    /// The value's JSON; `None` when it is left out.
    fn value(&self, source: &str) -> Result<Option<String>, String> {
        if let Some(value) = &self.value {
            return Ok(Some(value.get().to_owned()));
        }
        let from = self.from.as_deref().unwrap_or_default();
        let found = at(source, from).filter(|found| *found != "\"\"");
        let Some(found) = found else {
            return Ok(self.default.as_ref().map(|value| value.get().to_owned()));
        };
        if let Some(separator) = &self.split {
            let parts = text_of(found).ok_or("`split` needs a text")?;
            let parts = parts.split(separator.as_str()).map(str::trim);
            let parts = parts.filter(|part| !part.is_empty());
            let mapped: Vec<String> = parts
                .map(|part| self.one(&Value::from(part).to_string()))
                .filter_map(Result::transpose)
                .collect::<Result<_, _>>()?;
            return Ok(Some(format!("[{}]", mapped.join(","))));
        }
        self.one(found)
    }

    fn one(&self, found: &str) -> Result<Option<String>, String> {
        let Some(table) = &self.table else { return self.typed(found).map(Some) };
        let word = text_of(found).unwrap_or_else(|| found.to_owned());
        match (table.get(word.trim()), self.otherwise) {
            (Some(value), _) if value.get() == "null" => Ok(None),
            (Some(value), _) => Ok(Some(value.get().to_owned())),
            (None, Otherwise::Keep) => self.typed(found).map(Some),
            (None, Otherwise::LeaveOut) => Ok(None),
            (None, Otherwise::Fail) => Err(format!("the table has no \"{word}\"")),
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

fn text_of(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

fn pointer_form(given: &str) -> String {
    format!("\"{given}\" is no JSON Pointer: it begins with / and names a member, as in /order/id")
}

fn without_place(why: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", why.line(), why.column());
    why.to_string().replace(&place, "")
}

#[cfg(test)]
mod tests;
