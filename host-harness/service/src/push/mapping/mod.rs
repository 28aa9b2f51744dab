//! A mapping file: how the items of a source become inputs.
//!
//! ```json
//! {
//!   "members": {
//!     "/tracking_number": { "from": "/Tracking No", "skip_if_empty": true },
//!     "/slug": { "from": "/Carrier", "table": { "DHL Express": "dhl" }, "ignore_case": true },
//!     "/order_id": { "from": "/id", "as": "text", "trim": true },
//!     "/destination_country_region": { "from": "/Country", "case": "upper" },
//!     "/shipment_tags": { "from": "/Tags", "split": "," },
//!     "/customers/0/email": "/Email",
//!     "/language": { "value": "en" }
//!   },
//!   "split": { "from": "/Tracking No", "at": [",", ";"] },
//!   "rest": "drop"
//! }
//! ```
//!
//! Left, JSON Pointers (RFC 6901) into the input; right, where the value comes from: a pointer
//! into the source, a constant, or a pointer with a table, a type or a separator. What the source
//! does not have is left out. `split` makes several items of one. [`SCHEMA`] is the whole form.

mod node;
mod rule;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use self::node::{Node, at, tokens};
use self::rule::{Mapped, MappingRule, SplitPart, pointer_form, text_of};
use crate::nearest::nearest;
use crate::source::trimmed;

/// The form of a mapping file, as JSON Schema (2020-12).
pub const SCHEMA: &str = include_str!("schema.json");

/// Items that may be made of one.
const MOST_ITEMS: usize = 1_000;

/// Why a mapping file cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MappingError {
    /// It is no JSON, or of another form.
    #[error("the mapping file does not fit its schema: {0}; `push --map-schema` shows it")]
    Form(String),
    /// An entry contradicts itself.
    #[error("the mapping file's entry for {target}: {why}")]
    Entry {
        /// Its pointer into the input.
        target: String,
        /// What is wrong.
        why: String,
    },
}

/// A mapping file, read and checked.
#[derive(Debug, Clone)]
pub struct Mapping {
    entries: Vec<(Vec<String>, MappingRule)>,
    split: Option<Split>,
    rest: Rest,
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "$schema", default)]
    _schema: Option<String>,
    members: serde_json::Map<String, Value>,
    split: Option<Split>,
    #[serde(default)]
    rest: Rest,
}

/// One value that holds those of several items.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Split {
    from: String,
    at: Vec<String>,
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

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// [`MappingError`] names the entry and what is wrong with it.
    pub fn read(text: &str) -> Result<Self, MappingError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let form = |why: serde_json::Error| MappingError::Form(why.to_string());
        let file: File = serde_json::from_str(text).map_err(form)?;
        let mut entries: Vec<(Vec<String>, MappingRule)> = Vec::new();
        for (target, value) in &file.members {
            let odd = |why: String| MappingError::Entry { target: target.clone(), why };
            let rule = MappingRule::read(value).map_err(odd)?;
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
        if let Some(Split { from, at }) = &file.split {
            if tokens(from).is_none() {
                return Err(MappingError::Form(format!("split: {}", pointer_form(from))));
            }
            if at.is_empty() || at.iter().any(String::is_empty) {
                return Err(MappingError::Form("split: `at` needs separators".to_owned()));
            }
        }
        Ok(Self { entries, split: file.split, rest: file.rest, text: text.to_owned() })
    }

    /// The file's text: part of what names a run.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The inputs of what the source has: one; none, if it is to be skipped; or several.
    ///
    /// # Errors
    /// Which member cannot be mapped, and why. No value of the source is quoted, but one that a
    /// table lacks.
    pub fn apply(&self, source: &str) -> Result<Vec<String>, String> {
        let part = self
            .split
            .as_ref()
            .and_then(|split| Some((split, at(source, &split.from).and_then(text_of)?)));
        let Some((Split { from, at: separators }, whole)) = part else {
            return Ok(self.input(source, None)?.into_iter().collect());
        };
        let mut pieces = vec![whole.as_str()];
        for separator in separators {
            pieces = pieces.iter().flat_map(|piece| piece.split(separator.as_str())).collect();
            if pieces.len() > MOST_ITEMS {
                return Err(format!("{from}: it would make more than {MOST_ITEMS} items"));
            }
        }
        let pieces = pieces.into_iter().map(trimmed).filter(|piece| !piece.is_empty());
        let mut pieces: Vec<String> = pieces.map(|piece| Value::from(piece).to_string()).collect();
        if pieces.is_empty() {
            pieces.push("\"\"".to_owned());
        }
        let made = pieces.iter().map(|json| self.input(source, Some(SplitPart { from, json })));
        made.filter_map(Result::transpose).collect()
    }

    fn input(&self, source: &str, piece: Option<SplitPart<'_>>) -> Result<Option<String>, String> {
        let mut made = Node::default();
        for (path, rule) in &self.entries {
            let place = || format!("/{}", path.join("/"));
            match rule.value(source, piece).map_err(|why| format!("{}: {why}", place()))? {
                Mapped::Value(value) => made.set(path, value),
                Mapped::Skip => return Ok(None),
                Mapped::Nothing if rule.required => {
                    let from = rule.from.as_deref().unwrap_or_default();
                    return Err(format!("{}: the source has no {from}", place()));
                }
                Mapped::Nothing => {}
            }
        }
        if self.rest == Rest::Keep {
            self.keep(source, piece, &mut made);
        }
        Ok(Some(made.json()))
    }

    fn keep(&self, source: &str, piece: Option<SplitPart<'_>>, made: &mut Node) {
        let members: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(source).unwrap_or_default();
        for (name, value) in members {
            if !self.entries.iter().any(|(path, _)| path.first() == Some(&name))
                && !self.reads(&name)
            {
                let piece =
                    piece.filter(|piece| tokens(piece.from).as_ref() == Some(&vec![name.clone()]));
                let value = piece.map_or(value.get(), |piece| piece.json);
                made.set(&[name], value.to_owned());
            }
        }
    }

    /// Whether an entry reads this top-level member of the source.
    fn reads(&self, name: &str) -> bool {
        self.entries.iter().any(|(_, rule)| rule.top().as_deref() == Some(name))
    }

    /// Whether this column of the source comes into an input, or decides on one.
    pub fn uses(&self, column: &str) -> bool {
        let is_split = self.split_column().as_deref() == Some(column);
        self.rest == Rest::Keep || is_split || self.reads(column)
    }

    /// The top-level member of the source of which several items are made.
    fn split_column(&self) -> Option<String> {
        tokens(&self.split.as_ref()?.from)?.into_iter().next()
    }

    /// Looks for the columns that it reads among those that there are.
    ///
    /// # Errors
    /// Names one that is missing and cannot be done without. The texts answered name the others.
    pub fn missing(&self, columns: &[&str]) -> Result<Vec<String>, String> {
        let split = self.split_column().map(|name| (name, true));
        let read = self
            .entries
            .iter()
            .filter_map(|(_, rule)| Some((rule.top()?, rule.required || rule.skip_if_empty)));
        let mut told = Vec::new();
        for (name, needed) in read.chain(split) {
            if columns.contains(&name.as_str()) {
                continue;
            }
            let near = nearest(&name, columns);
            let why = match near {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => {
                    let quoted = columns.iter().map(|name| format!("\"{name}\""));
                    format!("there are {}", quoted.collect::<Vec<_>>().join(", "))
                }
            };
            let text = format!("the mapping reads a column \"{name}\" that is not there; {why}");
            if needed {
                return Err(text);
            }
            if !told.contains(&text) {
                told.push(text);
            }
        }
        Ok(told)
    }

    /// The top-level members of an input that it may fill by entries.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|(path, _)| path.first()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
