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
use super::schema::{APPLICATION, OLDEST, STEPS, TABLES, VERSION};

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
/// takes on macOS). Ids come in no order, so 32 MiB of pages are kept at hand ([`super::checkpoints`]
/// takes the log into the file).
const WRITING: &str = "
PRAGMA cache_size = -32768;
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
PRAGMA checkpoint_fullfsync = ON;
";

/// Opens the file for writing. Makes it, and the directory that it is in; makes its tables.
///
/// # Errors
/// [`StoreError::TooNew`], [`StoreError::TooOld`], [`StoreError::Corrupt`], all with the file as it was;
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

/// Opens a file that is there, for taking the log beside it into it.
///
/// # Errors
/// When SQLite cannot.
pub fn for_checkpoints(path: &Path) -> DbResult<Connection> {
    // It waits for nobody: what it leaves is taken the next time.
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, Duration::ZERO)?;
    connection.execute_batch(ALWAYS)?;
    connection.execute_batch(WRITING)?;
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
    make_tables(&mut connection, shown)?;
    connection.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags, busy: Duration) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan that could depend on what is bound would be made anew whenever that changes.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
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
    let (path, known) = (path.to_owned(), VERSION);
    match found {
        0 | OLDEST..=VERSION => Ok(()),
        older if older < OLDEST => Err(StoreError::TooOld { path, found, known }),
        _ => Err(StoreError::TooNew { path, found, known }),
    }
}

fn version(connection: &Connection) -> Result<u32, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", (), |row| row.get(0))
}

/// Reads every page of the file and checks that they fit together: what opening does not do.
///
/// # Errors
/// [`StoreError::Corrupt`] with what does not fit.
pub fn check_pages(connection: &Connection, path: &str) -> DbResult<()> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Corrupt { path: path.to_owned(), why: found }.into()),
    }
}

/// Copies a file that is open into a new one that is this user's alone.
///
/// # Errors
/// [`StoreError::Unavailable`], with no file made.
pub fn copy(from: &Connection, to: &Path) -> Result<(), StoreError> {
    let unavailable = |why: String| StoreError::Unavailable { path: to.display().to_string(), why };
    // A log of another database beside it would be taken for its own.
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut there = to.as_os_str().to_owned();
        there.push(end);
        if Path::new(&there).symlink_metadata().is_ok() {
            let there = Path::new(&there).display();
            return Err(unavailable(format!("{there} is there already; move it away")));
        }
    }
    let written = || -> Result<(), String> {
        files::make(to).map_err(|why| why.to_string())?;
        let name = to.to_str().ok_or("its name is no text")?;
        from.execute("VACUUM INTO ?", [name]).map_err(|why| why.to_string())?;
        // The copy is on the disk before anybody counts on it.
        std::fs::File::open(to).and_then(|file| file.sync_all()).map_err(|why| why.to_string())
    };
    written().map_err(|why| {
        let _ = std::fs::remove_file(to);
        unavailable(why)
    })
}

/// Makes the file `to` from the copy `from`, which is checked.
///
/// # Errors
/// Those of [`for_writing`] for `from`; [`StoreError::Unavailable`] when `to` is there already.
pub fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
    let shown = from.display().to_string();
    let checked = || -> DbResult<Connection> {
        let connection = open(from, OpenFlags::SQLITE_OPEN_READ_ONLY, Duration::ZERO)?;
        check_owner(&connection, &shown)?;
        let found = version(&connection)?;
        check_version(found, &shown)?;
        if found == 0 {
            let why = "it is empty".to_owned();
            return Err(StoreError::Corrupt { path: shown.clone(), why }.into());
        }
        check_pages(&connection, &shown)?;
        Ok(connection)
    };
    let connection = checked().map_err(|fault| fault.of(&shown))?;
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    let made = files::directory(directory.unwrap_or(Path::new(".")));
    made.map_err(|why| StoreError::Unavailable {
        path: to.display().to_string(),
        why: why.to_string(),
    })?;
    copy(&connection, to)
}

/// The mark goes into the file with the tables, so no file of ours is ever without it.
fn make_tables(connection: &mut Connection, path: &str) -> DbResult<()> {
    if version(connection)? == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster, with this version or a newer one.
    let found = version(&transaction)?;
    check_version(found, path)?;
    if found == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        TABLES.iter().try_for_each(|tables| transaction.execute_batch(tables))?;
    } else {
        let steps = (OLDEST..).zip(STEPS).filter(|(from, _)| *from >= found);
        for sql in steps.flat_map(|(_, step)| step) {
            transaction.execute_batch(sql)?;
        }
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}
