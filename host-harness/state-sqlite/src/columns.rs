//! Rows of a table as structs: each field is a column, read and written by the field's type.

use std::collections::BTreeMap;
use std::time::Duration;

use connector_contract::auth::Learned;
use connector_contract::limits::Reported;
use connector_state::access::Scope;
use connector_state::inbox::EventState;
use connector_state::journal::{Data, JournalKind};
use connector_state::mirror::{ChangeKind, RecordState, RuleTold, ScanKind, Source};
use connector_state::push::{Conflict, Decision, IntentState, Mode, Outcome, Sent};
use connector_state::{GrantState, Lease, PreviousTokens, Sealed, Word};
use rusqlite::types::{FromSql, Type, Value, ValueRef};
use rusqlite::{
    CachedStatement, Connection, Error, OptionalExtension as _, Params, Result, Row,
    params_from_iter,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A struct whose fields are columns. [`columns!`] says which.
pub trait Record: Sized {
    /// Reads it from a row.
    fn read(row: &Row<'_>) -> Result<Self>;

    /// What is written of it.
    fn write(&self) -> Result<Values>;
}

/// A type that stands in one column.
pub trait Scalar: Sized {
    /// Reads it from the column `name`.
    fn read(row: &Row<'_>, name: &str) -> Result<Self>;

    /// As SQLite has it.
    fn value(&self) -> Result<Value>;
}

/// A field's type: stands in one column, or in several whose names contain the field's.
pub trait Column: Sized {
    /// Reads it from the column `name`.
    fn read(row: &Row<'_>, name: &str) -> Result<Self>;

    /// Adds it to what is written.
    fn write(&self, name: &str, to: &mut Values) -> Result<()>;
}

/// Says which columns the fields of a struct are: those of the same name, or of the one that is
/// given. Fields in brackets come from joined tables and are only read.
macro_rules! columns {
    ($row:ty [$($joined:ident),*] { $($field:ident $($column:literal)?),+ $(,)? }) => {
        impl $crate::columns::Record for $row {
            fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                use $crate::columns::Column;
                Ok(Self {
                    $($joined: Column::read(row, stringify!($joined))?,)*
                    $($field: Column::read(row, columns!(@ $field $($column)?))?,)+
                })
            }

            fn write(&self) -> rusqlite::Result<$crate::columns::Values> {
                let mut to = $crate::columns::Values::default();
                $($crate::columns::Column::write(
                    &self.$field, columns!(@ $field $($column)?), &mut to)?;)+
                Ok(to)
            }
        }
    };
    (@ $field:ident) => { stringify!($field) };
    (@ $field:ident $column:literal) => { $column };
}
pub(crate) use columns;

/// Values to be written.
#[derive(Default)]
pub struct Values(Vec<(String, Value)>);

impl Values {
    /// Adds one.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.push((name.into(), value.into()));
    }
}

/// A statement, prepared once. Tests look at the plans of all that come by here.
pub fn prepared<'c>(on: &'c Connection, sql: &str) -> Result<CachedStatement<'c>> {
    let statement = on.prepare_cached(sql)?;
    #[cfg(test)]
    crate::plans::note(on, sql, &statement);
    Ok(statement)
}

/// Every row that `sql` finds.
pub fn all<T: Record>(on: &Connection, sql: &str, of: impl Params) -> Result<Vec<T>> {
    prepared(on, sql)?.query_map(of, T::read)?.collect()
}

/// The first row that `sql` finds.
pub fn one<T: Record>(on: &Connection, sql: &str, of: impl Params) -> Result<Option<T>> {
    prepared(on, sql)?.query_row(of, T::read).optional()
}

/// The first column of every row that `sql` finds.
pub fn values<T: FromSql>(on: &Connection, sql: &str, of: impl Params) -> Result<Vec<T>> {
    prepared(on, sql)?.query_map(of, |row| row.get(0))?.collect()
}

/// The first column of the first row that `sql` finds.
pub fn value<T: FromSql>(on: &Connection, sql: &str, of: impl Params) -> Result<Option<T>> {
    prepared(on, sql)?.query_row(of, |row| row.get(0)).optional()
}

/// Changes rows; answers how many.
pub fn run(on: &Connection, sql: &str, of: impl Params) -> Result<usize> {
    prepared(on, sql)?.execute(of)
}

/// Runs `into`, which is `INSERT INTO` or `REPLACE INTO` a table, for one row.
pub fn put(on: &Connection, into: &str, Values(columns): Values) -> Result<()> {
    let (names, values): (Vec<String>, Vec<Value>) = columns.into_iter().unzip();
    let places = vec!["?"; names.len()].join(", ");
    let sql = format!("{into} ({}) VALUES ({places})", names.join(", "));
    run(on, &sql, params_from_iter(values)).map(drop)
}

/// Adds a row to a table, or changes the one with these keys; indexes of what stays as it is are not
/// touched.
pub fn upsert(on: &Connection, table: &str, keys: &[&str], Values(columns): Values) -> Result<()> {
    let (names, values): (Vec<String>, Vec<Value>) = columns.into_iter().unzip();
    let places = vec!["?"; names.len()].join(", ");
    let rest = names.iter().filter(|name| !keys.contains(&name.as_str()));
    let set: Vec<String> = rest.map(|name| format!("{name} = excluded.{name}")).collect();
    let (names, keys, set) = (names.join(", "), keys.join(", "), set.join(", "));
    let sql = format!(
        "INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT ({keys}) DO UPDATE SET {set}"
    );
    run(on, &sql, params_from_iter(values)).map(drop)
}

/// As [`put`], for a struct.
pub fn put_one(on: &Connection, into: &str, row: &impl Record) -> Result<()> {
    put(on, into, row.write()?)
}

/// Types that stand in one column.
macro_rules! scalars {
    ($read:expr, $value:expr; $($type:ty),+) => { $(
        impl Scalar for $type {
            fn read(row: &Row<'_>, name: &str) -> Result<Self> {
                $read(row, name)
            }

            fn value(&self) -> Result<Value> {
                $value(self)
            }
        }
    )+ };
}
scalars!(Row::get, |it: &Self| Ok(it.clone().into()); String, Vec<u8>);
scalars!(Row::get, |it: &Self| Ok((*it).into()); u32, i64, f64, bool);
scalars!(Row::get, |it: &Self| Ok(it.to_vec().into()); [u8; 32]);
scalars!(Row::get, |it: &Self| Ok(signed(*it).into()); u64);
scalars!(micros, |it: &Self| Ok(us(*it).into()); Duration);
scalars!(sealed, |it: &Self| Ok(it.0.clone().into()); Sealed);
scalars!(from_json, |it| Ok(json(it)?.into());
    Vec<String>, BTreeMap<String, String>, Data, Learned, RuleTold);
scalars!(word, |it: &Self| Ok(it.word().to_owned().into());
    Scope, GrantState, EventState, JournalKind, ChangeKind, RecordState, ScanKind, Source, IntentState, Mode, Outcome,
    Sent, Decision);

impl<T: Scalar> Column for T {
    fn read(row: &Row<'_>, name: &str) -> Result<Self> {
        Scalar::read(row, name)
    }

    fn write(&self, name: &str, to: &mut Values) -> Result<()> {
        to.add(name, self.value()?);
        Ok(())
    }
}

/// Null, where there is none.
impl<T: Scalar> Column for Option<T> {
    fn read(row: &Row<'_>, name: &str) -> Result<Self> {
        if row.get_ref(name)? == ValueRef::Null {
            Ok(None)
        } else {
            Scalar::read(row, name).map(Some)
        }
    }

    fn write(&self, name: &str, to: &mut Values) -> Result<()> {
        to.add(name, self.as_ref().map_or(Ok(Value::Null), T::value)?);
        Ok(())
    }
}

/// Structs that stand in several columns each, all of which are null where there is none.
macro_rules! groups {
    ($($of:ident { $first:ident $first_name:literal $(, $field:ident $name:literal)+ })+) => { $(
        impl Column for Option<$of> {
            fn read(row: &Row<'_>, name: &str) -> Result<Self> {
                let Some($first) = Column::read(row, &format!($first_name, name))? else {
                    return Ok(None);
                };
                Ok(Some($of { $first, $($field: Column::read(row, &format!($name, name))?),+ }))
            }

            fn write(&self, name: &str, to: &mut Values) -> Result<()> {
                let Some($of { $first, $($field),+ }) = self else { return Ok(()) };
                $first.write(&format!($first_name, name), to)?;
                $($field.write(&format!($name, name), to)?;)+
                Ok(())
            }
        }
    )+ };
}
groups! {
    Lease { attempt "{}_attempt", until_ms "{}_until_ms" }
    Conflict { members "{}_members", theirs "{}_theirs" }
    PreviousTokens { sealed "sealed_{}", until_ms "{}_until_ms" }
    Reported { interval "{}_interval_us", burst "{}_burst", until "{}_until_us" }
}

fn sealed(row: &Row<'_>, column: &str) -> Result<Sealed> {
    row.get(column).map(Sealed)
}

fn micros(row: &Row<'_>, column: &str) -> Result<Duration> {
    Ok(Duration::from_micros(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default()))
}

/// In microseconds, rounded up: later is slower.
fn us(time: Duration) -> i64 {
    i64::try_from(time.as_nanos().div_ceil(1_000)).unwrap_or(i64::MAX)
}

fn word<T: Word>(row: &Row<'_>, column: &str) -> Result<T> {
    let found = row.get_ref(column)?.as_str()?;
    T::of(found).ok_or_else(|| odd(row, column, format!("\"{found}\" is not known").into()))
}

/// SQLite's integers end at 2^63 - 1: as milliseconds, in 292 million years.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// As JSON text.
pub fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|why| Error::ToSqlConversionFailure(why.into()))
}

/// Reads what [`json`] wrote.
pub fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|why| odd(row, column, why.into()))
}

/// A column holds what it may not.
pub fn odd(row: &Row<'_>, column: &str, why: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    Error::FromSqlConversionFailure(index, Type::Text, why)
}
