//! [`Access`] in the same file.

use connector_state::access::plan::{KeptWrite, begin, end, lease, link, token};
use connector_state::access::{
    Access, AddedToken, EndedWrite, LINKS, LinkRow, NewLink, NewToken, NewWrite, ReadCount,
    StoredAnswer, TOKENS, TokenRow, WriteKey, WriteRow, WriteStart,
};
use connector_state::retention;
use rusqlite::{Connection, Result, Row};

use super::columns::{Column, columns, one, prepared, put_one, run, signed, value};
use super::fault::{DbFault, DbResult};
use super::{Answer, Sqlite, rows};

/// Tokens, writes with their answers, counts of reads, links. What is secret is there as its digest.
pub const TABLES: &str = "
CREATE TABLE tokens (
    name TEXT NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    scope TEXT NOT NULL CHECK (scope = 'read' OR scope = 'write' OR scope = 'admin'),
    connections TEXT,
    made_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    revoked_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_end ON tokens (until_ms);

CREATE TABLE writes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    caller TEXT NOT NULL,
    action TEXT NOT NULL,
    connection TEXT,
    target TEXT NOT NULL,
    outcome TEXT,
    key BLOB,
    request BLOB,
    lease_attempt TEXT,
    lease_until_ms INTEGER
) STRICT;
CREATE INDEX writes_by_time ON writes (at_ms);
CREATE UNIQUE INDEX writes_by_key ON writes (caller, key) WHERE key IS NOT NULL;
CREATE INDEX writes_with_key ON writes (at_ms) WHERE key IS NOT NULL;

CREATE TABLE write_answers (
    number INTEGER PRIMARY KEY REFERENCES writes (number) ON DELETE CASCADE,
    connection TEXT REFERENCES connections (id) ON DELETE CASCADE,
    status INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX write_answers_of ON write_answers (connection);

CREATE TABLE reads (
    minute INTEGER NOT NULL,
    caller TEXT NOT NULL,
    reads INTEGER NOT NULL,
    PRIMARY KEY (minute, caller)
) STRICT, WITHOUT ROWID;

CREATE TABLE links (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    scheme TEXT NOT NULL,
    scopes TEXT NOT NULL,
    label TEXT,
    caller TEXT NOT NULL,
    return_to TEXT,
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX links_of ON links (connection, until_ms);
CREATE INDEX links_by_end ON links (until_ms);
";

columns!(TokenRow [] { name, digest, scope, connections, made_ms, until_ms, revoked_ms });
columns!(WriteRow [] { number, at_ms, caller, action, connection, target, outcome });
columns!(ReadCount [] { minute, caller, reads });
columns!(LinkRow [] { digest, connection, scheme, scopes, label, caller, return_to, until_ms });

const LINK: &str = "SELECT * FROM links WHERE digest = ? AND until_ms > ?";

impl Access for Sqlite {
    fn add_token(&self, new: NewToken) -> Answer<'_, AddedToken> {
        self.write(move |on, now_ms| {
            let sql = "SELECT 1 FROM tokens WHERE name = ?";
            if value::<u32>(on, sql, [&new.name])?.is_some() {
                return Ok(AddedToken::NameTaken);
            }
            let all: u64 = value(on, "SELECT count(*) FROM tokens", ())?.unwrap_or_default();
            if all >= TOKENS {
                return Ok(AddedToken::Full);
            }
            put_one(on, "INSERT INTO tokens", &token(new, now_ms))?;
            Ok::<_, DbFault>(AddedToken::Added)
        })
    }

    fn find_token(&self, digest: [u8; 32]) -> Answer<'_, Option<TokenRow>> {
        let sql = "SELECT * FROM tokens WHERE digest = ? AND until_ms > ?";
        self.one(sql, (digest, signed(self.clock.now_ms())))
    }

    fn list_tokens(&self) -> Answer<'_, Vec<TokenRow>> {
        self.all("SELECT * FROM tokens ORDER BY name", ())
    }

    fn revoke_token(&self, name: &str) -> Answer<'_, bool> {
        let name = name.to_owned();
        self.write(move |on, now_ms| {
            let sql = "UPDATE tokens SET until_ms = ?1, revoked_ms = ?1
                       WHERE name = ?2 AND until_ms > ?1";
            Ok::<_, DbFault>(run(on, sql, (signed(now_ms), name))? > 0)
        })
    }

    fn begin_write(&self, write: NewWrite) -> Answer<'_, WriteStart> {
        self.write(move |on, now_ms| start(on, &write, now_ms))
    }

    fn end_write(&self, ended: EndedWrite) -> Answer<'_, ()> {
        self.write(move |on, _| finish(on, ended))
    }

    fn list_writes(&self, before: Option<u64>, limit: u32) -> Answer<'_, Vec<WriteRow>> {
        let sql = "SELECT * FROM writes WHERE number < ? ORDER BY number DESC LIMIT ?";
        self.all(sql, (before.map_or(i64::MAX, signed), limit))
    }

    fn count_reads(&self, reads: Vec<ReadCount>) -> Answer<'_, ()> {
        self.write(move |on, _| {
            let sql = "INSERT INTO reads (minute, caller, reads) VALUES (?, ?, ?)
                       ON CONFLICT DO UPDATE SET reads = reads + excluded.reads";
            for read in reads {
                run(on, sql, (signed(read.minute), read.caller, signed(read.reads)))?;
            }
            Ok::<_, DbFault>(())
        })
    }

    fn list_reads(&self, since_minute: u64) -> Answer<'_, Vec<ReadCount>> {
        let sql = "SELECT * FROM reads WHERE minute >= ? ORDER BY minute, caller";
        self.all(sql, [signed(since_minute)])
    }

    fn put_link(&self, new: NewLink) -> Answer<'_, ()> {
        self.write(move |on, now_ms| put_link(on, new, now_ms))
    }

    fn find_link(&self, digest: [u8; 32]) -> Answer<'_, Option<LinkRow>> {
        self.one(LINK, (digest, signed(self.clock.now_ms())))
    }

    fn take_link(&self, digest: [u8; 32]) -> Answer<'_, Option<LinkRow>> {
        self.write(move |on, now_ms| {
            let found = one(on, LINK, (digest, signed(now_ms)))?;
            run(on, "DELETE FROM links WHERE digest = ?", [digest])?;
            Ok::<_, DbFault>(found)
        })
    }
}

fn start(on: &Connection, write: &NewWrite, now_ms: u64) -> DbResult<WriteStart> {
    let lease = lease(write, now_ms);
    let (attempt, until_ms) = (&lease.attempt, signed(lease.until_ms));
    let key = write.key.as_ref();
    if let Some(key) = key {
        let sql = "SELECT w.*, a.status, a.sealed FROM writes AS w
                       LEFT JOIN write_answers AS a USING (number) WHERE caller = ? AND key = ?";
        let found = prepared(on, sql)?.query_row((&write.caller, key.key), kept);
        if let Some(kept) = rusqlite::OptionalExtension::optional(found)? {
            let start = begin(&kept, write, now_ms);
            if let WriteStart::Go { number, .. } = start {
                let sql =
                    "UPDATE writes SET lease_attempt = ?, lease_until_ms = ? WHERE number = ?";
                run(on, sql, (attempt, until_ms, signed(number)))?;
            }
            return Ok(start);
        }
    }
    let sql = "INSERT INTO writes (at_ms, caller, action, connection, target, key, request,
                   lease_attempt, lease_until_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number";
    let NewWrite { caller, action, connection, target, .. } = write;
    let (request, key) = (key.map(|key| key.request), key.map(|key| key.key));
    let of = (signed(now_ms), caller, action, connection, target, key, request, attempt, until_ms);
    let number = value(on, sql, of)?.unwrap_or_default();
    Ok(WriteStart::Go { number, is_again: false })
}

fn kept(row: &Row<'_>) -> Result<KeptWrite> {
    let key = Option::<[u8; 32]>::read(row, "key")?;
    let request = Option::<[u8; 32]>::read(row, "request")?;
    let status = Option::<u32>::read(row, "status")?;
    let sealed = Column::read(row, "sealed")?;
    Ok(KeptWrite {
        number: Column::read(row, "number")?,
        key: key.zip(request).map(|(key, request)| WriteKey { key, request }),
        lease: Column::read(row, "lease")?,
        outcome: Column::read(row, "outcome")?,
        answer: status.zip(sealed).map(|(status, sealed)| StoredAnswer { status, sealed }),
    })
}

fn finish(on: &Connection, ended: EndedWrite) -> DbResult<()> {
    let sql = "SELECT *, NULL AS status, NULL AS sealed FROM writes WHERE number = ?";
    let found = prepared(on, sql)?.query_row([signed(ended.number)], kept);
    let found = rusqlite::OptionalExtension::optional(found)?;
    let target = ended.target.clone();
    let Some(ended) = found.and_then(|kept| end(kept, ended)) else { return Ok(()) };
    let sql = "UPDATE writes SET outcome = ?, target = coalesce(?, target), key = ?, request = ?,
                   lease_attempt = NULL, lease_until_ms = NULL WHERE number = ?";
    let (key, number) = (ended.key.as_ref(), signed(ended.number));
    let of = (ended.outcome, target, key.map(|key| key.key), key.map(|key| key.request), number);
    run(on, sql, of)?;
    if let Some(answer) = ended.answer {
        let sql = "INSERT INTO write_answers (number, connection, status, sealed)
                   SELECT number, connection, ?, ? FROM writes AS w WHERE number = ? AND
                       (connection IS NULL OR EXISTS (SELECT 1 FROM connections WHERE id = w.connection))";
        run(on, sql, (answer.status, answer.sealed.0, number))?;
    }
    Ok(())
}

fn put_link(on: &Connection, new: NewLink, now_ms: u64) -> DbResult<()> {
    rows::must_exist(on, &new.connection)?;
    let sql = "DELETE FROM links WHERE digest IN
                   (SELECT digest FROM links WHERE connection = ?1 AND until_ms > ?2
                    ORDER BY until_ms DESC LIMIT -1 OFFSET ?3)";
    run(on, sql, (&new.connection, signed(now_ms), signed(LINKS - 1)))?;
    put_one(on, "REPLACE INTO links", &link(new, now_ms))?;
    Ok(())
}

/// Forgets at most so many rows that are old; answers how many there were.
pub fn forget(on: &Connection, now_ms: u64, limit: usize) -> DbResult<usize> {
    let before = |kept: u64| signed(now_ms.saturating_sub(kept));
    let (writes, answers) = (before(retention::WRITES_MS), before(retention::ANSWERS_MS));
    let steps = [
        ("DELETE FROM tokens WHERE name IN (SELECT name FROM tokens WHERE until_ms < ? LIMIT ?)", writes),
        ("DELETE FROM writes WHERE number IN (SELECT number FROM writes WHERE at_ms < ? LIMIT ?)", writes),
        ("DELETE FROM write_answers WHERE number IN (SELECT w.number FROM writes AS w INDEXED BY writes_with_key
              CROSS JOIN write_answers USING (number) WHERE at_ms < ? AND key IS NOT NULL LIMIT ?)", answers),
        ("UPDATE writes SET key = NULL, request = NULL WHERE number IN
              (SELECT number FROM writes INDEXED BY writes_with_key WHERE at_ms < ? AND key IS NOT NULL LIMIT ?)", answers),
        ("DELETE FROM reads WHERE (minute, caller) IN
              (SELECT minute, caller FROM reads WHERE minute < ? LIMIT ?)",
            before(retention::RATES_MS) / 60_000),
        ("DELETE FROM links WHERE digest IN (SELECT digest FROM links WHERE until_ms <= ? LIMIT ?)",
            before(0)),
    ];
    let mut forgotten = 0;
    for (sql, before) in steps {
        let left = signed(limit.saturating_sub(forgotten) as u64);
        forgotten += run(on, sql, (before, left))?;
    }
    Ok(forgotten)
}
