//! The inbox's tables. Their columns are documented in [`super::super::schema`].
//!
//! | what is asked for | is found by |
//! |---|---|
//! | a connection's deliveries, newest first | `inbox_deliveries_of` |
//! | a delivery's events | their numbers, which follow one another: `first_event`, `events` |
//! | what is due | `inbox_events_due` |
//! | dead letters | `inbox_events_dead` |
//! | how many wait or are dead | `inboxes`, where they are counted |
//! | what is old | the numbers, which ascend with the time |
//!
//! A key is put into the newest generation, and known while it is in that or in the one before; so
//! what is too old is known by its generation alone.

/// Hooks, subscriptions, deliveries and events.
pub const TABLES: &str = "
CREATE TABLE hooks (
    connection TEXT NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    token TEXT NOT NULL UNIQUE,
    made_ms INTEGER NOT NULL,
    alive_ms INTEGER,
    gap_ms INTEGER,
    gap_end_ms INTEGER,
    refused INTEGER NOT NULL DEFAULT 0,
    refused_ms INTEGER,
    -- Who works on its events, and until when.
    lease_attempt TEXT,
    lease_until_ms INTEGER,
    CHECK ((lease_attempt IS NULL) = (lease_until_ms IS NULL))
) STRICT;

-- The last time that a receiver wrote: shows that the disk takes what comes.
CREATE TABLE receiver (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    alive_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE subscriptions (
    connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    object TEXT NOT NULL,
    events TEXT NOT NULL,
    url TEXT NOT NULL,
    id TEXT,
    expires_at TEXT,
    made_ms INTEGER NOT NULL,
    proven_ms INTEGER,
    last_ms INTEGER,
    deliveries INTEGER NOT NULL,
    PRIMARY KEY (connection, object)
) STRICT, WITHOUT ROWID;

-- A number for each connection that had a delivery, until all of it is erased; and how many of its
-- events wait or are dead.
CREATE TABLE inboxes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    connection TEXT NOT NULL UNIQUE,
    waiting INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Newest numbers of a delivery and of an event; up to which delivery all were looked at that are
-- old; the newest generation of keys, and since when it is.
CREATE TABLE inbox_numbers (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    delivery INTEGER NOT NULL,
    event INTEGER NOT NULL,
    looked_at INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    generation_ms INTEGER NOT NULL
) STRICT;
INSERT INTO inbox_numbers VALUES (1, 0, 0, 0, 0, 0);

-- Which events are known: longer than the deliveries themselves are kept.
CREATE TABLE inbox_keys (
    generation INTEGER NOT NULL,
    inbox INTEGER NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (generation, inbox, key)
) STRICT, WITHOUT ROWID;

-- answered_ms: from the first byte of its request until the commit that keeps it began.
CREATE TABLE inbox_deliveries (
    number INTEGER PRIMARY KEY,
    inbox INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    answered_ms INTEGER NOT NULL,
    first_event INTEGER NOT NULL,
    events INTEGER NOT NULL,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX inbox_deliveries_of ON inbox_deliveries (inbox);

-- effect: 0 upserted, 1 deleted, 2 changed, 3 nothing, 4 unreadable; state: 0 waiting, 1 done, 2
-- dead. data_at, data_bytes: where in the delivery's body the data is, unless it is in data.
-- tries: the newest failed ones, as JSON. asks: it needs the provider. next_ms: when something is to be done; null: never again.
CREATE TABLE inbox_events (
    number INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL,
    inbox INTEGER NOT NULL,
    state INTEGER NOT NULL,
    asks INTEGER NOT NULL,
    next_ms INTEGER,
    attempts INTEGER NOT NULL,
    reason TEXT,
    effect INTEGER NOT NULL,
    id TEXT,
    object TEXT NOT NULL,
    name TEXT NOT NULL,
    occurred_at TEXT,
    record TEXT,
    updated_at TEXT,
    created_at TEXT,
    version TEXT,
    data_at INTEGER,
    data_bytes INTEGER,
    data TEXT,
    applied_ms INTEGER,
    tries TEXT
) STRICT;
CREATE INDEX inbox_events_due ON inbox_events (inbox, asks, next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX inbox_events_dead ON inbox_events (inbox) WHERE state = 2;
CREATE INDEX inbox_events_dead_all ON inbox_events (number) WHERE state = 2;

CREATE VIEW deliveries AS
SELECT d.number, i.connection, d.received_ms, d.answered_ms, d.method, d.url, d.headers, d.body
FROM inbox_deliveries AS d
    JOIN inboxes AS i ON i.number = d.inbox
    JOIN connections AS c ON c.id = i.connection;

CREATE VIEW events AS
SELECT e.number, e.delivery, i.connection, e.id, e.object, e.name, e.occurred_at,
    CASE e.effect WHEN 0 THEN 'upserted' WHEN 1 THEN 'deleted' WHEN 2 THEN 'changed'
        WHEN 3 THEN 'nothing' ELSE 'unreadable' END AS effect,
    e.record, e.updated_at, e.created_at, e.version,
    coalesce(e.data, CAST(substr(d.body, e.data_at + 1, e.data_bytes) AS TEXT)) AS data,
    CASE e.state WHEN 0 THEN 'waiting' WHEN 1 THEN 'done' ELSE 'dead' END AS state,
    e.asks, e.attempts, e.next_ms, e.reason, e.applied_ms, coalesce(e.tries, '[]') AS tries
FROM inbox_events AS e
    JOIN inbox_deliveries AS d ON d.number = e.delivery
    JOIN inboxes AS i ON i.number = e.inbox
    JOIN connections AS c ON c.id = i.connection;
";
