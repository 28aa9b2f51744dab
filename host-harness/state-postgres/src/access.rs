//! [`Access`] in the same database.

use connector_state::access::plan::{KeptWrite, begin, end, lease, link, token};
use connector_state::access::{
    Access, AddedToken, EndedWrite, LINKS, LinkRow, NewLink, NewToken, NewWrite, ReadCount,
    StoredAnswer, TOKENS, TokenRow, WriteKey, WriteRow, WriteStart,
};
use connector_state::{Answer, retention};
use tokio_postgres::Row;

use super::columns::{Column, Record as _, columns, rows as limited, signed, text, texts};
use super::fault::DbResult;
use super::session::Session;
use super::{Postgres, rows};

/// Tokens, writes with their answers, counts of reads, links. What is secret is there as its digest.
pub const TABLES: &str = r#"
CREATE TABLE tokens (
    name text COLLATE "C" PRIMARY KEY,
    digest bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
    scope text NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    connections text,
    made_ms bigint NOT NULL,
    until_ms bigint NOT NULL,
    revoked_ms bigint
);
CREATE INDEX tokens_by_end ON tokens (until_ms);

CREATE TABLE writes (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms bigint NOT NULL,
    caller text COLLATE "C" NOT NULL,
    action text NOT NULL,
    connection text COLLATE "C",
    target text NOT NULL,
    outcome text,
    key bytea,
    request bytea,
    lease_attempt text,
    lease_until_ms bigint
);
CREATE INDEX writes_by_time ON writes (at_ms);
CREATE UNIQUE INDEX writes_by_key ON writes (caller, key) WHERE key IS NOT NULL;
CREATE INDEX writes_with_key ON writes (at_ms) WHERE key IS NOT NULL;

CREATE TABLE write_answers (
    number bigint PRIMARY KEY REFERENCES writes (number) ON DELETE CASCADE,
    connection text COLLATE "C" REFERENCES connections (id) ON DELETE CASCADE,
    status bigint NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX write_answers_of ON write_answers (connection);

CREATE TABLE reads (
    minute bigint NOT NULL,
    caller text COLLATE "C" NOT NULL,
    reads bigint NOT NULL,
    PRIMARY KEY (minute, caller)
);

CREATE TABLE links (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    connection text COLLATE "C" NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    scheme text NOT NULL,
    scopes text NOT NULL,
    label text,
    caller text NOT NULL,
    return_to text,
    until_ms bigint NOT NULL
);
CREATE INDEX links_of ON links (connection, until_ms);
CREATE INDEX links_by_end ON links (until_ms);
"#;

columns!(TokenRow [] { name, digest, scope, connections, made_ms, until_ms, revoked_ms });
columns!(WriteRow [] { number, at_ms, caller, action, connection, target, outcome });
columns!(ReadCount [] { minute, caller, reads });
columns!(LinkRow [] { digest, connection, scheme, scopes, label, caller, return_to, until_ms });

impl Access for Postgres {
    fn add_token(&self, new: NewToken) -> Answer<'_, AddedToken> {
        self.write(new, |on, new| Box::pin(add_token(on, new)))
    }

    fn find_token(&self, digest: [u8; 32]) -> Answer<'_, Option<TokenRow>> {
        self.read(digest.to_vec(), |on, digest| {
            Box::pin(async move {
                let sql = "SELECT * FROM tokens WHERE digest = $1 AND until_ms > $2";
                on.one(sql, &[digest, &signed(on.now_ms().await?)]).await
            })
        })
    }

    fn list_tokens(&self) -> Answer<'_, Vec<TokenRow>> {
        self.read((), |on, ()| Box::pin(on.all("SELECT * FROM tokens ORDER BY name", &[])))
    }

    fn revoke_token(&self, name: &str) -> Answer<'_, bool> {
        self.write(name.to_owned(), |on, name| {
            Box::pin(async move {
                let sql = "UPDATE tokens SET until_ms = $1, revoked_ms = $1
                           WHERE name = $2 AND until_ms > $1";
                Ok(on.run(sql, &[&signed(on.now_ms().await?), &text(name)]).await? > 0)
            })
        })
    }

    fn begin_write(&self, write: NewWrite) -> Answer<'_, WriteStart> {
        self.write(write, |on, write| Box::pin(start(on, write)))
    }

    fn end_write(&self, ended: EndedWrite) -> Answer<'_, ()> {
        self.write(ended, |on, ended| Box::pin(finish(on, ended)))
    }

    fn list_writes(&self, before: Option<u64>, limit: u32) -> Answer<'_, Vec<WriteRow>> {
        let of = (before.map_or(i64::MAX, signed), i64::from(limit));
        self.read(of, |on, (before, limit)| {
            Box::pin(async move {
                let sql = "SELECT * FROM writes WHERE number < $1 ORDER BY number DESC LIMIT $2";
                on.all(sql, &[before, limit]).await
            })
        })
    }

    fn count_reads(&self, reads: Vec<ReadCount>) -> Answer<'_, ()> {
        self.write(reads, |on, reads| Box::pin(count(on, reads)))
    }

    fn list_reads(&self, since_minute: u64) -> Answer<'_, Vec<ReadCount>> {
        self.read(signed(since_minute), |on, since| {
            Box::pin(async move {
                let sql = "SELECT * FROM reads WHERE minute >= $1 ORDER BY minute, caller";
                on.all(sql, &[since]).await
            })
        })
    }

    fn put_link(&self, link: NewLink) -> Answer<'_, ()> {
        self.write(link, |on, link| Box::pin(put_link(on, link)))
    }

    fn find_link(&self, digest: [u8; 32]) -> Answer<'_, Option<LinkRow>> {
        self.read(digest.to_vec(), |on, digest| {
            Box::pin(async move {
                let sql = "SELECT * FROM links WHERE digest = $1 AND until_ms > $2";
                on.one(sql, &[digest, &signed(on.now_ms().await?)]).await
            })
        })
    }

    fn take_link(&self, digest: [u8; 32]) -> Answer<'_, Option<LinkRow>> {
        self.write(digest.to_vec(), |on, digest| {
            Box::pin(async move {
                let sql = "DELETE FROM links WHERE digest = $1 RETURNING *";
                let found: Option<LinkRow> = on.one(sql, &[digest]).await?;
                let now_ms = on.now_ms().await?;
                Ok(found.filter(|link| now_ms < link.until_ms))
            })
        })
    }
}

async fn add_token(on: &Session, new: &NewToken) -> DbResult<AddedToken> {
    // So that nobody counts what another is about to add.
    on.batch("LOCK TABLE tokens IN SHARE ROW EXCLUSIVE MODE").await?;
    let sql = "SELECT 1 FROM tokens WHERE name = $1";
    if on.value::<i32>(sql, &[&text(&new.name)]).await?.is_some() {
        return Ok(AddedToken::NameTaken);
    }
    let all: Option<i64> = on.value("SELECT count(*) FROM tokens", &[]).await?;
    if all.is_some_and(|all| all >= signed(TOKENS)) {
        return Ok(AddedToken::Full);
    }
    let row = token(new.clone(), on.now_ms().await?);
    on.upsert("tokens", &[], row.write()).await?;
    Ok(AddedToken::Added)
}

async fn start(on: &Session, write: &NewWrite) -> DbResult<WriteStart> {
    let key = write.key.as_ref();
    let caller = text(&write.caller);
    if let Some(key) = key {
        let sql = "SELECT w.*, a.status, a.sealed FROM writes AS w
                       LEFT JOIN write_answers AS a ON a.number = w.number
                   WHERE caller = $1 AND key = $2 FOR UPDATE OF w";
        let found = on.rows(sql, &[&caller, &key.key.to_vec()]).await?;
        if let Some(kept) = found.first().map(kept).transpose()? {
            let now_ms = on.now_ms().await?;
            let start = begin(&kept, write, now_ms);
            if let WriteStart::Go { number, .. } = start {
                let lease = lease(write, now_ms);
                let sql =
                    "UPDATE writes SET lease_attempt = $1, lease_until_ms = $2 WHERE number = $3";
                let of = (text(&lease.attempt), signed(lease.until_ms), signed(number));
                on.run(sql, &[&of.0, &of.1, &of.2]).await?;
            }
            return Ok(start);
        }
    }
    let now_ms = on.now_ms().await?;
    let lease = lease(write, now_ms);
    // Where somebody adds one with this key meanwhile, all of this is done again.
    let sql = "INSERT INTO writes (at_ms, caller, action, connection, target, key, request,
                   lease_attempt, lease_until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
               RETURNING number";
    let NewWrite { action, connection, target, .. } = write;
    let (request, key) = (key.map(|key| key.request.to_vec()), key.map(|key| key.key.to_vec()));
    let (at_ms, until_ms) = (signed(now_ms), signed(lease.until_ms));
    let (action, connection, target) = (text(action), texts(connection.as_ref()), text(target));
    let attempt = text(&lease.attempt);
    let of: [&(dyn tokio_postgres::types::ToSql + Sync); 9] =
        [&at_ms, &caller, &action, &connection, &target, &key, &request, &attempt, &until_ms];
    let number: i64 = on.value(sql, &of).await?.unwrap_or_default();
    Ok(WriteStart::Go { number: u64::try_from(number).unwrap_or_default(), is_again: false })
}

fn kept(row: &Row) -> DbResult<KeptWrite> {
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

async fn finish(on: &Session, ended: &EndedWrite) -> DbResult<()> {
    let sql = "SELECT *, NULL::bigint AS status, NULL::bytea AS sealed FROM writes
               WHERE number = $1 FOR UPDATE";
    let found = on.rows(sql, &[&signed(ended.number)]).await?;
    let found = found.first().map(kept).transpose()?;
    let target = texts(ended.target.as_ref());
    let Some(ended) = found.and_then(|kept| end(kept, ended.clone())) else { return Ok(()) };
    let sql =
        "UPDATE writes SET outcome = $1, key = $2, request = $3, target = coalesce($4, target),
                   lease_attempt = NULL, lease_until_ms = NULL WHERE number = $5";
    let key = ended.key.as_ref();
    let (request, key) = (key.map(|key| key.request.to_vec()), key.map(|key| key.key.to_vec()));
    let (outcome, number) = (texts(ended.outcome.as_ref()), signed(ended.number));
    on.run(sql, &[&outcome, &key, &request, &target, &number]).await?;
    if let Some(answer) = ended.answer {
        let sql = "INSERT INTO write_answers (number, connection, status, sealed)
                   SELECT number, connection, $1, $2 FROM writes AS w
                   WHERE number = $3 AND (connection IS NULL OR
                       EXISTS (SELECT 1 FROM connections WHERE id = w.connection FOR KEY SHARE))";
        on.run(sql, &[&i64::from(answer.status), &answer.sealed.0, &number]).await?;
    }
    Ok(())
}

async fn count(on: &Session, reads: &[ReadCount]) -> DbResult<()> {
    // In one order, so that hosts do not wait for each other; and each row once in a statement.
    let mut all = std::collections::BTreeMap::<(u64, &str), u64>::new();
    for read in reads {
        *all.entry((read.minute, &read.caller)).or_default() += read.reads;
    }
    let minutes: Vec<i64> = all.keys().map(|(minute, _)| signed(*minute)).collect();
    let callers: Vec<_> = all.keys().map(|(_, caller)| text(caller)).collect();
    let counts: Vec<i64> = all.values().copied().map(signed).collect();
    let sql = "INSERT INTO reads AS r (minute, caller, reads)
               SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[])
               ON CONFLICT (minute, caller) DO UPDATE SET reads = r.reads + excluded.reads";
    on.run(sql, &[&minutes, &callers, &counts]).await.map(drop)
}

async fn put_link(on: &Session, new: &NewLink) -> DbResult<()> {
    rows::must_exist(on, &new.connection).await?;
    let now_ms = on.now_ms().await?;
    let sql = "DELETE FROM links WHERE digest = ANY(ARRAY(
                   SELECT digest FROM links WHERE connection = $1 AND until_ms > $2
                   ORDER BY until_ms DESC OFFSET $3))";
    on.run(sql, &[&text(&new.connection), &signed(now_ms), &signed(LINKS - 1)]).await?;
    on.upsert("links", &["digest"], link(new.clone(), now_ms).write()).await
}

/// Forgets at most so many rows of each kind that are old; answers how many there were of the kind of
/// which there were most.
pub async fn forget(on: &Session, now_ms: u64, limit: usize) -> DbResult<usize> {
    let before = |kept: u64| signed(now_ms.saturating_sub(kept));
    let (writes, answers) = (before(retention::WRITES_MS), before(retention::ANSWERS_MS));
    let steps = [
        (
            "DELETE FROM tokens WHERE ctid = ANY(ARRAY(
                 SELECT ctid FROM tokens WHERE until_ms < $1 ORDER BY until_ms LIMIT $2
                 FOR UPDATE SKIP LOCKED))",
            writes,
        ),
        (
            "DELETE FROM writes WHERE ctid = ANY(ARRAY(
                 SELECT ctid FROM writes WHERE at_ms < $1 ORDER BY at_ms LIMIT $2
                 FOR UPDATE SKIP LOCKED))",
            writes,
        ),
        (
            "WITH old AS (
                 UPDATE writes SET key = NULL, request = NULL WHERE ctid = ANY(ARRAY(
                     SELECT ctid FROM writes WHERE at_ms < $1 AND key IS NOT NULL
                     ORDER BY at_ms LIMIT $2 FOR UPDATE SKIP LOCKED))
                 RETURNING number)
             DELETE FROM write_answers WHERE number = ANY(ARRAY(SELECT number FROM old))",
            answers,
        ),
        (
            "DELETE FROM reads WHERE ctid = ANY(ARRAY(
                 SELECT ctid FROM reads WHERE minute < $1 ORDER BY minute LIMIT $2))",
            before(retention::RATES_MS) / 60_000,
        ),
        (
            "DELETE FROM links WHERE ctid = ANY(ARRAY(
                 SELECT ctid FROM links WHERE until_ms <= $1 ORDER BY until_ms LIMIT $2
                 FOR UPDATE SKIP LOCKED))",
            before(0),
        ),
    ];
    let mut most = 0;
    for (sql, before) in steps {
        most = most.max(on.count(sql, &[&before, &limited(limit)]).await?);
    }
    Ok(most)
}
