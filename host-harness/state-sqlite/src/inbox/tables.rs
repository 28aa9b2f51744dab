//! The inbox's tables. Their columns are documented in [`super::super::schema`].

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

-- Which events are known: longer than the deliveries themselves are kept.
CREATE TABLE event_keys (
    connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    key BLOB NOT NULL CHECK (length(key) = 32),
    seen_ms INTEGER NOT NULL,
    PRIMARY KEY (connection, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_keys_by_age ON event_keys (seen_ms);

CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    received_ms INTEGER NOT NULL,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX deliveries_of_connection ON deliveries (connection);

-- asks: it needs the provider. next_ms: when something is to be done; null: never again.
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery INTEGER NOT NULL REFERENCES deliveries (number) ON DELETE CASCADE,
    connection TEXT NOT NULL,
    id TEXT,
    object TEXT NOT NULL,
    name TEXT NOT NULL,
    occurred_at TEXT,
    effect TEXT NOT NULL
        CHECK (effect IN ('upserted', 'deleted', 'changed', 'nothing', 'unreadable')),
    record TEXT,
    updated_at TEXT,
    created_at TEXT,
    data TEXT,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'dead')),
    asks INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_ms INTEGER,
    reason TEXT
) STRICT;
CREATE INDEX events_of_delivery ON events (delivery);
CREATE INDEX events_to_do ON events (connection, asks, number) WHERE next_ms IS NOT NULL;
CREATE INDEX events_dead ON events (number) WHERE state = 'dead';
CREATE INDEX events_waiting ON events (connection) WHERE state = 'waiting';
";
