//! Rows of a table as structs: each field is a column, read and written by the field's type.
//!
//! PostgreSQL's texts cannot hold U+0000, and what providers say may ([`text`]).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use connector_contract::auth::Learned;
use connector_contract::limits::Reported;
use connector_state::access::Scope;
use connector_state::inbox::FailedTry;
use connector_state::journal::{Data, JournalKind};
use connector_state::mirror::held::Held;
use connector_state::mirror::{
    ChangeKind, MemberIndex, RecordState, RuleSettings, RuleTold, ScanKind, Source,
};
use connector_state::push::{Conflict, Decision, IntentState, Mode, Outcome, Sent};
use connector_state::{GrantState, Lease, PreviousTokens, Sealed, Word};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use super::fault::{DbFault, DbResult};

/// A struct whose fields are columns. [`columns!`] says which.
pub trait Record: Sized {
    /// Reads it from a row.
    fn read(row: &Row) -> DbResult<Self>;

    /// What is written of it.
    fn write(&self) -> Values;
}

/// A type that stands in one column.
pub trait Scalar: Sized {
    /// As PostgreSQL has it.
    type Sql: ToSql + Sync + Send + for<'s> FromSql<'s> + 'static;

    /// Reads it.
    fn of(sql: Self::Sql) -> Result<Self, String>;

    /// What is written of it.
    fn sql(&self) -> Self::Sql;
}

/// A field's type: stands in one column, or in several whose names contain the field's.
pub trait Column: Sized {
    /// Reads it from the column `name`.
    fn read(row: &Row, name: &str) -> DbResult<Self>;

    /// Adds it to what is written.
    fn write(&self, name: &str, to: &mut Values);
}

/// Says which columns the fields of a struct are: those of the same name, or of the one that is
/// given. Fields in brackets come from joined tables and are only read.
macro_rules! columns {
    ($row:ty [$($joined:ident),*] { $($field:ident $($column:literal)?),+ $(,)? }) => {
        impl $crate::columns::Record for $row {
            fn read(row: &tokio_postgres::Row) -> $crate::fault::DbResult<Self> {
                use $crate::columns::Column;
                Ok(Self {
                    $($joined: Column::read(row, stringify!($joined))?,)*
                    $($field: Column::read(row, columns!(@ $field $($column)?))?,)+
                })
            }

            fn write(&self) -> $crate::columns::Values {
                let mut to = $crate::columns::Values::default();
                $($crate::columns::Column::write(
                    &self.$field, columns!(@ $field $($column)?), &mut to);)+
                to
            }
        }
    };
    (@ $field:ident) => { stringify!($field) };
    (@ $field:ident $column:literal) => { $column };
}
pub(crate) use columns;

/// A value that is written.
pub type Bound = Box<dyn ToSql + Sync + Send>;

/// Values to be written, by their columns.
#[derive(Default)]
pub struct Values(pub Vec<(String, Bound)>);

impl Values {
    /// Adds one.
    pub fn add(&mut self, name: impl Into<String>, value: impl ToSql + Sync + Send + 'static) {
        self.0.push((name.into(), Box::new(value)));
    }

    /// The statement that adds a row to a table, or changes the one with these keys, and what it
    /// binds. Without keys a row is added.
    pub fn upsert(self, table: &str, keys: &[&str]) -> (String, Vec<Bound>) {
        let (names, values): (Vec<String>, Vec<Bound>) = self.0.into_iter().unzip();
        let places: Vec<String> = (1..=names.len()).map(|place| format!("${place}")).collect();
        let rest = names.iter().filter(|name| !keys.contains(&name.as_str()));
        let set: Vec<String> = rest.map(|name| format!("{name} = excluded.{name}")).collect();
        let conflict = match (keys.is_empty(), set.is_empty()) {
            (true, _) => String::new(),
            (false, true) => format!(" ON CONFLICT ({}) DO NOTHING", keys.join(", ")),
            (false, false) => {
                format!(" ON CONFLICT ({}) DO UPDATE SET {}", keys.join(", "), set.join(", "))
            }
        };
        let (names, places) = (names.join(", "), places.join(", "));
        (format!("INSERT INTO {table} ({names}) VALUES ({places}){conflict}"), values)
    }
}

/// Types that stand in one column.
macro_rules! scalars {
    ($sql:ty, $of:expr, $value:expr; $($type:ty),+) => { $(
        impl Scalar for $type {
            type Sql = $sql;

            fn of(sql: $sql) -> Result<Self, String> {
                $of(sql)
            }

            fn sql(&self) -> $sql {
                $value(self)
            }
        }
    )+ };
}
scalars!(Self, Ok, |it: &Self| *it; i64, f64, bool);
scalars!(Self, Ok, Self::clone; Vec<u8>);
scalars!(String, |sql| Ok(untext(sql)), |it: &Self| text(it).into_owned(); String);
scalars!(i64, unsigned, |it: &Self| i64::from(*it); u32);
scalars!(i64, unsigned, |it: &Self| signed(*it); u64);
scalars!(Vec<u8>, hash_of, |it: &Self| it.to_vec(); [u8; 32]);
scalars!(i64, micros, us; Duration);
scalars!(Vec<u8>, |sql| Ok(Self(sql)), |it: &Self| it.0.clone(); Sealed);
scalars!(String, |sql: String| from_json(&sql), json; Vec<String>, BTreeMap<String, String>, Data, Learned, Vec<FailedTry>, MemberIndex,
    RuleSettings, RuleTold);
scalars!(String, |sql: String| word(&sql), |it: &Self| it.word().to_owned();
    Scope, GrantState, JournalKind, ChangeKind, RecordState, ScanKind, Source, IntentState, Mode, Outcome, Sent,
    Decision);

impl<T: Scalar> Column for T {
    fn read(row: &Row, name: &str) -> DbResult<Self> {
        T::of(row.try_get(name)?).map_err(|why| odd(name, &why))
    }

    fn write(&self, name: &str, to: &mut Values) {
        to.add(name, self.sql());
    }
}

/// Null, where there is none.
impl<T: Scalar> Column for Option<T> {
    fn read(row: &Row, name: &str) -> DbResult<Self> {
        let found: Option<T::Sql> = row.try_get(name)?;
        found.map(T::of).transpose().map_err(|why| odd(name, &why))
    }

    fn write(&self, name: &str, to: &mut Values) {
        to.add(name, self.as_ref().map(T::sql));
    }
}

/// As its text; null where nothing is held.
impl Column for Held {
    fn read(row: &Row, name: &str) -> DbResult<Self> {
        match row.try_get::<_, Option<&str>>(name)? {
            Some(text) => Self::decode(text).map_err(|why| odd(name, &why)),
            None => Ok(Self::default()),
        }
    }

    fn write(&self, name: &str, to: &mut Values) {
        to.add(name, self.encode());
    }
}

/// Structs that stand in several columns each, all of which are null where there is none.
macro_rules! groups {
    ($($of:ident { $first:ident $first_name:literal $(, $field:ident $name:literal)+ })+) => { $(
        impl Column for Option<$of> {
            fn read(row: &Row, name: &str) -> DbResult<Self> {
                let Some($first) = Column::read(row, &format!($first_name, name))? else {
                    return Ok(None);
                };
                Ok(Some($of { $first, $($field: Column::read(row, &format!($name, name))?),+ }))
            }

            fn write(&self, name: &str, to: &mut Values) {
                to.add(format!($first_name, name), self.as_ref().map(|it| Scalar::sql(&it.$first)));
                $(to.add(format!($name, name), self.as_ref().map(|it| Scalar::sql(&it.$field)));)+
            }
        }
    )+ };
}
groups! {
    Lease { attempt "{}_attempt", until_ms "{}_until_ms" }
    Conflict { members "{}_members", theirs "{}_theirs" }
    PreviousTokens { sealed "sealed_{}", until_ms "{}_until_ms" }
}

impl Column for Option<Reported> {
    fn read(row: &Row, name: &str) -> DbResult<Self> {
        let Some(interval) = Column::read(row, &format!("{name}_interval_us"))? else {
            return Ok(None);
        };
        let burst = Column::read(row, &format!("{name}_burst"))?;
        let until = Column::read(row, &format!("{name}_until_us"))?;
        Ok(Some(Reported { interval, burst, until }))
    }

    fn write(&self, name: &str, to: &mut Values) {
        self.map(|it| it.interval).write(&format!("{name}_interval_us"), to);
        self.map(|it| it.burst).write(&format!("{name}_burst"), to);
        self.and_then(|it| it.until).write(&format!("{name}_until_us"), to);
    }
}

/// A text as PostgreSQL can hold it: U+0000 is written U+0001 U+0001, and U+0001 is written U+0001
/// U+0002. So what differs stays different, and byte order stays as it was.
pub fn text(text: &str) -> Cow<'_, str> {
    match text.contains(['\0', '\u{1}']) {
        false => Cow::Borrowed(text),
        true => Cow::Owned(text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}")),
    }
}

/// As [`text`], where there is one.
pub fn texts(given: Option<&String>) -> Option<Cow<'_, str>> {
    given.map(|given| text(given))
}

/// What [`text`] was made of.
pub fn untext(kept: String) -> String {
    if !kept.contains('\u{1}') {
        return kept;
    }
    let mut text = String::with_capacity(kept.len());
    let mut letters = kept.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1}' => text.push(if letters.next() == Some('\u{1}') { '\0' } else { '\u{1}' }),
            other => text.push(other),
        }
    }
    text
}

fn unsigned<T: TryFrom<i64>>(number: i64) -> Result<T, String> {
    T::try_from(number).map_err(|_| format!("{number} is not in its range"))
}

fn hash_of(bytes: Vec<u8>) -> Result<[u8; 32], String> {
    bytes.try_into().map_err(|bytes: Vec<u8>| format!("{} bytes instead of 32", bytes.len()))
}

fn micros(us: i64) -> Result<Duration, String> {
    Ok(Duration::from_micros(u64::try_from(us).unwrap_or_default()))
}

/// In microseconds, rounded up: later is slower.
fn us(time: &Duration) -> i64 {
    i64::try_from(time.as_nanos().div_ceil(1_000)).unwrap_or(i64::MAX)
}

fn word<T: Word>(found: &str) -> Result<T, String> {
    T::of(found).ok_or_else(|| format!("\"{found}\" is not known"))
}

/// PostgreSQL's integers end at 2^63 - 1: as milliseconds, in 292 million years.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A bound of rows.
pub fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// As JSON text. What is kept so are texts and numbers by names: nothing of it can fail.
pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Reads what [`json`] wrote.
fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|why| why.to_string())
}

/// A column holds what it may not.
pub fn odd(column: &str, why: &str) -> DbFault {
    DbFault::Odd(format!("{column}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::{text, untext};

    #[test]
    fn what_a_text_cannot_hold_comes_back_in_its_order() {
        let all = [
            "",
            "\0",
            "\0\0",
            "\0\u{1}",
            "\0a",
            "\u{1}",
            "\u{1}\0",
            "\u{1}\u{1}",
            "\u{1}\u{2}",
            "\u{2}",
            "a\0b",
            "é",
        ];
        let kept: Vec<String> = all.iter().map(|one| text(one).into_owned()).collect();
        assert!(kept.is_sorted() && kept.iter().all(|one| !one.contains('\0')), "{kept:?}");
        for (one, kept) in all.iter().zip(kept) {
            assert_eq!(untext(kept), *one);
        }
    }
}
