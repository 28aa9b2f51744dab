//! Opens the file: whose it is, what it is, how it is written.

#[cfg(unix)]
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use connector_state::{StoreError, files};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::fault::DbResult;
use super::schema::{APPLICATION, STEPS};

/// Statements that stay prepared: more than there are that run often.
const STATEMENTS: usize = 128;

/// Every connection: deleted content is overwritten, and what others may have put into the
/// schema is not run.
const ALWAYS: &str = "
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = ON;
PRAGMA trusted_schema = OFF;
";

/// The one that writes: a commit is on the disk before it is answered (`fullfsync` is what that
/// takes on macOS). Ids come in no order, so 16 MiB of pages are kept at hand.
const WRITING: &str = "
PRAGMA cache_size = -16384;
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
PRAGMA checkpoint_fullfsync = ON;
";

/// Opens the file for writing. Makes it, and the directory that it is in; brings its schema up
/// to date.
///
/// # Errors
/// [`StoreError::TooNew`], [`StoreError::Corrupt`], both with the file as it was;
/// [`StoreError::Unavailable`].
pub fn for_writing(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    let shown = path.display().to_string();
    let private = || {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = files::directory(directory.unwrap_or(Path::new(".")))?;
        let turn = turn(&directory)?;
        files::make(path)?;
        files::nobody_else_writes(path)?;
        Ok(turn)
    };
    let turn = private().map_err(|why: io::Error| StoreError::Unavailable {
        path: shown.clone(),
        why: why.to_string(),
    })?;
    let connection = ready(path, &shown, busy).map_err(|fault| fault.of(&shown));
    drop(turn);
    connection
}

/// Those who open files in a directory do so one after the other: a file that two make at once
/// may be busy in a way for which SQLite does not wait. The lock is on the directory, because
/// closing the file itself would end SQLite's own locks (its "How To Corrupt", section 2.2).
#[cfg(unix)]
fn turn(directory: &Path) -> io::Result<File> {
    let turn = File::open(directory)?;
    match turn.lock() {
        Err(why) if why.kind() != io::ErrorKind::Unsupported => Err(why),
        _ => Ok(turn),
    }
}

/// Directories cannot be locked here.
#[cfg(not(unix))]
fn turn(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens a file that is there, for reading.
///
/// # Errors
/// When SQLite cannot.
pub fn for_reading(path: &Path, busy: Duration) -> DbResult<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, busy)?;
    connection.execute_batch(ALWAYS)?;
    Ok(connection)
}

fn ready(path: &Path, shown: &str, busy: Duration) -> DbResult<Connection> {
    let mut connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, busy)?;
    // Until the file is known for ours, closing it writes nothing.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    check_owner(&connection, shown)?;
    check_version(version(&connection)?, shown)?;
    connection.execute_batch(ALWAYS)?;
    connection.execute_batch(WRITING)?;
    check_pages(&connection, shown, WHOLE)?;
    migrate(&mut connection, shown)?;
    connection.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags, busy: Duration) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(busy)?;
    Ok(connection)
}

/// Whether the file is ours, or nobody's yet.
fn check_owner(connection: &Connection, path: &str) -> DbResult<()> {
    let number = |sql| connection.query_row(sql, (), |row| row.get::<_, u32>(0));
    if number("PRAGMA application_id")? == APPLICATION || number("PRAGMA page_count")? == 0 {
        return Ok(());
    }
    let why = "it is a database of another program".to_owned();
    Err(StoreError::Corrupt { path: path.to_owned(), why }.into())
}

fn check_version(found: u32, path: &str) -> Result<(), StoreError> {
    let known = u32::try_from(STEPS.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::TooNew { path: path.to_owned(), found, known });
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<u32, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", (), |row| row.get(0))
}

/// A file larger than this is checked without the tables of [`LARGE`]: damage in those is noticed
/// when it is read.
const WHOLE: u64 = 256 << 20;

/// Tables that grow with the mirror.
const LARGE: &str = "'mirror_records', 'mirror_changes', 'mirror_seen'";

fn check_pages(connection: &Connection, path: &str, whole: u64) -> DbResult<()> {
    let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let bytes: i64 = connection.query_row(sql, (), |row| row.get(0))?;
    let checks = match u64::try_from(bytes).is_ok_and(|bytes| bytes <= whole) {
        true => vec!["PRAGMA quick_check(1)".to_owned()],
        false => {
            let mut tables = connection.prepare(&format!(
                "SELECT format('PRAGMA quick_check(%Q)', name) FROM sqlite_schema
                 WHERE type = 'table' AND name NOT IN ({LARGE})"
            ))?;
            tables.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?
        }
    };
    for check in checks {
        let found: String = connection.query_row(&check, (), |row| row.get(0))?;
        if found != "ok" {
            return Err(StoreError::Corrupt { path: path.to_owned(), why: found }.into());
        }
    }
    Ok(())
}

/// The mark goes into the file with the first step, so no file of ours is ever without it.
fn migrate(connection: &mut Connection, path: &str) -> DbResult<()> {
    if version(connection)? as usize == STEPS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster, with this version or a newer one.
    let found = version(&transaction)?;
    check_version(found, path)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    for (reached, step) in (1_u32..).zip(STEPS).skip(found as usize) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", reached)?;
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use connector_state::scratch::Scratch;

    use super::*;

    #[test]
    fn a_large_file_is_checked_where_it_is_small() {
        let damaged = |table: &str| {
            let scratch = Scratch::new();
            let path = scratch.path().join("state.db");
            drop(for_writing(&path, Duration::ZERO).unwrap());
            let on = for_reading(&path, Duration::ZERO).unwrap();
            let sql = "SELECT (rootpage - 1) * page_size, page_size
                       FROM sqlite_schema, pragma_page_size WHERE name = ?";
            let (at, size): (u32, u32) =
                on.query_row(sql, [table], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            drop(on);
            let mut content = std::fs::read(&path).unwrap();
            content[at as usize..(at + size) as usize].fill(0xA5);
            std::fs::write(&path, content).unwrap();
            let on = for_reading(&path, Duration::ZERO).unwrap();
            let is_damaged = |whole| {
                let checked = check_pages(&on, "state.db", whole).map_err(|why| why.of("state.db"));
                matches!(checked, Err(StoreError::Corrupt { .. }))
            };
            (is_damaged(WHOLE), is_damaged(0))
        };
        assert_eq!(damaged("mirror_records"), (true, false));
        assert_eq!(damaged("grants"), (true, true));
    }
}
