//! [`Lists`] in the same file.

use connector_state::ConnectionRow;
use connector_state::inbox::EventRow;
use connector_state::lists::{ConnectionsQuery, LabelledConnection, Labels, Lists};
use connector_state::mirror::DeadLetterRow;
use connector_state::push::{IntentRow, PushRow};
use rusqlite::types::Value;
use rusqlite::{Connection, Result, params_from_iter};

use super::columns::{all, prepared, run, signed};
use super::inbox::{DEAD_ALL_PAGE, DEAD_PAGE, events};
use super::{Answer, Sqlite};

/// Labels of connections; they are found by name and value.
pub const TABLES: &str = "
CREATE TABLE labels (
    connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (connection, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_by_value ON labels (name, value, connection);
CREATE INDEX connections_by_name ON connections (connector, name);
";

const LETTERS: &str = "d.number, m.connection, o.name AS object, d.id, d.raw, d.reason, d.at_ms";

impl Lists for Sqlite {
    fn list_connections(&self, asked: ConnectionsQuery) -> Answer<'_, Vec<LabelledConnection>> {
        self.read(move |on| connections(on, asked))
    }

    fn list_pushes(
        &self,
        connection: &str,
        after: Option<(u64, String)>,
        limit: u32,
    ) -> Answer<'_, Vec<PushRow>> {
        let (made_ms, id) = after.unwrap_or_default();
        let sql =
            "SELECT p.* FROM pushes AS p WHERE p.connection = ?1 AND (p.made_ms, p.id) > (?2, ?3)
                       AND EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)
                   ORDER BY p.made_ms, p.id LIMIT ?4";
        self.all(sql, (connection.to_owned(), signed(made_ms), id, limit))
    }

    fn list_newest_pushes(
        &self,
        connection: Option<&str>,
        before: Option<(u64, String)>,
        limit: u32,
    ) -> Answer<'_, Vec<PushRow>> {
        let (made_ms, id) = before.unwrap_or((u64::MAX, String::new()));
        let made_ms = signed(made_ms);
        match connection.map(str::to_owned) {
            Some(connection) => {
                let sql = "SELECT p.* FROM pushes AS p
                           WHERE p.connection = ?1 AND (p.made_ms, p.id) < (?2, ?3)
                               AND EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)
                           ORDER BY p.made_ms DESC, p.id DESC LIMIT ?4";
                self.all(sql, (connection, made_ms, id, limit))
            }
            None => {
                let sql = "SELECT p.* FROM pushes AS p
                           WHERE (p.made_ms, p.id) < (?1, ?2)
                               AND EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)
                           ORDER BY p.made_ms DESC, p.id DESC LIMIT ?3";
                self.all(sql, (made_ms, id, limit))
            }
        }
    }

    fn list_parked_items(
        &self,
        connection: Option<&str>,
        after: Option<(String, u64)>,
        limit: u32,
    ) -> Answer<'_, Vec<IntentRow>> {
        let (push, item) = after.map_or((String::new(), -1), |(push, item)| (push, signed(item)));
        match connection.map(str::to_owned) {
            // A page of each run, of which there are few.
            Some(connection) => {
                let sql = "SELECT i.* FROM pushes AS p CROSS JOIN intents AS i ON i.push = p.id
                               AND i.item IN (SELECT item FROM intents
                                              WHERE push = p.id AND state = 'parked'
                                                  AND item > iif(p.id = ?2, ?3, -1)
                                              ORDER BY item LIMIT ?4)
                           WHERE p.connection = ?1 AND p.parked > 0 AND p.id >= ?2
                               AND EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)
                           ORDER BY i.push, i.item LIMIT ?4";
                self.all(sql, (connection, push, item, limit))
            }
            None => {
                let sql = "SELECT i.* FROM intents AS i INDEXED BY intents_parked
                               CROSS JOIN pushes AS p ON p.id = i.push
                               CROSS JOIN connections AS c ON c.id = p.connection
                           WHERE i.state = 'parked' AND (i.push, i.item) > (?, ?)
                           ORDER BY i.push, i.item LIMIT ?";
                self.all(sql, (push, item, limit))
            }
        }
    }

    fn list_dead_letters(
        &self,
        connection: Option<&str>,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<DeadLetterRow>> {
        match connection {
            // A page of each object, of which there are few.
            Some(connection) => {
                let sql = format!(
                    "SELECT {LETTERS} FROM mirrors AS m CROSS JOIN mirror_objects AS o USING (mirror)
                         CROSS JOIN mirror_dead_letters AS d ON d.number IN
                             (SELECT number FROM mirror_dead_letters WHERE object = o.object AND number > ?2
                              ORDER BY number LIMIT ?3)
                     WHERE m.connection = ?1 ORDER BY d.number LIMIT ?3"
                );
                self.all(sql, (connection.to_owned(), signed(after), limit))
            }
            None => {
                let sql = format!(
                    "SELECT {LETTERS} FROM mirror_dead_letters AS d
                         CROSS JOIN mirror_objects AS o USING (object)
                         CROSS JOIN mirrors AS m USING (mirror)
                         CROSS JOIN connections AS c ON c.id = m.connection
                     WHERE d.number > ? ORDER BY d.number LIMIT ?"
                );
                self.all(sql, (signed(after), limit))
            }
        }
    }

    fn list_dead_events(
        &self,
        connection: Option<&str>,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<EventRow>> {
        let after = signed(after);
        match connection.map(str::to_owned) {
            Some(of) => self.read(move |on| events(on, DEAD_PAGE, (of, after, limit))),
            None => self.read(move |on| events(on, DEAD_ALL_PAGE, (after, limit))),
        }
    }
}

fn connections(on: &Connection, asked: ConnectionsQuery) -> Result<Vec<LabelledConnection>> {
    let ConnectionsQuery { connector, name, labels, after, limit } = asked;
    let mut sql = "SELECT c.* FROM connections AS c WHERE c.name > ?".to_owned();
    let mut of: Vec<Value> = vec![after.into()];
    if let Some(connector) = connector {
        // Where labels are asked for, those that have them are looked at, and not all of the connector.
        sql += if labels.is_empty() { " AND c.connector = ?" } else { " AND +c.connector = ?" };
        of.push(connector.into());
    }
    if let Some(name) = name {
        sql += " AND c.name = ?";
        of.push(name.into());
    }
    for (name, value) in labels {
        sql += " AND c.id IN (SELECT connection FROM labels WHERE name = ? AND value = ?)";
        of.extend([name.into(), value.into()]);
    }
    sql += " ORDER BY c.name LIMIT ?";
    of.push(limit.into());
    let rows: Vec<ConnectionRow> = all(on, &sql, params_from_iter(of))?;
    let labelled =
        |row: ConnectionRow| Ok(LabelledConnection { labels: labels_of(on, &row.id)?, row });
    rows.into_iter().map(labelled).collect()
}

fn labels_of(on: &Connection, connection: &str) -> Result<Labels> {
    let sql = "SELECT name, value FROM labels WHERE connection = ?";
    prepared(on, sql)?.query_map([connection], |row| row.try_into())?.collect()
}

/// Puts these labels in place of a connection's.
pub fn put_labels(on: &Connection, connection: &str, labels: &Labels) -> Result<()> {
    run(on, "DELETE FROM labels WHERE connection = ?", [connection])?;
    let sql = "INSERT INTO labels (connection, name, value) VALUES (?, ?, ?)";
    labels.iter().try_for_each(|(name, value)| run(on, sql, (connection, name, value)).map(drop))
}
