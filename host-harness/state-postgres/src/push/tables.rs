//! The tables of pushes.

/// Runs, their items, and who writes which record.
pub const TABLES: &str = r#"
CREATE TABLE pushes (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    connection text COLLATE "C" NOT NULL,
    object text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('upsert', 'create', 'update', 'delete')),
    header text,
    digest bytea CHECK (length(digest) = 32),
    made_ms bigint NOT NULL,
    ended_ms bigint,
    pending bigint NOT NULL,
    sending bigint NOT NULL,
    done bigint NOT NULL,
    parked bigint NOT NULL,
    failed bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX pushes_by_connection ON pushes (connection, made_ms, id);
CREATE INDEX pushes_by_time ON pushes (made_ms, id);
-- A source is gone on with, and not begun again.
CREATE INDEX pushes_open ON pushes (digest) WHERE ended_ms IS NULL;
-- What is forgotten in time.
CREATE INDEX pushes_ended ON pushes (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX pushes_unsealed ON pushes (made_ms) WHERE digest IS NULL;

-- Runs that were removed, until their items are erased.
CREATE TABLE removed_pushes (
    connection text COLLATE "C" NOT NULL,
    push text COLLATE "C" NOT NULL,
    PRIMARY KEY (connection, push)
);

CREATE TABLE intents (
    push text COLLATE "C" NOT NULL,
    item bigint NOT NULL,
    line bigint NOT NULL,
    record_key text COLLATE "C" NOT NULL,
    input text,
    sealed_raw bytea,
    state text NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'parked', 'failed')),
    sent text CHECK (sent IN ('create', 'update', 'delete')),
    outcome text,
    id text,
    error text,
    attempts bigint NOT NULL,
    conflict_members text,
    conflict_theirs bytea CHECK (length(conflict_theirs) = 32),
    conflict_ms bigint,
    decision text CHECK (decision IN ('ours', 'theirs')),
    PRIMARY KEY (push, item),
    CHECK ((conflict_members IS NULL) = (conflict_theirs IS NULL))
) WITH (fillfactor = 80);
-- What waits for a decision, and for how long.
CREATE INDEX intents_in_conflict ON intents (push, item) WHERE conflict_ms IS NOT NULL;
CREATE INDEX intents_parked ON intents (push, item) WHERE state = 'parked';
CREATE INDEX intents_by_conflict ON intents (conflict_ms) WHERE conflict_ms IS NOT NULL;

-- Who writes which record now: few, since they end with their items.
CREATE TABLE push_claims (
    connection text COLLATE "C" NOT NULL,
    object text COLLATE "C" NOT NULL,
    record_key text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    push text COLLATE "C" NOT NULL,
    item bigint NOT NULL,
    until_ms bigint NOT NULL,
    PRIMARY KEY (connection, object, record_key)
);
CREATE INDEX push_claims_by_item ON push_claims (push, item);
CREATE INDEX push_claims_by_owner ON push_claims (owner);
"#;
