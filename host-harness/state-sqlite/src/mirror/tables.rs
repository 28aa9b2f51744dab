//! The mirror's tables and views. What users may read are its views, documented in
//! [`super::super::schema`]; the tables behind them may change.

/// Records, changes, scans, and the views that users read.
pub const TABLES: &str = "
-- Short keys for what every row belongs to.
CREATE TABLE mirror_objects (
    object INTEGER PRIMARY KEY,
    connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    derived_from INTEGER REFERENCES mirror_objects (object),
    UNIQUE (connection, name)
) STRICT;

-- moment: counted up by every change. forgotten: the newest change that was pruned.
CREATE TABLE mirror_counter (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    moment INTEGER NOT NULL,
    forgotten INTEGER NOT NULL
) STRICT;
INSERT INTO mirror_counter VALUES (1, 0, 0);

-- holder: the record that holds a derived one.
CREATE TABLE mirror_records (
    record INTEGER PRIMARY KEY,
    object INTEGER NOT NULL REFERENCES mirror_objects (object) ON DELETE CASCADE,
    id TEXT NOT NULL,
    holder INTEGER,
    state TEXT NOT NULL CHECK (state IN ('live', 'aged-out', 'deleted')),
    updated_at TEXT,
    created_at TEXT,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    change INTEGER NOT NULL,
    data TEXT,
    CHECK ((data IS NULL) = (state = 'deleted'))
) STRICT;
CREATE UNIQUE INDEX mirror_records_by_id ON mirror_records (object, id);
CREATE INDEX mirror_records_by_holder ON mirror_records (holder, object)
    WHERE holder IS NOT NULL;
-- Counting reads no data.
CREATE INDEX mirror_records_by_state ON mirror_records (object, state);

CREATE TABLE mirror_changes (
    number INTEGER PRIMARY KEY,
    object INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL
        CHECK (kind IN ('created', 'updated', 'deleted', 'aged-out', 'drift', 'reset')),
    ours INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    updated_at TEXT,
    previous BLOB,
    hash BLOB,
    members TEXT NOT NULL
) STRICT;

CREATE TABLE mirror_consumers (
    name TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;

CREATE TABLE mirror_scans (
    object INTEGER PRIMARY KEY REFERENCES mirror_objects (object) ON DELETE CASCADE,
    scan INTEGER NOT NULL,
    kind TEXT CHECK (kind IN ('incremental', 'overlap', 'full')),
    running INTEGER NOT NULL,
    cursor TEXT,
    not_before_ms INTEGER,
    began_ms INTEGER NOT NULL,
    pages INTEGER NOT NULL,
    records INTEGER NOT NULL,
    outside INTEGER NOT NULL,
    restarts INTEGER NOT NULL,
    tainted INTEGER NOT NULL,
    bookmark TEXT,
    lease_attempt TEXT,
    lease_until_ms INTEGER,
    completed_ms INTEGER,
    overlap_ms INTEGER,
    full_ms INTEGER,
    sweep INTEGER,
    error TEXT,
    failures INTEGER NOT NULL,
    retry_ms INTEGER,
    CHECK ((lease_attempt IS NULL) = (lease_until_ms IS NULL))
) STRICT;

-- Bookmarks of completed scans.
CREATE TABLE mirror_bookmarks (
    object INTEGER NOT NULL REFERENCES mirror_objects (object) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    bookmark TEXT NOT NULL,
    PRIMARY KEY (object, at_ms)
) STRICT, WITHOUT ROWID;

-- The newest full scan that saw a record.
CREATE TABLE mirror_seen (
    record INTEGER PRIMARY KEY REFERENCES mirror_records (record) ON DELETE CASCADE,
    scan INTEGER NOT NULL
) STRICT;

-- Records to be looked up: only what was asked for at the moment `since` or later counts.
CREATE TABLE mirror_look_ups (
    object INTEGER NOT NULL REFERENCES mirror_objects (object) ON DELETE CASCADE,
    id TEXT NOT NULL,
    since INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    PRIMARY KEY (object, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE mirror_drifts (
    object INTEGER NOT NULL REFERENCES mirror_objects (object) ON DELETE CASCADE,
    pointer TEXT NOT NULL,
    PRIMARY KEY (object, pointer)
) STRICT, WITHOUT ROWID;

-- scan: the newest one that met it.
CREATE TABLE mirror_dead_letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    object INTEGER NOT NULL REFERENCES mirror_objects (object) ON DELETE CASCADE,
    id TEXT,
    raw TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    scan INTEGER,
    UNIQUE (object, hash)
) STRICT;

CREATE VIEW records AS
    SELECT connections.name AS connection, mirror_objects.name AS object, r.id, h.id AS holder,
        r.state, r.updated_at, r.created_at, r.data, lower(hex(r.hash)) AS hash, r.change
    FROM mirror_records AS r
        JOIN mirror_objects USING (object)
        JOIN connections ON connections.id = mirror_objects.connection
        LEFT JOIN mirror_records AS h ON h.record = r.holder;

CREATE VIEW changes AS
    SELECT c.number, connections.name AS connection, mirror_objects.name AS object, c.id,
        c.kind, c.ours, c.at_ms, c.updated_at, c.members, lower(hex(c.previous)) AS previous,
        lower(hex(c.hash)) AS hash
    FROM mirror_changes AS c
        JOIN mirror_objects USING (object)
        JOIN connections ON connections.id = mirror_objects.connection;

CREATE VIEW scans AS
    SELECT connections.name AS connection, mirror_objects.name AS object, s.scan, s.kind,
        s.running, s.pages, s.records, s.outside, s.restarts, s.tainted, s.began_ms,
        s.completed_ms, s.overlap_ms, s.full_ms, s.sweep, s.bookmark, s.error, s.failures,
        s.retry_ms
    FROM mirror_scans AS s
        JOIN mirror_objects USING (object)
        JOIN connections ON connections.id = mirror_objects.connection;

CREATE VIEW dead_letters AS
    SELECT d.number, connections.name AS connection, mirror_objects.name AS object, d.id,
        d.raw, d.reason, d.at_ms
    FROM mirror_dead_letters AS d
        JOIN mirror_objects USING (object)
        JOIN connections ON connections.id = mirror_objects.connection;
";
