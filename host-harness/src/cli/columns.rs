//! `--columns` of commands that print records of an object.

use anyhow::Result;
use host_harness::runtime::Connector;

use super::context::describe;
use super::document::embedded;
use super::output::Columns;
use super::usage::Usage;

/// The columns that were asked for, with what a record of `object` may have by its schema.
///
/// # Errors
/// When the connector cannot describe the object.
pub async fn of(given: &Columns, connector: &Connector, object: &str) -> Result<Columns> {
    if given.columns.is_none() {
        return Ok(given.clone());
    }
    let descriptor = describe(connector, object).await?;
    Ok(given.knowing(&embedded(&descriptor.record_schema)))
}

/// As [`of`], before something is written: a record that comes back may have members that no schema
/// knows, but a slip must not be noticed only when the write is done.
///
/// # Errors
/// [`Usage`] for a column that the schema does not know; else as [`of`].
pub async fn before_writing(
    given: &Columns,
    connector: &Connector,
    object: &str,
) -> Result<Columns> {
    let columns = of(given, connector, object).await?;
    columns.check()?;
    Ok(columns)
}

/// As [`before_writing`], for rows of our own with these members.
///
/// # Errors
/// [`Usage`] for another column.
pub fn among(given: &Columns, members: &[&str]) -> Result<(), Usage> {
    let known = members.iter().map(|name| (*name).to_owned()).collect();
    Columns { known, ..given.clone() }.check()
}
