//! [`Lists`] in the same database.

use connector_state::inbox::EventRow;
use connector_state::lists::{ConnectionsQuery, LabelledConnection, Labels, Lists};
use connector_state::mirror::DeadLetterRow;
use connector_state::push::{IntentRow, PushRow};
use connector_state::{Answer, ConnectionRow};
use tokio_postgres::types::ToSql;

use super::Postgres;
use super::columns::{signed, text, untext};
use super::fault::DbResult;
use super::inbox::events;
use super::session::Session;

/// Labels of connections; they are found by name and value.
pub const TABLES: &str = "
CREATE TABLE labels (
    connection text COLLATE \"C\" NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    name text COLLATE \"C\" NOT NULL,
    value text COLLATE \"C\" NOT NULL,
    PRIMARY KEY (connection, name)
);
CREATE INDEX labels_by_value ON labels (name, value, connection);
CREATE INDEX connections_by_name ON connections (connector, name);
";

impl Lists for Postgres {
    fn list_connections(&self, asked: ConnectionsQuery) -> Answer<'_, Vec<LabelledConnection>> {
        self.read(asked, |on, asked| Box::pin(connections(on, asked)))
    }

    fn list_pushes(
        &self,
        connection: &str,
        after: Option<(u64, String)>,
        limit: u32,
    ) -> Answer<'_, Vec<PushRow>> {
        let asked = (connection.to_owned(), after.unwrap_or_default(), i64::from(limit));
        self.read(asked, |on, (connection, (made_ms, id), limit)| {
            Box::pin(async move {
                let sql = "SELECT p.* FROM pushes AS p
                           WHERE p.connection = $1 AND (p.made_ms, p.id) > ($2, $3)
                               AND EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)
                           ORDER BY p.made_ms, p.id LIMIT $4";
                on.all(sql, &[&text(connection), &signed(*made_ms), &text(id), limit]).await
            })
        })
    }

    fn list_newest_pushes(
        &self,
        connection: Option<&str>,
        before: Option<(u64, String)>,
        limit: u32,
    ) -> Answer<'_, Vec<PushRow>> {
        let before = before.unwrap_or((u64::MAX, String::new()));
        let asked = (connection.map(str::to_owned), before, i64::from(limit));
        self.read(asked, |on, (connection, (made_ms, id), limit)| {
            Box::pin(async move {
                let there = "EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)
                             ORDER BY p.made_ms DESC, p.id DESC";
                match connection {
                    Some(connection) => {
                        let sql = format!(
                            "SELECT p.* FROM pushes AS p
                             WHERE p.connection = $1 AND (p.made_ms, p.id) < ($2, $3) AND {there} LIMIT $4"
                        );
                        on.all(&sql, &[&text(connection), &signed(*made_ms), &text(id), limit]).await
                    }
                    None => {
                        let sql = format!(
                            "SELECT p.* FROM pushes AS p
                             WHERE (p.made_ms, p.id) < ($1, $2) AND {there} LIMIT $3"
                        );
                        on.all(&sql, &[&signed(*made_ms), &text(id), limit]).await
                    }
                }
            })
        })
    }

    fn list_parked_items(
        &self,
        connection: Option<&str>,
        after: Option<(String, u64)>,
        limit: u32,
    ) -> Answer<'_, Vec<IntentRow>> {
        let (push, item) = after.map_or((String::new(), -1), |(push, item)| (push, signed(item)));
        let asked = (connection.map(str::to_owned), push, item, i64::from(limit));
        self.read(asked, |on, (connection, push, item, limit)| {
            Box::pin(async move {
                match connection {
                    // A page of each run, of which there are few.
                    Some(connection) => {
                        let sql = "SELECT i.* FROM pushes AS p CROSS JOIN LATERAL
                                       (SELECT * FROM intents WHERE push = p.id AND state = 'parked'
                                            AND item > CASE WHEN p.id = $2 THEN $3::bigint ELSE -1 END
                                        ORDER BY item LIMIT $4) AS i
                                   WHERE p.connection = $1 AND p.parked > 0 AND p.id >= $2
                                       AND EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)
                                   ORDER BY i.push, i.item LIMIT $4";
                        on.all(sql, &[&text(connection), &text(push), item, limit]).await
                    }
                    None => {
                        let sql = "SELECT i.* FROM intents AS i JOIN pushes AS p ON p.id = i.push
                                       JOIN connections AS c ON c.id = p.connection
                                   WHERE i.state = 'parked' AND (i.push, i.item) > ($1, $2)
                                   ORDER BY i.push, i.item LIMIT $3";
                        on.all(sql, &[&text(push), item, limit]).await
                    }
                }
            })
        })
    }

    fn list_dead_letters(
        &self,
        connection: Option<&str>,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<DeadLetterRow>> {
        let asked = (connection.map(str::to_owned), signed(after), i64::from(limit));
        self.read(asked, |on, (connection, after, limit)| {
            Box::pin(async move {
                const COLUMNS: &str = "SELECT d.number, m.connection, o.name AS object, d.id, d.raw,
                                           d.reason, d.at_ms";
                match connection {
                    // A page of each object, of which there are few.
                    Some(connection) => {
                        let sql = format!(
                            "{COLUMNS} FROM mirrors AS m JOIN mirror_objects AS o USING (mirror)
                                 CROSS JOIN LATERAL
                                     (SELECT * FROM mirror_dead_letters WHERE object = o.object AND number > $2
                                      ORDER BY number LIMIT $3) AS d
                             WHERE m.connection = $1 ORDER BY d.number LIMIT $3"
                        );
                        on.all(&sql, &[&text(connection), after, limit]).await
                    }
                    None => {
                        let sql = format!(
                            "{COLUMNS} FROM mirror_dead_letters AS d JOIN mirror_objects AS o USING (object)
                                 JOIN mirrors AS m USING (mirror) JOIN connections AS c ON c.id = m.connection
                             WHERE d.number > $1 ORDER BY d.number LIMIT $2"
                        );
                        on.all(&sql, &[after, limit]).await
                    }
                }
            })
        })
    }

    fn list_dead_events(
        &self,
        connection: Option<&str>,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<EventRow>> {
        let asked = (connection.map(str::to_owned), signed(after), i64::from(limit));
        self.read(asked, |on, (connection, after, limit)| {
            Box::pin(async move {
                match connection {
                    Some(of) => {
                        let rest =
                            "WHERE c.id = $1 AND e.state = 2 AND e.number > $2 ORDER BY e.number LIMIT $3";
                        events(on, rest, &[&text(of), after, limit]).await
                    }
                    None => {
                        let rest = "WHERE e.state = 2 AND e.number > $1 ORDER BY e.number LIMIT $2";
                        events(on, rest, &[after, limit]).await
                    }
                }
            })
        })
    }
}

async fn connections(on: &Session, asked: &ConnectionsQuery) -> DbResult<Vec<LabelledConnection>> {
    let ConnectionsQuery { connector, name, labels, after, limit } = asked;
    let (after, connector) = (text(after), connector.as_deref().map(text));
    let (name, limit) = (name.as_deref().map(text), i64::from(*limit));
    let labels: Vec<_> = labels.iter().map(|(name, value)| (text(name), text(value))).collect();
    let mut sql = "SELECT c.* FROM connections AS c WHERE c.name > $1".to_owned();
    let mut of: Vec<&(dyn ToSql + Sync)> = vec![&after];
    if let Some(connector) = &connector {
        of.push(connector);
        sql += &format!(" AND c.connector = ${}", of.len());
    }
    if let Some(name) = &name {
        of.push(name);
        sql += &format!(" AND c.name = ${}", of.len());
    }
    for (name, value) in &labels {
        of.extend([name as &(dyn ToSql + Sync), value]);
        let (name, value) = (of.len() - 1, of.len());
        sql += &format!(
            " AND c.id IN (SELECT connection FROM labels WHERE name = ${name} AND value = ${value})"
        );
    }
    of.push(&limit);
    sql += &format!(" ORDER BY c.name LIMIT ${}", of.len());
    let rows: Vec<ConnectionRow> = on.all(&sql, &of).await?;
    let ids: Vec<_> = rows.iter().map(|row| text(&row.id)).collect();
    let sql = "SELECT connection, name, value FROM labels WHERE connection = ANY($1)";
    let mut found = std::collections::BTreeMap::<String, Labels>::new();
    for row in on.rows(sql, &[&ids]).await? {
        let of = found.entry(untext(row.try_get(0)?)).or_default();
        of.insert(untext(row.try_get(1)?), untext(row.try_get(2)?));
    }
    let labelled = |row: ConnectionRow| LabelledConnection {
        labels: found.remove(&row.id).unwrap_or_default(),
        row,
    };
    Ok(rows.into_iter().map(labelled).collect())
}

/// Puts these labels in place of a connection's.
pub async fn put_labels(on: &Session, connection: &str, labels: &Labels) -> DbResult<()> {
    on.run("DELETE FROM labels WHERE connection = $1", &[&text(connection)]).await?;
    let names: Vec<_> = labels.keys().map(|name| text(name)).collect();
    let values: Vec<_> = labels.values().map(|value| text(value)).collect();
    let sql = "INSERT INTO labels (connection, name, value)
               SELECT $1, * FROM unnest($2::text[], $3::text[])";
    on.run(sql, &[&text(connection), &names, &values]).await.map(drop)
}
