//! [`Moving`] in the same database: connections that leave it, and that come.
//!
//! What [`connector_state::moving::tables`] says is read and written as it stands there; where a table is
//! not as it is moved, `export` and `import` say how.

mod cells;
mod export;
mod import;
mod stages;

use connector_state::Answer;
use connector_state::moving::MOVED;
use connector_state::moving::{MoveRow, MoveStage, MovedRow, Moving, Piece, Place};

use super::Postgres;
use super::columns::{Column as _, signed, text};
use super::fault::DbResult;
use super::mirror::objects::Key;
use super::session::Session;

/// Connections on their way. rows: those that make one be there (connector_state::moving::tables::SMALL), as
/// JSON. attempt: who brings one that comes. first_body, first_delivery: what its numbers count from here.
pub const TABLES: &str = r#"
CREATE TABLE moves (
    connection text COLLATE "C" NOT NULL PRIMARY KEY,
    stage text NOT NULL CHECK (stage IN ('leaving', 'gone', 'coming')),
    at_ms bigint NOT NULL,
    attempt text,
    first_body bigint NOT NULL,
    first_delivery bigint NOT NULL,
    rows text NOT NULL
);
"#;

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
    async fn of(on: &Session, connection: &str) -> DbResult<Self> {
        let mirror = super::mirror::objects::mirror(on, &format!("{MOVED}{connection}")).await?;
        let inbox = "SELECT number FROM inboxes WHERE connection = $1";
        let inbox = on.value(inbox, &[&text(connection)]).await?.unwrap_or_default();
        let sql = "SELECT name, object, records FROM mirror_objects WHERE mirror = $1
                   ORDER BY derived_from IS NOT NULL, object";
        let mut objects = Vec::new();
        for row in on.rows(sql, &[&mirror]).await? {
            objects.push(ObjectKeys {
                name: String::read(&row, "name")?,
                object: row.try_get("object")?,
                records: row.try_get("records")?,
            });
        }
        let mirror = mirror.unwrap_or_default();
        Ok(Self { connection: connection.to_owned(), mirror, inbox, objects })
    }

    fn named(&self, name: &str) -> Option<&ObjectKeys> {
        self.objects.iter().find(|object| object.name == name)
    }
}

impl Moving for Postgres {
    fn moves(&self) -> Answer<'_, Vec<MoveRow>> {
        self.read((), |on, ()| Box::pin(stages::moves(on)))
    }

    fn move_out(&self, connection: &str) -> Answer<'_, bool> {
        self.write(connection.to_owned(), |on, connection| Box::pin(stages::leave(on, connection)))
    }

    fn export_rows(&self, connection: &str, after: Option<Place>) -> Answer<'_, Piece> {
        self.look((connection.to_owned(), after), |on, (connection, after)| {
            Box::pin(export::piece(on, connection, after.clone()))
        })
    }

    fn depart(&self, connection: &str) -> Answer<'_, ()> {
        self.write(connection.to_owned(), |on, connection| {
            Box::pin(async move {
                stages::must_be(on, connection, &[MoveStage::Leaving]).await?;
                let sql = "UPDATE moves SET stage = 'gone', at_ms = $1 WHERE connection = $2";
                let now_ms = signed(on.now_ms().await?);
                on.run(sql, &[&now_ms, &text(connection)]).await.map(drop)
            })
        })
    }

    fn come_back(&self, connection: &str) -> Answer<'_, ()> {
        self.write(connection.to_owned(), |on, connection| {
            Box::pin(stages::come_back(on, connection))
        })
    }

    fn give_up(&self, connection: &str) -> Answer<'_, ()> {
        self.write(connection.to_owned(), |on, connection| {
            Box::pin(async move {
                let stages = [MoveStage::Gone, MoveStage::Coming];
                stages::must_be(on, connection, &stages).await?;
                stages::give_up(on, connection).await
            })
        })
    }

    fn arrive(&self, attempt: &str, rows: Vec<MovedRow>) -> Answer<'_, bool> {
        self.write((attempt.to_owned(), rows), |on, (attempt, rows)| {
            Box::pin(stages::arrive(on, attempt, rows))
        })
    }

    fn import_rows(&self, connection: &str, attempt: &str, rows: Vec<MovedRow>) -> Answer<'_, ()> {
        let of = (connection.to_owned(), attempt.to_owned(), rows);
        self.write(of, |on, (connection, attempt, rows)| {
            Box::pin(import::rows(on, connection, attempt, rows))
        })
    }

    fn finish(&self, connection: &str, attempt: &str) -> Answer<'_, ()> {
        let of = (connection.to_owned(), attempt.to_owned());
        self.write(of, |on, (connection, attempt)| {
            Box::pin(stages::finish(on, connection, attempt))
        })
    }
}
