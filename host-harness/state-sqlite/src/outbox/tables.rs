//! The outbox's tables. How far a forward is stands in `mirror_readers`.

/// Forwards, the versions that changes are between, and changes that targets did not take.
///
/// The versions are kept by the commit that changes a record: what a change was is never read from a
/// record that has changed again.
pub const TABLES: &str = "
CREATE TABLE forwards (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    connector TEXT NOT NULL,
    connection TEXT REFERENCES connections (id) ON DELETE CASCADE,
    origin TEXT NOT NULL,
    filters TEXT NOT NULL,
    template TEXT,
    is_signed INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    enabled INTEGER NOT NULL,
    made_ms INTEGER NOT NULL,
    error TEXT,
    error_ms INTEGER,
    lease_attempt TEXT,
    lease_until_ms INTEGER,
    CHECK ((error IS NULL) = (error_ms IS NULL)),
    CHECK ((lease_attempt IS NULL) = (lease_until_ms IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX forwards_of_connection ON forwards (connection) WHERE connection IS NOT NULL;

CREATE TABLE forward_versions (
    mirror INTEGER NOT NULL,
    change INTEGER NOT NULL,
    before TEXT,
    after TEXT,
    PRIMARY KEY (mirror, change)
) STRICT, WITHOUT ROWID;

-- next_ms: when it is tried again; null for one that is parked.
CREATE TABLE forward_undelivered (
    forward TEXT NOT NULL,
    mirror INTEGER NOT NULL,
    change INTEGER NOT NULL,
    object INTEGER NOT NULL,
    id TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_ms INTEGER,
    reason TEXT NOT NULL,
    PRIMARY KEY (forward, mirror, change)
) STRICT, WITHOUT ROWID;
CREATE INDEX forward_undelivered_of_mirror ON forward_undelivered (mirror, change);
CREATE INDEX forward_waiting_of_record ON forward_undelivered (forward, object, id, change)
    WHERE next_ms IS NOT NULL;
CREATE INDEX forward_waiting_due ON forward_undelivered (forward, next_ms)
    WHERE next_ms IS NOT NULL;
";
