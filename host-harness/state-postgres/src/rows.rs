//! Connections, secrets, grants and sessions as rows. The columns are in [`super::schema`].

use connector_state::{ConnectionRow, GrantRow, Sealed, SecretRow, SessionRow, StoreError};

use super::columns::{Column, Record as _, Values, columns, signed, text};
use super::fault::DbResult;
use super::session::Session;

columns!(ConnectionRow [] { id, name, connector, scheme, settings, sealed_key, made_ms });
columns!(SecretRow [] { connection, name, version, sealed, made_ms, ends_ms });
columns!(GrantRow [] {
    connection, epoch, state, sends, lease, sealed_tokens, received_ms, expires_ms, scopes, learned,
    retry_ms, failures, previous
});

pub async fn connection(on: &Session, name: &str) -> DbResult<Option<ConnectionRow>> {
    on.one("SELECT * FROM connections WHERE name = $1", &[&text(name)]).await
}

pub async fn secrets(on: &Session, connection: &str) -> DbResult<Vec<SecretRow>> {
    let sql = "SELECT * FROM secrets WHERE connection = $1 AND (ends_ms IS NULL OR ends_ms > $2)
               ORDER BY name, version DESC";
    on.all(sql, &[&text(connection), &signed(on.now_ms().await?)]).await
}

pub async fn grant(on: &Session, connection: &str) -> DbResult<Option<GrantRow>> {
    on.one("SELECT * FROM grants WHERE connection = $1", &[&text(connection)]).await
}

/// That there is such a connection, until the transaction ends.
pub async fn must_exist(on: &Session, id: &str) -> DbResult<()> {
    let sql = "SELECT 1 FROM connections WHERE id = $1 FOR KEY SHARE";
    let found: Option<i32> = on.value(sql, &[&text(id)]).await?;
    found.map(drop).ok_or_else(|| StoreError::NoConnection(id.to_owned()).into())
}

/// What the master key has sealed; `new` where it has not.
pub async fn master_proof(on: &Session, new: Option<&Sealed>) -> DbResult<Option<Sealed>> {
    if let Some(Sealed(new)) = new {
        let sql = "INSERT INTO master_keys (sealed) VALUES ($1) ON CONFLICT DO NOTHING";
        on.run(sql, &[new]).await?;
    }
    Ok(on.value("SELECT sealed FROM master_keys", &[]).await?.map(Sealed))
}

/// Removes the session with this digest, and answers it.
pub async fn take_session(on: &Session, state: &[u8; 32]) -> DbResult<Option<SessionRow>> {
    let state = state.as_slice();
    let sql = "SELECT *, connection_id AS id, connection_name AS name FROM sessions
               WHERE state = $1 FOR UPDATE";
    let found = on.rows(sql, &[&state]).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let sql = "SELECT * FROM session_secrets WHERE state = $1 ORDER BY name, version DESC";
    let secrets = on.all(sql, &[&state]).await?;
    on.run("DELETE FROM sessions WHERE state = $1", &[&state]).await?;
    let made_ms = Column::read(row, "connection_made_ms")?;
    Ok(Some(SessionRow {
        state: Column::read(row, "state")?,
        connection: ConnectionRow { made_ms, ..ConnectionRow::read(row)? },
        secrets,
        sealed_verifier: Column::read(row, "sealed_verifier")?,
        session: Column::read(row, "session")?,
        return_to: Column::read(row, "return_to")?,
        made_ms: Column::read(row, "made_ms")?,
        ends_ms: Column::read(row, "ends_ms")?,
    }))
}

/// Adds or replaces a session.
pub async fn put_session(on: &Session, row: &SessionRow) -> DbResult<()> {
    let connection = &row.connection;
    on.run("DELETE FROM sessions WHERE state = $1", &[&row.state.as_slice()]).await?;
    let mut to = Values::default();
    row.state.write("state", &mut to);
    connection.id.write("connection_id", &mut to);
    connection.name.write("connection_name", &mut to);
    connection.connector.write("connector", &mut to);
    connection.scheme.write("scheme", &mut to);
    connection.settings.write("settings", &mut to);
    connection.sealed_key.write("sealed_key", &mut to);
    connection.made_ms.write("connection_made_ms", &mut to);
    row.sealed_verifier.write("sealed_verifier", &mut to);
    row.session.write("session", &mut to);
    row.return_to.write("return_to", &mut to);
    row.made_ms.write("made_ms", &mut to);
    row.ends_ms.write("ends_ms", &mut to);
    on.upsert("sessions", &[], to).await?;
    for secret in &row.secrets {
        let mut columns = secret.write();
        row.state.write("state", &mut columns);
        on.upsert("session_secrets", &[], columns).await?;
    }
    Ok(())
}
