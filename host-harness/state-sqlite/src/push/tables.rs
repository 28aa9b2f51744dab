//! The tables of pushes.

/// Runs, their items, and who writes which record.
pub const TABLES: &str = "
CREATE TABLE pushes (
    id TEXT NOT NULL PRIMARY KEY,
    connection TEXT NOT NULL,
    object TEXT NOT NULL,
    mode TEXT NOT NULL
        CHECK (mode = 'upsert' OR mode = 'create' OR mode = 'update' OR mode = 'delete'),
    header TEXT,
    digest BLOB CHECK (length(digest) = 32),
    made_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    pending INTEGER NOT NULL,
    sending INTEGER NOT NULL,
    done INTEGER NOT NULL,
    parked INTEGER NOT NULL,
    failed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pushes_by_connection ON pushes (connection, made_ms, id);
CREATE INDEX pushes_by_time ON pushes (made_ms, id);
-- A source is gone on with, and not begun again.
CREATE INDEX pushes_open ON pushes (digest) WHERE ended_ms IS NULL;
-- What is forgotten in time.
CREATE INDEX pushes_ended ON pushes (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX pushes_unsealed ON pushes (made_ms) WHERE digest IS NULL;

-- Runs that were removed, until their items are erased.
CREATE TABLE removed_pushes (
    connection TEXT NOT NULL,
    push TEXT NOT NULL,
    PRIMARY KEY (connection, push)
) STRICT, WITHOUT ROWID;

CREATE TABLE intents (
    push TEXT NOT NULL,
    item INTEGER NOT NULL,
    line INTEGER NOT NULL,
    record_key TEXT NOT NULL,
    input TEXT,
    sealed_raw BLOB,
    state TEXT NOT NULL
        CHECK (state = 'pending' OR state = 'sending' OR state = 'done' OR state = 'parked'
            OR state = 'failed'),
    sent TEXT CHECK (sent = 'create' OR sent = 'update' OR sent = 'delete'),
    outcome TEXT,
    id TEXT,
    error TEXT,
    attempts INTEGER NOT NULL,
    conflict_members TEXT,
    conflict_theirs BLOB CHECK (length(conflict_theirs) = 32),
    conflict_ms INTEGER,
    decision TEXT CHECK (decision IN ('ours', 'theirs')),
    PRIMARY KEY (push, item),
    CHECK ((conflict_members IS NULL) = (conflict_theirs IS NULL))
) STRICT, WITHOUT ROWID;
-- What waits for a decision, and for how long.
CREATE INDEX intents_in_conflict ON intents (push, item) WHERE conflict_ms IS NOT NULL;
CREATE INDEX intents_parked ON intents (push, item) WHERE state = 'parked';
CREATE INDEX intents_by_conflict ON intents (conflict_ms) WHERE conflict_ms IS NOT NULL;

-- Who writes which record now: few, since they end with their items.
CREATE TABLE push_claims (
    connection TEXT NOT NULL,
    object TEXT NOT NULL,
    record_key TEXT NOT NULL,
    owner TEXT NOT NULL,
    push TEXT NOT NULL,
    item INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (connection, object, record_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX push_claims_by_item ON push_claims (push, item);
CREATE INDEX push_claims_by_owner ON push_claims (owner);
";
