//! What an item of a source asks for: mapped, and looked at before it is kept.

use std::collections::BTreeSet;
use std::io;

use super::differences::Members;
use super::engine::Push;
use super::error::PushError;
use super::mapping::Mapping;
use crate::source::{Form, Item, Items, invisible, rounded};

/// One input, or why there is none.
pub struct Wish {
    /// Its line in the source.
    pub line: u64,
    /// The item as it came.
    pub raw: Vec<u8>,
    /// One JSON object, or why it is none.
    pub input: Result<String, String>,
}

impl Push {
    /// The wishes of an item; none, if the mapping skips it.
    pub(super) fn wishes(&self, item: Item, form: Form, mapping: Option<&Mapping>) -> Vec<Wish> {
        let Item { line, raw, content } = item;
        let inputs = content.and_then(|content| {
            let inputs = match mapping {
                Some(mapping) => mapping.apply(&content),
                None => Ok(vec![content]),
            };
            let exact = inputs.and_then(|inputs| {
                inputs.iter().try_for_each(|input| self.is_exact(input, form)).map(|()| inputs)
            });
            exact.map_err(|why| format!("line {line}: {why}"))
        });
        match inputs {
            Ok(inputs) => {
                let wish = |input| Wish { line, raw: raw.clone(), input: Ok(input) };
                inputs.into_iter().map(wish).collect()
            }
            Err(why) => vec![Wish { line, raw, input: Err(why) }],
        }
    }

    /// Refuses what names a record, where it is not what it looks like, or no longer what it was.
    fn is_exact(&self, input: &str, form: Form) -> Result<(), String> {
        let members: Members = serde_json::from_str(input).unwrap_or_default();
        for name in self.shape.naming() {
            let text = members.get(name).and_then(|value| serde_json::from_str(value.get()).ok());
            let Some::<String>(text) = text else { continue };
            if let Some(sign) = invisible(&text) {
                return Err(format!("{name}: it holds a sign that nobody sees, {sign}"));
            }
            if let Some(how) = rounded(&text).filter(|_| form == Form::Csv) {
                return Err(format!(
                    "{name}: a spreadsheet has rounded it ({how}): export the column as text"
                ));
            }
        }
        Ok(())
    }

    /// Looks at the columns of a source before its items are read, and answers what is odd about
    /// them.
    ///
    /// # Errors
    /// [`PushError::Source`], when no item would be read rightly.
    pub fn fits(&self, items: &Items, mapping: Option<&Mapping>) -> Result<Vec<String>, PushError> {
        let mut notes = fit(items, mapping).map_err(PushError::Source)?;
        let members = self.shape.members();
        let columns = items.columns().filter(|_| mapping.is_none()).unwrap_or_default();
        let targets = mapping.into_iter().flat_map(Mapping::targets);
        for name in columns.into_iter().chain(targets).filter(|name| !members.contains(name)) {
            let object = &self.family.object;
            let meant = self.shape.meant_by(name);
            let meant =
                meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            notes.push(format!("{object} have no member `{name}`{meant}"));
        }
        Ok(notes)
    }
}

/// Whether a source has the columns that are asked of it; answers what is odd about them.
///
/// # Errors
/// When one is missing, or there twice, without which no item would be read rightly.
pub fn fit(items: &Items, mapping: Option<&Mapping>) -> io::Result<Vec<String>> {
    let odd = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let Some(columns) = items.columns() else { return Ok(vec![]) };
    let used = |name: &str| mapping.is_none_or(|mapping| mapping.uses(name));
    let mut known = BTreeSet::new();
    if let Some(twice) = columns.iter().find(|name| !known.insert(**name) && used(name)) {
        return Err(odd(format!(
            "two columns are named \"{twice}\": rename one, or give a mapping that reads neither"
        )));
    }
    mapping.map_or(Ok(vec![]), |mapping| mapping.missing(&columns).map_err(odd))
}

/// What a person should know of a source that was read to its end.
pub fn told(items: &Items, kept: u64, skipped: u64) -> Vec<String> {
    let mut notes = items.notes();
    if skipped > 0 {
        notes.push(format!("{skipped} skipped by the mapping"));
    }
    if kept == 0 {
        notes.push("the source holds no items".to_owned());
    }
    notes
}
