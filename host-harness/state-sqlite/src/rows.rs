//! Connections, secrets, grants and sessions as rows. The columns are in [`super::schema`].

use connector_state::{ConnectionRow, GrantRow, SecretRow, SessionRow, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use super::columns::{Column, Record as _, Values, all, columns, prepared, put, run, value};
use super::fault::DbResult;

columns!(ConnectionRow [] { id, name, connector, scheme, settings, sealed_key, made_ms });
columns!(SecretRow [] { connection, name, version, sealed, made_ms, ends_ms });
columns!(GrantRow [] {
    connection, epoch, state, sends, lease, sealed_tokens, received_ms, expires_ms, scopes, learned,
    retry_ms, failures, previous
});

/// The grant of a connection.
pub const GRANT: &str = "SELECT * FROM grants WHERE connection = ?";

/// Whether there is such a connection.
pub fn must_exist(on: &Connection, id: &str) -> DbResult<()> {
    let found: Option<u32> = value(on, "SELECT 1 FROM connections WHERE id = ?", [id])?;
    found.map(drop).ok_or_else(|| StoreError::NoConnection(id.to_owned()).into())
}

/// The session with this digest.
pub fn session(on: &Connection, state: &[u8; 32]) -> Result<Option<SessionRow>> {
    let sql = "SELECT * FROM session_secrets WHERE state = ? ORDER BY name, version DESC";
    let secrets = all(on, sql, [state])?;
    let sql =
        "SELECT *, connection_id AS id, connection_name AS name FROM sessions WHERE state = ?";
    let read = |row: &Row<'_>| {
        let made_ms = Column::read(row, "connection_made_ms")?;
        Ok(SessionRow {
            state: *state,
            connection: ConnectionRow { made_ms, ..ConnectionRow::read(row)? },
            secrets,
            sealed_verifier: Column::read(row, "sealed_verifier")?,
            session: row.get("session")?,
            return_to: row.get("return_to")?,
            made_ms: Column::read(row, "made_ms")?,
            ends_ms: Column::read(row, "ends_ms")?,
        })
    };
    prepared(on, sql)?.query_row([state], read).optional()
}

/// Adds or replaces a session.
pub fn put_session(on: &Connection, row: &SessionRow) -> Result<()> {
    let connection = &row.connection;
    run(on, "DELETE FROM sessions WHERE state = ?", [&row.state])?;
    let mut to = Values::default();
    row.state.write("state", &mut to)?;
    connection.id.write("connection_id", &mut to)?;
    connection.name.write("connection_name", &mut to)?;
    connection.connector.write("connector", &mut to)?;
    connection.scheme.write("scheme", &mut to)?;
    connection.settings.write("settings", &mut to)?;
    connection.sealed_key.write("sealed_key", &mut to)?;
    connection.made_ms.write("connection_made_ms", &mut to)?;
    row.sealed_verifier.write("sealed_verifier", &mut to)?;
    row.session.write("session", &mut to)?;
    row.return_to.write("return_to", &mut to)?;
    row.made_ms.write("made_ms", &mut to)?;
    row.ends_ms.write("ends_ms", &mut to)?;
    put(on, "INSERT INTO sessions", to)?;
    for secret in &row.secrets {
        let mut columns = secret.write()?;
        row.state.write("state", &mut columns)?;
        put(on, "INSERT INTO session_secrets", columns)?;
    }
    Ok(())
}
