//! What the items of a source ask for: mapped, and looked at before they are kept.

use std::collections::BTreeSet;
use std::io;

use connector_state::push::Mode;

use super::differences::InputMembers;
use super::engine::Push;
use super::error::PushError;
use super::mapping::Mapping;
use crate::source::{Items, SourceForm, SourceItem, invisible, rounded};

/// Makes inputs of a source's items, one after the other.
pub struct Mapper<'p> {
    push: &'p Push,
    form: SourceForm,
    mapping: Option<&'p Mapping>,
    mapped: u64,
    skipped: u64,
}

impl<'p> Mapper<'p> {
    /// For a source, whose columns must fit.
    ///
    /// # Errors
    /// As [`Push::fits`], and [`PushError::NotOffered`].
    pub fn new(
        push: &'p Push,
        items: &Items,
        mode: Mode,
        mapping: Option<&'p Mapping>,
    ) -> Result<Self, PushError> {
        push.check(mode)?;
        push.fits(items, mapping)?;
        Ok(Self { push, form: items.form(), mapping, mapped: 0, skipped: 0 })
    }

    /// The inputs of the next item, each as the content of an item and with its place among the
    /// inputs of the source, from 0; none, if the mapping skips it.
    pub fn map(&mut self, item: SourceItem) -> Vec<(u64, SourceItem)> {
        let SourceItem { line, raw, content } = item;
        let inputs = content.and_then(|content| {
            let inputs = match self.mapping {
                Some(mapping) => mapping.apply(&content),
                None => Ok(vec![content]),
            };
            let exact = inputs.and_then(|inputs| {
                inputs.iter().try_for_each(|input| self.is_exact(input)).map(|()| inputs)
            });
            exact.map_err(|why| format!("line {line}: {why}"))
        });
        let inputs: Vec<Result<String, String>> = match inputs {
            Ok(inputs) => inputs.into_iter().map(Ok).collect(),
            Err(why) => vec![Err(why)],
        };
        self.skipped += u64::from(inputs.is_empty());
        let first = self.mapped;
        self.mapped += inputs.len() as u64;
        let mapped = |content| SourceItem { line, raw: raw.clone(), content };
        (first..).zip(inputs.into_iter().map(mapped)).collect()
    }

    /// Refuses what names a record, where it is not what it looks like, or no longer what it was.
    fn is_exact(&self, input: &str) -> Result<(), String> {
        let members: InputMembers = serde_json::from_str(input).unwrap_or_default();
        for name in self.push.schema.naming() {
            let text = members.get(name).and_then(|value| serde_json::from_str(value.get()).ok());
            let Some::<String>(text) = text else { continue };
            if let Some(sign) = invisible(&text) {
                return Err(format!("{name}: it holds a sign that nobody sees, {sign}"));
            }
            if let Some(how) = rounded(&text).filter(|_| self.form == SourceForm::Csv) {
                return Err(format!(
                    "{name}: a spreadsheet has rounded it ({how}): export the column as text"
                ));
            }
        }
        Ok(())
    }

    /// What a person should know of a source that was read to its end.
    pub fn notes(&self, items: &Items) -> Vec<String> {
        let mut notes = items.notes();
        if self.skipped > 0 {
            notes.push(format!("{} skipped by the mapping", self.skipped));
        }
        if self.mapped == 0 {
            notes.push("the source holds no items".to_owned());
        }
        notes
    }
}

impl Push {
    /// Looks at the columns of a source before its items are read, and returns what is odd about
    /// them.
    ///
    /// # Errors
    /// [`PushError::Source`], when no item would be read rightly.
    pub fn fits(&self, items: &Items, mapping: Option<&Mapping>) -> Result<Vec<String>, PushError> {
        let mut notes = fit(items, mapping).map_err(PushError::Source)?;
        let members = self.schema.members();
        let columns = items.columns().filter(|_| mapping.is_none()).unwrap_or_default();
        let targets = mapping.into_iter().flat_map(Mapping::targets);
        for name in columns.into_iter().chain(targets).filter(|name| !members.contains(name)) {
            let meant = self.schema.meant_by(name);
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            notes.push(format!("{} have no member `{name}`{meant}", self.object));
        }
        Ok(notes)
    }
}

/// Whether a source has the columns that are asked of it; returns what is odd about them.
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
