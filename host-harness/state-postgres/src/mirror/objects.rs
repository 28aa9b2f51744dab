//! Objects of a connection by their short keys.

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::index;
use crate::columns::text;
use crate::fault::DbResult;
use crate::rows::must_exist;
use crate::session::Session;

/// Key of an object of a connection.
pub type Key = i64;

/// An object of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// Key of its connection's mirror.
    pub mirror: Key,
    /// Its own.
    pub object: Key,
    /// Key of the set that its records are in.
    pub records: Key,
    /// The object that holds its records.
    pub derived_from: Option<Key>,
}

/// A connection's mirror, which is nobody else's until the transaction ends.
#[derive(Debug, Clone, Copy)]
pub struct Locked {
    /// Its key.
    pub mirror: Key,
    /// How often anything of it has changed so far.
    pub moment: u64,
}

fn of(row: &Row) -> DbResult<Object> {
    Ok(Object {
        mirror: row.try_get("mirror")?,
        object: row.try_get("object")?,
        records: row.try_get("records")?,
        derived_from: row.try_get("derived_from")?,
    })
}

/// The key of a connection's mirror, when anything is kept of it.
pub async fn mirror(on: &Session, connection: &str) -> DbResult<Option<Key>> {
    on.value("SELECT mirror FROM mirrors WHERE connection = $1", &[&text(connection)]).await
}

/// Locks a connection's mirror, when anything is kept of it.
pub async fn lock(on: &Session, connection: &str) -> DbResult<Option<Locked>> {
    let sql = "SELECT mirror, moment FROM mirrors WHERE connection = $1 FOR UPDATE";
    let found = on.rows(sql, &[&text(connection)]).await?;
    let locked = |row: &Row| {
        let moment: i64 = row.try_get("moment")?;
        Ok(Locked {
            mirror: row.try_get("mirror")?,
            moment: u64::try_from(moment).unwrap_or_default(),
        })
    };
    found.first().map(locked).transpose()
}

/// As [`lock`]; makes it when it is the first time.
///
/// # Errors
/// [`connector_state::StoreError::NoConnection`].
pub async fn lock_or_make(on: &Session, connection: &str) -> DbResult<Locked> {
    let make = "INSERT INTO mirrors (connection, moment, forgotten) VALUES ($1, 0, 0)
                ON CONFLICT DO NOTHING";
    loop {
        if let Some(locked) = lock(on, connection).await? {
            return Ok(locked);
        }
        // While this is so, nobody can remove the connection.
        must_exist(on, connection).await?;
        on.run(make, &[&text(connection)]).await?;
    }
}

/// The object, when anything is kept of it.
pub async fn find(on: &Session, connection: &str, name: &str) -> DbResult<Option<Object>> {
    let sql = "SELECT o.mirror, o.object, o.records, o.derived_from
               FROM mirrors AS m JOIN mirror_objects AS o USING (mirror)
               WHERE m.connection = $1 AND o.name = $2";
    on.rows(sql, &[&text(connection), &text(name)]).await?.first().map(of).transpose()
}

/// The object by its key.
pub async fn by_key(on: &Session, object: Key) -> DbResult<Option<Object>> {
    let sql = "SELECT mirror, object, records, derived_from FROM mirror_objects WHERE object = $1";
    on.rows(sql, &[&object]).await?.first().map(of).transpose()
}

/// All objects of a mirror, by name.
pub async fn all(on: &Session, mirror: Key) -> DbResult<BTreeMap<String, Object>> {
    let sql =
        "SELECT name, mirror, object, records, derived_from FROM mirror_objects WHERE mirror = $1";
    let rows = on.rows(sql, &[&mirror]).await?;
    let named = |row: &Row| Ok((crate::columns::Column::read(row, "name")?, of(row)?));
    rows.iter().map(named).collect()
}

/// One of them, made when it is the first time. The mirror is locked.
pub async fn make(
    on: &Session,
    all: &mut BTreeMap<String, Object>,
    mirror: Key,
    name: &str,
) -> DbResult<Object> {
    if let Some(object) = all.get(name) {
        return Ok(*object);
    }
    let records = make_set(on, mirror).await?;
    let sql = "INSERT INTO mirror_objects (mirror, name, records, live, aged_out, deleted)
               VALUES ($1, $2, $3, 0, 0, 0) RETURNING object";
    let object: Option<Key> = on.value(sql, &[&mirror, &text(name), &records]).await?;
    let object = object.unwrap_or_default();
    index::make(on, object).await?;
    let made = Object { mirror, object, records, derived_from: None };
    all.insert(name.to_owned(), made);
    Ok(made)
}

/// As [`make`], for an object that is derived from `holder`.
pub async fn make_derived(
    on: &Session,
    all: &mut BTreeMap<String, Object>,
    holder: Object,
    name: &str,
) -> DbResult<Key> {
    let object = make(on, all, holder.mirror, name).await?;
    if object.derived_from != Some(holder.object) && object.object != holder.object {
        let sql = "UPDATE mirror_objects SET derived_from = $1 WHERE object = $2";
        on.run(sql, &[&holder.object, &object.object]).await?;
    }
    Ok(object.object)
}

/// A new set of records.
pub async fn make_set(on: &Session, mirror: Key) -> DbResult<Key> {
    let sql = "INSERT INTO mirror_sets (mirror, dropped) VALUES ($1, false) RETURNING records";
    Ok(on.value(sql, &[&mirror]).await?.unwrap_or_default())
}

/// An object and those that are derived from it, itself first: key, name, and the set of records.
pub async fn with_derived(on: &Session, object: Key) -> DbResult<Vec<(Key, String, Key)>> {
    let sql = "SELECT object, name, records FROM mirror_objects WHERE object = $1
               UNION ALL
               SELECT object, name, records FROM mirror_objects WHERE derived_from = $1";
    let row = |row: &Row| {
        Ok((row.try_get(0)?, crate::columns::Column::read(row, "name")?, row.try_get(2)?))
    };
    let mut found: Vec<(Key, String, Key)> =
        on.rows(sql, &[&object]).await?.iter().map(row).collect::<DbResult<_>>()?;
    found.sort_by_key(|(key, ..)| (*key != object, *key));
    Ok(found)
}
