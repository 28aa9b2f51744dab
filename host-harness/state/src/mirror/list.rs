//! Lists of records: filtered and sorted by what is indexed of their object ([`super::index`]).
//!
//! Records with the same value come in the order in which they arrived first, or descending the other way
//! round, so a list is in one order whatever reads it. A cursor is the place of the last record in that order, not a number of records: what
//! changes meanwhile moves, and nothing else is left out or told twice.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::MirroredRecord;
use super::index::{MemberIndex, UPDATED, cut, updated};
use crate::StoreError;

/// Records of a list at most.
pub const MOST: u32 = 1_000;

/// Which records of an object, and in which order. Members are named as [`MemberIndex::slot`] knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Id of the connection.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// What holds for each of them.
    pub filters: Vec<Filter>,
    /// Only those for which this rule over time is raised, in the order in which it was due, whatever
    /// `sort` says.
    pub rule: Option<String>,
    /// The member that they are sorted by.
    pub sort: String,
    /// From the greatest value to the least; what has none then comes last.
    pub descending: bool,
    /// Goes on after [`ListPage::next`] of the same query.
    pub after: Option<String>,
    /// At most so many, up to [`MOST`].
    pub limit: u32,
}

/// A member and what its value has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Its name.
    pub member: String,
    /// What has to hold.
    pub test: Test,
}

/// What has to hold for a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It is this. The empty text: there is none.
    Equal(String),
    /// It begins so.
    Prefix(String),
    /// It is not less than this.
    From(String),
    /// It is less than this, and there is one.
    Before(String),
}

/// Makes a test of a value.
type MakeTest = fn(String) -> Test;

/// A condition as it is written: `NAME=VALUE`, `NAME^=TEXT`, `NAME>=VALUE` or `NAME<VALUE`.
impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let end = text.find(['=', '^', '<', '>']).filter(|end| *end > 0);
        let (member, rest) =
            end.and_then(|end| text.split_at_checked(end)).ok_or("it has no name")?;
        let tests: [(&str, MakeTest); 4] =
            [("^=", Test::Prefix), (">=", Test::From), ("<", Test::Before), ("=", Test::Equal)];
        let test =
            tests.into_iter().find_map(|(sign, test)| Some(test(rest.strip_prefix(sign)?.into())));
        let test = test.ok_or("use NAME=VALUE, NAME^=TEXT, NAME>=VALUE or NAME<VALUE")?;
        Ok(Self { member: member.to_owned(), test })
    }
}

/// Some records of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPage {
    /// In order.
    pub records: Vec<MirroredRecord>,
    /// Where it goes on; `None`: that was the last of it.
    pub next: Option<String>,
    /// The index is not complete yet, so every record had to be read.
    pub was_scanned: bool,
    /// Of a list by a rule, when it was due for each of these records (milliseconds since 1970).
    pub due_ms: Vec<u64>,
}

/// Values from `from` on, and before `until`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// The least.
    pub from: String,
    /// What is greater than all of them; `None`: there is no such thing.
    pub until: Option<String>,
}

impl Span {
    /// Whether a value lies in it.
    #[must_use]
    pub fn holds(&self, value: &str) -> bool {
        self.from.as_str() <= value && self.until.as_deref().is_none_or(|until| value < until)
    }

    fn of(test: &Test, slot: usize) -> Self {
        // Of a date alone, the text is the beginning of its times.
        let read = |text: &str| match slot {
            UPDATED => updated(Some(text)),
            _ => cut(text.to_owned()),
        };
        match test {
            // Nothing lies between a text and that with a NUL behind it.
            Test::Equal(value) => {
                let from = read(value);
                Self { until: Some(format!("{from}\0")), from }
            }
            Test::Prefix(prefix) => {
                let from = cut(prefix.clone());
                Self { until: Some(format!("{from}\u{10ffff}")), from }
            }
            Test::From(least) => Self { from: read(least), until: None },
            Test::Before(until) => Self { from: "\u{1}".to_owned(), until: Some(read(until)) },
        }
    }

    fn and(&mut self, other: Self) {
        if other.from > self.from {
            self.from = other.from;
        }
        self.until = match (self.until.take(), other.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

/// A place in the order of a list: a value, and when its record arrived.
pub type Place = (String, i64);

/// A query that is understood, and the best that was found so far.
#[derive(Debug)]
pub struct Selection<T> {
    /// The slot that is sorted by.
    pub sort: usize,
    /// From the greatest to the least.
    pub descending: bool,
    /// What holds for each slot that is filtered by.
    pub spans: BTreeMap<usize, Span>,
    after: Option<Place>,
    limit: usize,
    found: BTreeMap<Place, T>,
}

/// A cursor as it is written.
#[derive(Serialize, Deserialize)]
struct Cursor<'c> {
    #[serde(borrow)]
    value: std::borrow::Cow<'c, str>,
    arrived: i64,
    sort: usize,
    descending: bool,
}

impl<T> Selection<T> {
    /// Understands a query by what is indexed of its object.
    ///
    /// # Errors
    /// [`StoreError::NotIndexed`] for a member, [`StoreError::NoCursor`].
    pub fn new(query: &ListQuery, index: &MemberIndex) -> Result<Self, StoreError> {
        let slot = |name: &str| {
            index.slot(name).ok_or_else(|| StoreError::NotIndexed {
                object: query.object.clone(),
                member: name.to_owned(),
                indexed: index.names(),
            })
        };
        let sort = slot(&query.sort)?;
        let mut spans: BTreeMap<usize, Span> = BTreeMap::new();
        for filter in &query.filters {
            let slot = slot(&filter.member)?;
            spans.entry(slot).or_default().and(Span::of(&filter.test, slot));
        }
        let place = |text: &String| {
            let read: Option<Cursor<'_>> = serde_json::from_str(text).ok();
            let read = read.filter(|at| at.sort == sort && at.descending == query.descending);
            let read = read.ok_or_else(|| StoreError::NoCursor { cursor: cut(text.clone()) })?;
            Ok((read.value.into_owned(), read.arrived))
        };
        Ok(Self {
            sort,
            descending: query.descending,
            spans,
            after: query.after.as_ref().map(place).transpose()?,
            limit: query.limit.clamp(1, MOST) as usize,
            found: BTreeMap::new(),
        })
    }

    /// The place of the cursor: the rest of the list is behind it.
    #[must_use]
    pub fn after(&self) -> Option<&Place> {
        self.after.as_ref()
    }

    /// The values of the slot that is sorted by among which the rest of the list is.
    #[must_use]
    pub fn span(&self) -> Span {
        let mut span = self.spans.get(&self.sort).cloned().unwrap_or_default();
        if let Some((value, _)) = &self.after {
            let rest = match self.descending {
                false => Span { from: value.clone(), until: None },
                true => Span { from: String::new(), until: Some(format!("{value}\0")) },
            };
            span.and(rest);
        }
        span
    }

    /// Whether a record at this place comes before what was found and behind the cursor, so that it is
    /// worth a look; `None`: nor does any that follows it in the order.
    #[must_use]
    pub fn wants(&self, place: (&str, i64)) -> Option<bool> {
        let comes_before = |one: (&str, i64), other: &Place| {
            let other = (other.0.as_str(), other.1);
            if self.descending { one > other } else { one < other }
        };
        let worst = match self.descending {
            false => self.found.last_key_value(),
            true => self.found.first_key_value(),
        };
        // One more than is asked for tells whether there are more.
        let is_full = self.found.len() > self.limit;
        if is_full && worst.is_some_and(|(worst, _)| !comes_before(place, worst)) {
            return None;
        }
        let is_behind =
            |after: &Place| !comes_before(place, after) && place != (after.0.as_str(), after.1);
        Some(self.after.as_ref().is_none_or(is_behind))
    }

    /// Keeps a record that [`Selection::wants`].
    pub fn keep(&mut self, place: Place, record: T) {
        self.found.insert(place, record);
        if self.found.len() > self.limit + 1 {
            match self.descending {
                false => drop(self.found.pop_last()),
                true => drop(self.found.pop_first()),
            }
        }
    }

    /// Looks at one of all records, by its values.
    pub fn look(&mut self, values: &[String], arrived: i64, record: impl FnOnce() -> T) {
        let Some(value) = values.get(self.sort) else { return };
        let holds = |(slot, span): (&usize, &Span)| {
            values.get(*slot).is_some_and(|value| span.holds(value))
        };
        if self.wants((value, arrived)) == Some(true) && self.spans.iter().all(holds) {
            self.keep((value.clone(), arrived), record());
        }
    }

    /// The records in order, and where the list goes on.
    #[must_use]
    pub fn finish(self) -> (Vec<T>, Option<String>) {
        let Self { sort, descending, limit, found, .. } = self;
        let has_more = found.len() > limit;
        let mut found: Vec<(Place, T)> = found.into_iter().collect();
        if descending {
            found.reverse();
        }
        found.truncate(limit);
        let last = found.last().filter(|_| has_more).map(|((value, arrived), _)| Cursor {
            value: value.as_str().into(),
            arrived: *arrived,
            sort,
            descending,
        });
        // Texts and numbers: nothing of it can fail.
        let next = last.map(|last| serde_json::to_string(&last).unwrap_or_default());
        (found.into_iter().map(|(_, record)| record).collect(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        for (text, member, test) in [
            ("tag=a=b", "tag", Test::Equal("a=b".into())),
            ("tag=", "tag", Test::Equal(String::new())),
            ("/a/b^=x", "/a/b", Test::Prefix("x".into())),
            ("due>=2026", "due", Test::From("2026".into())),
            ("due<2026", "due", Test::Before("2026".into())),
        ] {
            assert_eq!(text.parse(), Ok(Filter { member: member.into(), test }), "{text}");
        }
        for text in ["=x", "tag", "", "due>2026", "a^b"] {
            assert!(text.parse::<Filter>().is_err(), "{text}");
        }
    }
}
