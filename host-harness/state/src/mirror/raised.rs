//! Lists of the records for which a rule is raised, by the time at which it was due.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::index::{MemberIndex, ValueReader, cut};
use super::list::{MOST, Selection, Span};
use super::{ListPage, ListQuery, MirroredRecord};
use crate::StoreError;

/// Rows that are looked at for a page at most: where filters leave few of them, a page is short, and the list
/// goes on.
pub const LOOKED_AT: usize = 2_000;

/// A place in such a list: when the rule was due, and the id of the record.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RaisedPlace {
    /// When it was due.
    pub due_ms: u64,
    /// The record.
    pub id: String,
}

/// A query for such a list that is understood, and what was found so far.
#[derive(Debug)]
pub struct RuleSelection {
    /// The rule.
    pub rule: String,
    /// From the last that was due to the first.
    pub descending: bool,
    reader: ValueReader,
    spans: BTreeMap<usize, Span>,
    after: Option<RaisedPlace>,
    limit: usize,
    looked_at: usize,
    page: ListPage,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    rule: String,
    descending: bool,
    after: RaisedPlace,
}

impl RuleSelection {
    /// Understands a query for the records for which `rule` is raised, by what is indexed of its object. What it
    /// is to be sorted by does not count.
    ///
    /// # Errors
    /// [`StoreError::NoRule`], [`StoreError::NotIndexed`] for a filter's member, [`StoreError::NoCursor`].
    pub fn new(query: &ListQuery, rule: &str, index: &MemberIndex) -> Result<Self, StoreError> {
        if !index.rules.contains_key(rule) {
            return Err(StoreError::NoRule {
                object: query.object.clone(),
                rule: rule.to_owned(),
                rules: index.rules.keys().cloned().collect(),
            });
        }
        let (sort, after) = ("id".to_owned(), None);
        let selection = Selection::<()>::new(&ListQuery { sort, after, ..query.clone() }, index)?;
        let place = |text: &String| {
            let read: Option<Cursor> = serde_json::from_str(text).ok();
            let read = read.filter(|at| at.rule == rule && at.descending == query.descending);
            read.map(|at| at.after)
                .ok_or_else(|| StoreError::NoCursor { cursor: cut(text.clone()) })
        };
        Ok(Self {
            rule: rule.to_owned(),
            descending: query.descending,
            reader: ValueReader::new(index),
            spans: selection.spans,
            after: query.after.as_ref().map(place).transpose()?,
            limit: query.limit.clamp(1, MOST) as usize,
            looked_at: 0,
            page: ListPage::default(),
        })
    }

    /// The place behind which the next rows are.
    #[must_use]
    pub fn after(&self) -> Option<&RaisedPlace> {
        self.after.as_ref()
    }

    /// How many rows are worth a look; none: the page is as long as it may be.
    #[must_use]
    pub fn wanted(&self) -> usize {
        match self.page.records.len() < self.limit {
            // One more tells whether the list goes on.
            true => (self.limit + 1).min(LOOKED_AT - self.looked_at.min(LOOKED_AT)),
            false => 0,
        }
    }

    /// Looks at the next row, with its record where that is there. Answers whether the page is as long as it may be,
    /// and this row is of the next one.
    pub fn look(&mut self, place: RaisedPlace, record: Option<MirroredRecord>) -> bool {
        if self.wanted() == 0 {
            let after = self.after.clone().unwrap_or_default();
            let cursor = Cursor { rule: self.rule.clone(), descending: self.descending, after };
            // Texts and numbers: nothing of it can fail.
            self.page.next = Some(serde_json::to_string(&cursor).unwrap_or_default());
            return true;
        }
        self.looked_at += 1;
        if let Some(record) = record.filter(|record| self.holds(record)) {
            self.page.records.push(record);
            self.page.due_ms.push(place.due_ms);
        }
        self.after = Some(place);
        false
    }

    fn holds(&self, record: &MirroredRecord) -> bool {
        if self.spans.is_empty() {
            return true;
        }
        let (made, changed) = (record.created_at.as_deref(), record.updated_at.as_deref());
        let values = self.reader.values(&record.id, made, changed, &record.data).slots;
        self.spans.iter().all(|(slot, span)| values.get(*slot).is_some_and(|it| span.holds(it)))
    }

    /// The page.
    #[must_use]
    pub fn finish(self) -> ListPage {
        self.page
    }
}
