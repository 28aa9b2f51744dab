//! Opens the database: whether it keeps what it confirms, whose the schema is, its tables.

use std::time::Duration;

use connector_state::StoreError;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;

use super::Inner;
use super::fault::{DbFault, DbResult};
use super::options::Address;
use super::schema::STEPS;
use super::session::Session;
use super::tls::Tls;

/// How long it is waited for a connection that is used by others, or that has to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may be silent on the network.
const SILENT: Duration = Duration::from_secs(15);
/// The oldest server that is supported, as it tells its version.
const OLDEST: i32 = 150_000;

/// Connections to the database, made when they are needed.
///
/// # Errors
/// [`StoreError::Unavailable`] when the certificates cannot be read.
pub fn pool(address: &Address) -> Result<Pool, StoreError> {
    let mut config = address.config.clone();
    config.application_name("connector-host").connect_timeout(CONNECT).tcp_user_timeout(SILENT);
    config.keepalives(true).keepalives_idle(SILENT);
    let manages = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match config.get_ssl_mode() {
        SslMode::Disable => Manager::from_config(config, NoTls, manages),
        _ => Manager::from_config(config, Tls::of(address)?, manages),
    };
    // Nothing that a host asks for takes so long; a lock that it waits for longer for is one of
    // somebody who hangs.
    let session = format!(
        "SET search_path = \"{}\"; SET statement_timeout = '60s'; SET lock_timeout = '15s';
         SET idle_in_transaction_session_timeout = '60s'; SET jit = off;
         SET client_min_messages = warning",
        address.schema
    );
    let begin = Hook::async_fn(move |client, _| {
        let session = session.clone();
        Box::pin(async move { client.batch_execute(&session).await.map_err(HookError::Backend) })
    });
    Pool::builder(manager)
        .max_size(address.connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECT))
        .create_timeout(Some(CONNECT))
        .recycle_timeout(Some(CONNECT))
        .post_create(begin)
        .build()
        .map_err(|why| StoreError::Unavailable {
            path: address.place.clone(),
            why: why.to_string(),
        })
}

/// Checks the server, and makes or changes the tables.
///
/// # Errors
/// Those of [`super::Postgres::open`].
pub async fn prepare(inner: &std::sync::Arc<Inner>) -> Result<(), StoreError> {
    let checked = async {
        let session = Session::take(inner).await?;
        check_server(&session).await?;
        session.now().await?;
        let found = version(&session, &inner.schema).await?;
        is_known(found, session.place())
    };
    if checked.await.map_err(|fault: DbFault| fault.of(&inner.place))? {
        return Ok(());
    }
    super::session::transact(inner, &inner.schema, |on, schema| Box::pin(migrate(on, schema))).await
}

/// Whether nothing has to be done to a schema of this version.
fn is_known(found: usize, place: &str) -> DbResult<bool> {
    let known = STEPS.len();
    if found > known {
        let number = |version| u32::try_from(version).unwrap_or(u32::MAX);
        let path = place.to_owned();
        let error = StoreError::TooNew { path, found: number(found), known: number(known) };
        return Err(error.into());
    }
    Ok(found == known)
}

/// A server that forgets what it confirmed, when its power fails, is refused.
async fn check_server(on: &Session) -> DbResult<()> {
    let setting = "SELECT coalesce(current_setting($1, true), '')";
    let refused =
        |why: String| Err(StoreError::Unavailable { path: on.place().to_owned(), why }.into());
    let version: String = on.value(setting, &[&"server_version_num"]).await?.unwrap_or_default();
    if version.parse::<i32>().is_ok_and(|version| version < OLDEST) {
        return refused(format!(
            "its server has version {}, and 15 is the oldest that is supported; update it",
            version.parse::<i32>().unwrap_or_default() / 10_000
        ));
    }
    for (name, fix) in [
        ("fsync", "set fsync = on in its postgresql.conf"),
        ("full_page_writes", "set full_page_writes = on in its postgresql.conf"),
        ("synchronous_commit", "run: ALTER ROLE ... SET synchronous_commit = on"),
    ] {
        let value: String = on.value(setting, &[&name]).await?.unwrap_or_default();
        if value == "off" {
            return refused(format!(
                "its server has {name} = off, and would lose what it confirmed when its power fails; {fix}"
            ));
        }
    }
    let replica: bool = on.value("SELECT pg_is_in_recovery()", &[]).await?.unwrap_or_default();
    if replica {
        return refused("its server is a replica, which lags behind; name the primary".to_owned());
    }
    let encoding: String = on.value(setting, &[&"server_encoding"]).await?.unwrap_or_default();
    if encoding != "UTF8" {
        return refused(format!(
            "the database is of encoding {encoding}; make one with: createdb --encoding UTF8 --template template0"
        ));
    }
    Ok(())
}

/// How many steps the schema has made; 0 where there is none.
async fn version(on: &Session, schema: &str) -> DbResult<usize> {
    // One statement, because another host may be making the tables.
    let there = "SELECT count(*), coalesce(bool_or(c.relname = 'state_version'), false)
                 FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1";
    let found = on.rows(there, &[&schema]).await?;
    let Some(row) = found.first() else { return Ok(0) };
    match (row.try_get::<_, i64>(0)?, row.try_get::<_, bool>(1)?) {
        (_, true) => {
            let made: Option<i64> = on.value("SELECT version FROM state_version", &[]).await?;
            Ok(made.and_then(|made| usize::try_from(made).ok()).unwrap_or_default())
        }
        (0, false) => Ok(0),
        (_, false) => {
            let why = "its schema is of another program; give another one by ?schema=NAME";
            let path = on.place().to_owned();
            Err(StoreError::Corrupt { path, why: why.to_owned() }.into())
        }
    }
}

/// Of many hosts that begin at once, one does this.
async fn migrate(on: &Session, schema: &str) -> DbResult<()> {
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('connector-host ' || $1, 0))";
    on.rows(lock, &[&schema]).await?;
    let found = version(on, schema).await?;
    if is_known(found, on.place())? {
        return Ok(());
    }
    if found == 0 {
        let there = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
        if on.value::<i32>(there, &[&schema]).await?.is_none() {
            on.batch(&format!("CREATE SCHEMA \"{schema}\"")).await?;
        }
        on.batch(
            "CREATE TABLE state_version (
                 one boolean PRIMARY KEY DEFAULT true CHECK (one),
                 version bigint NOT NULL
             ); INSERT INTO state_version (version) VALUES (0)",
        )
        .await?;
    }
    for step in STEPS.iter().skip(found) {
        for tables in *step {
            on.batch(tables).await?;
        }
    }
    let made = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    on.run("UPDATE state_version SET version = $1", &[&made]).await.map(drop)
}

/// Reads every table from end to end.
pub async fn check(on: &Session) -> DbResult<()> {
    let sql = "SELECT quote_ident(c.relname) FROM pg_class AS c
               WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY 1";
    // As long as it takes.
    on.batch("SET LOCAL statement_timeout = 0").await?;
    for table in on.values::<String>(sql, &[]).await? {
        // Every value is read, also those that lie beside the row.
        on.batch(&format!("SELECT sum(length(t::text)) FROM {table} AS t")).await?;
    }
    Ok(())
}
