//! The rows of [`connector_state`] as rows of SQLite, and back. The columns are in [`super::schema`].

use std::collections::BTreeMap;

use connector_state::{
    ConnectionRow, GrantRow, GrantState, Lease, PreviousTokens, Sealed, SecretRow, SessionRow,
};
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension as _, Row, named_params};
use serde::Serialize;
use serde::de::DeserializeOwned;

type Result<T> = std::result::Result<T, Error>;

/// Every connection, by name.
pub fn connections(on: &Connection) -> Result<Vec<ConnectionRow>> {
    let mut statement = on.prepare("SELECT * FROM connections ORDER BY name")?;
    statement.query_map((), connection_of)?.collect()
}

/// The connection of this name.
pub fn connection(on: &Connection, name: &str) -> Result<Option<ConnectionRow>> {
    let sql = "SELECT * FROM connections WHERE name = ?";
    on.query_row(sql, [name], connection_of).optional()
}

/// Versions of a connection's secrets that have not ended at `now_ms`, newest first.
pub fn secrets(on: &Connection, connection: &str, now_ms: u64) -> Result<Vec<SecretRow>> {
    let mut statement = on.prepare(
        "SELECT * FROM secrets WHERE connection = ? AND (ends_ms IS NULL OR ends_ms > ?)
         ORDER BY name, version DESC",
    )?;
    statement.query_map((connection, signed(now_ms)), secret_of)?.collect()
}

/// All versions of one secret, newest first.
pub fn versions(on: &Connection, connection: &str, name: &str) -> Result<Vec<SecretRow>> {
    let mut statement = on
        .prepare("SELECT * FROM secrets WHERE connection = ? AND name = ? ORDER BY version DESC")?;
    statement.query_map((connection, name), secret_of)?.collect()
}

/// Adds or replaces a version.
pub fn put_secret(on: &Connection, row: &SecretRow) -> Result<()> {
    on.execute(
        "REPLACE INTO secrets (connection, name, version, sealed, made_ms, ends_ms)
         VALUES (:connection, :name, :version, :sealed, :made_ms, :ends_ms)",
        named_params! {
            ":connection": row.connection,
            ":name": row.name,
            ":version": row.version,
            ":sealed": row.sealed.0,
            ":made_ms": signed(row.made_ms),
            ":ends_ms": row.ends_ms.map(signed),
        },
    )?;
    Ok(())
}

/// The grant of a connection.
pub fn grant(on: &Connection, connection: &str) -> Result<Option<GrantRow>> {
    let sql = "SELECT * FROM grants WHERE connection = ?";
    on.query_row(sql, [connection], grant_of).optional()
}

/// Adds or replaces a grant.
pub fn put_grant(on: &Connection, row: &GrantRow) -> Result<()> {
    on.execute(
        "REPLACE INTO grants (connection, epoch, state, sends, lease_attempt, lease_until_ms,
             sealed_tokens, received_ms, expires_ms, scopes, learned, retry_ms, failures,
             sealed_previous, previous_until_ms)
         VALUES (:connection, :epoch, :state, :sends, :lease_attempt, :lease_until_ms,
             :sealed_tokens, :received_ms, :expires_ms, :scopes, :learned, :retry_ms, :failures,
             :sealed_previous, :previous_until_ms)",
        named_params! {
            ":connection": row.connection,
            ":epoch": signed(row.epoch),
            ":state": word(row.state),
            ":sends": row.sends,
            ":lease_attempt": row.lease.as_ref().map(|lease| &lease.attempt),
            ":lease_until_ms": row.lease.as_ref().map(|lease| signed(lease.until_ms)),
            ":sealed_tokens": row.sealed_tokens.0,
            ":received_ms": signed(row.received_ms),
            ":expires_ms": row.expires_ms.map(signed),
            ":scopes": json(&row.scopes)?,
            ":learned": json(&row.learned)?,
            ":retry_ms": row.retry_ms.map(signed),
            ":failures": row.failures,
            ":sealed_previous": row.previous.as_ref().map(|previous| &previous.sealed.0),
            ":previous_until_ms": row.previous.as_ref().map(|previous| signed(previous.until_ms)),
        },
    )?;
    Ok(())
}

/// The session with this digest.
pub fn session(on: &Connection, state: &[u8; 32]) -> Result<Option<SessionRow>> {
    let sql = "SELECT * FROM session_secrets WHERE state = ? ORDER BY name, version DESC";
    let mut statement = on.prepare(sql)?;
    let secrets = statement.query_map([state], secret_of)?.collect::<Result<Vec<_>>>()?;
    let sql = "SELECT * FROM sessions WHERE state = ?";
    let found = on.query_row(sql, [state], session_of).optional()?;
    Ok(found.map(|session| SessionRow { secrets, ..session }))
}

/// Adds or replaces a session.
pub fn put_session(on: &Connection, row: &SessionRow) -> Result<()> {
    let connection = &row.connection;
    on.execute("DELETE FROM sessions WHERE state = ?", [&row.state])?;
    on.execute(
        "INSERT INTO sessions (state, connection_id, connection_name, connector, scheme, settings,
             sealed_key, connection_made_ms, sealed_verifier, session, made_ms, ends_ms)
         VALUES (:state, :connection_id, :connection_name, :connector, :scheme, :settings,
             :sealed_key, :connection_made_ms, :sealed_verifier, :session, :made_ms, :ends_ms)",
        named_params! {
            ":state": row.state,
            ":connection_id": connection.id,
            ":connection_name": connection.name,
            ":connector": connection.connector,
            ":scheme": connection.scheme,
            ":settings": json(&connection.settings)?,
            ":sealed_key": connection.sealed_key.0,
            ":connection_made_ms": signed(connection.made_ms),
            ":sealed_verifier": row.sealed_verifier.0,
            ":session": row.session,
            ":made_ms": signed(row.made_ms),
            ":ends_ms": signed(row.ends_ms),
        },
    )?;
    for secret in &row.secrets {
        on.execute(
            "INSERT INTO session_secrets (state, connection, name, version, sealed, made_ms, ends_ms)
             VALUES (:state, :connection, :name, :version, :sealed, :made_ms, :ends_ms)",
            named_params! {
                ":state": row.state,
                ":connection": secret.connection,
                ":name": secret.name,
                ":version": secret.version,
                ":sealed": secret.sealed.0,
                ":made_ms": signed(secret.made_ms),
                ":ends_ms": secret.ends_ms.map(signed),
            },
        )?;
    }
    Ok(())
}

fn connection_of(row: &Row<'_>) -> Result<ConnectionRow> {
    Ok(ConnectionRow {
        id: row.get("id")?,
        name: row.get("name")?,
        connector: row.get("connector")?,
        scheme: row.get("scheme")?,
        settings: from_json(row, "settings")?,
        sealed_key: Sealed(row.get("sealed_key")?),
        made_ms: unsigned(row, "made_ms")?,
    })
}

fn secret_of(row: &Row<'_>) -> Result<SecretRow> {
    Ok(SecretRow {
        connection: row.get("connection")?,
        name: row.get("name")?,
        version: row.get("version")?,
        sealed: Sealed(row.get("sealed")?),
        made_ms: unsigned(row, "made_ms")?,
        ends_ms: maybe_unsigned(row, "ends_ms")?,
    })
}

fn grant_of(row: &Row<'_>) -> Result<GrantRow> {
    let lease = match (row.get("lease_attempt")?, maybe_unsigned(row, "lease_until_ms")?) {
        (Some(attempt), Some(until_ms)) => Some(Lease { attempt, until_ms }),
        _ => None,
    };
    let previous = match (row.get("sealed_previous")?, maybe_unsigned(row, "previous_until_ms")?) {
        (Some(sealed), Some(until_ms)) => Some(PreviousTokens { sealed: Sealed(sealed), until_ms }),
        _ => None,
    };
    Ok(GrantRow {
        connection: row.get("connection")?,
        epoch: unsigned(row, "epoch")?,
        state: state(row)?,
        sends: row.get("sends")?,
        lease,
        sealed_tokens: Sealed(row.get("sealed_tokens")?),
        received_ms: unsigned(row, "received_ms")?,
        expires_ms: maybe_unsigned(row, "expires_ms")?,
        scopes: from_json(row, "scopes")?,
        learned: from_json(row, "learned")?,
        retry_ms: maybe_unsigned(row, "retry_ms")?,
        failures: row.get("failures")?,
        previous,
    })
}

fn session_of(row: &Row<'_>) -> Result<SessionRow> {
    Ok(SessionRow {
        state: row.get("state")?,
        connection: ConnectionRow {
            id: row.get("connection_id")?,
            name: row.get("connection_name")?,
            connector: row.get("connector")?,
            scheme: row.get("scheme")?,
            settings: from_json::<BTreeMap<_, _>>(row, "settings")?,
            sealed_key: Sealed(row.get("sealed_key")?),
            made_ms: unsigned(row, "connection_made_ms")?,
        },
        secrets: vec![],
        sealed_verifier: Sealed(row.get("sealed_verifier")?),
        session: row.get("session")?,
        made_ms: unsigned(row, "made_ms")?,
        ends_ms: unsigned(row, "ends_ms")?,
    })
}

fn word(state: GrantState) -> &'static str {
    match state {
        GrantState::Valid => "valid",
        GrantState::Renewing => "renewing",
        GrantState::Uncertain => "uncertain",
        GrantState::Ended => "ended",
    }
}

fn state(row: &Row<'_>) -> Result<GrantState> {
    let found: String = row.get("state")?;
    let all = [GrantState::Valid, GrantState::Renewing, GrantState::Uncertain, GrantState::Ended];
    let state = all.into_iter().find(|state| word(*state) == found);
    state.ok_or_else(|| odd(row, "state", format!("\"{found}\" is no state of a grant").into()))
}

/// SQLite's integers end at 2^63 - 1: as milliseconds, in 292 million years.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads what [`signed`] wrote.
pub fn unsigned(row: &Row<'_>, column: &str) -> Result<u64> {
    let found: i64 = row.get(column)?;
    u64::try_from(found).map_err(|why| odd(row, column, why.into()))
}

/// As [`unsigned`], of a column that may be null.
pub fn maybe_unsigned(row: &Row<'_>, column: &str) -> Result<Option<u64>> {
    let found: Option<i64> = row.get(column)?;
    let number = found.map(u64::try_from).transpose();
    number.map_err(|why| odd(row, column, why.into()))
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
