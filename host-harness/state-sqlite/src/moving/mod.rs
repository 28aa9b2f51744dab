//! [`Moving`] in the same file: connections that leave it, and that come.
//!
//! What [`connector_state::moving::tables`] says is read and written as it stands there; where a table is
//! not as it is moved, `export` and `import` say how.

mod export;
mod import;
mod stages;

use connector_state::moving::MOVED;
use connector_state::moving::{MoveRow, MoveStage, MovedRow, Moving, Piece, Place};
use rusqlite::Connection;

use super::columns::{Values, put};
use super::fault::{DbFault, DbResult};
use super::mirror::objects::Key;
use super::{Answer, Sqlite};

/// Connections on their way. rows: those that make one be there (connector_state::moving::tables::SMALL), as
/// JSON. attempt: who brings one that comes. first_body, first_delivery: what its numbers count from here.
pub const TABLES: &str = "
CREATE TABLE moves (
    connection TEXT NOT NULL PRIMARY KEY,
    stage TEXT NOT NULL CHECK (stage = 'leaving' OR stage = 'gone' OR stage = 'coming'),
    at_ms INTEGER NOT NULL,
    attempt TEXT,
    first_body INTEGER NOT NULL,
    first_delivery INTEGER NOT NULL,
    rows TEXT NOT NULL
) STRICT;
";

/// What the rows of a connection are found by.
#[derive(Debug, Default)]
struct Keys {
    connection: String,
    mirror: Key,
    inbox: i64,
    /// Those that hold others first.
    objects: Vec<ObjectKeys>,
}

#[derive(Debug, Clone)]
struct ObjectKeys {
    name: String,
    object: Key,
    records: Key,
}

impl Keys {
    fn of(on: &Connection, connection: &str) -> DbResult<Self> {
        let mirror = super::mirror::objects::mirror(on, &format!("{MOVED}{connection}"))?;
        let inbox = "SELECT number FROM inboxes WHERE connection = ?";
        let inbox = super::columns::value(on, inbox, [connection])?.unwrap_or_default();
        let sql = "SELECT name, object, records FROM mirror_objects WHERE mirror = ?
                   ORDER BY derived_from IS NOT NULL, object";
        let objects = super::columns::prepared(on, sql)?
            .query_map([mirror], |row| {
                let (name, object, records) = row.try_into()?;
                Ok(ObjectKeys { name, object, records })
            })?
            .collect::<rusqlite::Result<_>>()?;
        let mirror = mirror.unwrap_or_default();
        Ok(Self { connection: connection.to_owned(), mirror, inbox, objects })
    }

    fn named(&self, name: &str) -> Option<&ObjectKeys> {
        self.objects.iter().find(|object| object.name == name)
    }
}

/// Adds a row.
fn insert(on: &Connection, table: &str, values: Values) -> DbResult<()> {
    Ok(put(on, &format!("INSERT INTO {table}"), values)?)
}

impl Moving for Sqlite {
    fn moves(&self) -> Answer<'_, Vec<MoveRow>> {
        self.read(stages::moves)
    }

    fn move_out(&self, connection: &str) -> Answer<'_, bool> {
        let connection = connection.to_owned();
        self.commit_work(true, move |on, now_ms| stages::leave(on, &connection, now_ms))
    }

    fn export_rows(&self, connection: &str, after: Option<Place>) -> Answer<'_, Piece> {
        let connection = connection.to_owned();
        self.read(move |on| {
            let reading = on.unchecked_transaction()?;
            export::piece(&reading, &connection, after)
        })
    }

    fn depart(&self, connection: &str) -> Answer<'_, ()> {
        let connection = connection.to_owned();
        self.write(move |on, now_ms| {
            stages::must_be(on, &connection, &[MoveStage::Leaving])?;
            let sql = "UPDATE moves SET stage = 'gone', at_ms = ? WHERE connection = ?";
            super::columns::run(on, sql, (super::columns::signed(now_ms), connection))?;
            Ok::<_, DbFault>(())
        })
    }

    fn come_back(&self, connection: &str) -> Answer<'_, ()> {
        let connection = connection.to_owned();
        self.commit_work(true, move |on, now_ms| stages::come_back(on, &connection, now_ms))
    }

    fn give_up(&self, connection: &str) -> Answer<'_, ()> {
        let connection = connection.to_owned();
        self.commit_work(true, move |on, _| {
            stages::must_be(on, &connection, &[MoveStage::Gone, MoveStage::Coming])?;
            stages::give_up(on, &connection)
        })
    }

    fn arrive(&self, attempt: &str, rows: Vec<MovedRow>) -> Answer<'_, bool> {
        let attempt = attempt.to_owned();
        self.commit_work(true, move |on, now_ms| stages::arrive(on, &attempt, &rows, now_ms))
    }

    fn import_rows(&self, connection: &str, attempt: &str, rows: Vec<MovedRow>) -> Answer<'_, ()> {
        let (connection, attempt) = (connection.to_owned(), attempt.to_owned());
        self.write(move |on, _| import::rows(on, &connection, &attempt, rows))
    }

    fn finish(&self, connection: &str, attempt: &str) -> Answer<'_, ()> {
        let (connection, attempt) = (connection.to_owned(), attempt.to_owned());
        self.commit_work(true, move |on, now_ms| stages::finish(on, &connection, &attempt, now_ms))
    }
}
