//! The tables of pushes.

/// Runs, their items, and who writes which record.
pub const TABLES: &str = "
CREATE TABLE pushes (
    id TEXT NOT NULL PRIMARY KEY,
    connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    object TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('upsert', 'create', 'update', 'delete')),
    header TEXT,
    digest BLOB CHECK (length(digest) = 32),
    made_ms INTEGER NOT NULL,
    ended_ms INTEGER
) STRICT;
-- A source is gone on with, and not begun again.
CREATE UNIQUE INDEX pushes_open ON pushes (digest) WHERE ended_ms IS NULL;

CREATE TABLE intents (
    push TEXT NOT NULL REFERENCES pushes (id) ON DELETE CASCADE,
    item INTEGER NOT NULL,
    line INTEGER NOT NULL,
    record_key TEXT NOT NULL,
    input TEXT,
    sealed_raw BLOB,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'parked', 'failed')),
    sent TEXT CHECK (sent IN ('create', 'update', 'delete')),
    outcome TEXT,
    id TEXT,
    error TEXT,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (push, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX intents_by_state ON intents (push, state);

-- Who writes which record now.
CREATE TABLE push_claims (
    connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    object TEXT NOT NULL,
    record_key TEXT NOT NULL,
    owner TEXT NOT NULL,
    push TEXT NOT NULL REFERENCES pushes (id) ON DELETE CASCADE,
    item INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (connection, object, record_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX push_claims_by_item ON push_claims (push, item);
CREATE INDEX push_claims_by_owner ON push_claims (owner);
";
