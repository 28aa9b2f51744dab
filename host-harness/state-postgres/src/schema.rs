//! The schema of the database, and the steps that lead to it.
//!
//! It may be read while hosts run, by any program that speaks PostgreSQL, best by a role that may only
//! read (`GRANT USAGE ON SCHEMA connector TO reports; GRANT SELECT ON connector.records TO reports`);
//! writing is the hosts'. Times end in `_ms`: milliseconds since 1970-01-01T00:00:00Z. What begins with
//! `sealed` is ciphertext. Tables, views and columns are those of the state in SQLite, which documents
//! them, with these differences:
//!
//! | what | here |
//! |---|---|
//! | truths (`running`, `ours`, `enabled`, ...) | `boolean` |
//! | hashes, sealed values, bodies | `bytea` |
//! | JSON (`data`, `members`, `settings`, ...) | `text`, so that no digit of a number is lost: `data::json ->> 'status'` |
//! | U+0000 and U+0001 in a text | U+0001 followed by U+0001 or U+0002 |
//! | which records a full scan saw | `mirror_heads.seen` |
//! | the newest numbers of deliveries and events | sequences |
//!
//! ```text
//! SELECT data::json ->> 'status' AS status, count(*) FROM connector.records
//! WHERE connection = 'main' AND object = 'orders' AND state = 'live' GROUP BY status;
//! ```
//!
//! What is removed is deleted, and goes from the disk when the server cleans its tables; its log and its
//! copies keep it for longer. What is secret is sealed by the connection's key, which goes with the
//! connection.

use super::access::TABLES as ACCESS;
use super::hosts::TABLES as HOSTS;
use super::inbox::tables::TABLES as INBOX;
use super::journal::TABLES as JOURNAL;
use super::limits::TABLE as LIMITS;
use super::lists::TABLES as LABELS;
use super::mirror::rules::TABLES as RULES;
use super::mirror::tables::TABLES as MIRROR;
use super::moving::TABLES as MOVES;
use super::outbox::tables::TABLES as OUTBOX;
use super::push::runs::TABLE as RUNS;
use super::push::tables::TABLES as PUSH;
use super::rates::TABLE as RATES;
use super::views::FUNCTIONS as VIEWS;

/// What leads from an empty schema to this version's: the version is the number of steps that were made.
/// A step that was released is never changed.
pub const STEPS: [&[&str]; 1] = [&[
    STORE, MIRROR, RULES, LIMITS, PUSH, RUNS, INBOX, OUTBOX, JOURNAL, RATES, HOSTS, ACCESS, LABELS,
    VIEWS, MOVES,
]];

const STORE: &str = r#"
CREATE TABLE connections (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    connector text COLLATE "C" NOT NULL,
    scheme text NOT NULL,
    settings text NOT NULL,
    sealed_key bytea NOT NULL,
    made_ms bigint NOT NULL,
    revision bigint NOT NULL DEFAULT 0,
    rules text NOT NULL DEFAULT '{}'
);

CREATE INDEX connections_by_revision ON connections (revision);

-- How many commits have changed connections. Counted last in a commit, because all hosts share it.
CREATE TABLE revisions (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    number bigint NOT NULL
);
INSERT INTO revisions (number) VALUES (0);

-- Connections that were removed, until everything that was theirs is erased.
CREATE TABLE removed_connections (
    connection text COLLATE "C" NOT NULL PRIMARY KEY
);

-- Sealed by the master key: who has another one is told so when it opens the state.
CREATE TABLE master_keys (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    sealed bytea NOT NULL
);

CREATE TABLE secrets (
    connection text COLLATE "C" NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    made_ms bigint NOT NULL,
    ends_ms bigint,
    PRIMARY KEY (connection, name, version)
);
CREATE INDEX secrets_by_end ON secrets (ends_ms) WHERE ends_ms IS NOT NULL;

CREATE TABLE grants (
    connection text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    epoch bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('valid', 'renewing', 'uncertain', 'ended')),
    sends bigint NOT NULL,
    lease_attempt text,
    lease_until_ms bigint,
    sealed_tokens bytea NOT NULL,
    received_ms bigint NOT NULL,
    expires_ms bigint,
    scopes text NOT NULL,
    learned text NOT NULL,
    retry_ms bigint,
    failures bigint NOT NULL,
    sealed_previous bytea,
    previous_until_ms bigint,
    CHECK ((lease_attempt IS NULL) = (lease_until_ms IS NULL)),
    CHECK ((sealed_previous IS NULL) = (previous_until_ms IS NULL))
);
CREATE INDEX grants_by_previous ON grants (previous_until_ms) WHERE previous_until_ms IS NOT NULL;

CREATE TABLE sessions (
    state bytea NOT NULL PRIMARY KEY CHECK (length(state) = 32),
    connection_id text COLLATE "C" NOT NULL,
    connection_name text NOT NULL,
    connector text NOT NULL,
    scheme text NOT NULL,
    settings text NOT NULL,
    sealed_key bytea NOT NULL,
    connection_made_ms bigint NOT NULL,
    sealed_verifier bytea NOT NULL,
    session text NOT NULL,
    return_to text,
    made_ms bigint NOT NULL,
    ends_ms bigint NOT NULL
);
CREATE INDEX sessions_by_end ON sessions (ends_ms);
CREATE INDEX sessions_by_connection ON sessions (connection_id);

CREATE TABLE session_secrets (
    state bytea NOT NULL REFERENCES sessions (state) ON DELETE CASCADE,
    connection text NOT NULL,
    name text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    made_ms bigint NOT NULL,
    ends_ms bigint,
    PRIMARY KEY (state, name, version)
);
"#;
