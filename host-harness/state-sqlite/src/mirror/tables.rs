//! The mirror's tables and views. What users may read are its views, documented in
//! [`super::super::schema`]; the tables behind them may change.
//!
//! | table | why it is as it is |
//! |---|---|
//! | `mirrors` | one row a connection: its moment, and short keys instead of ids of 32 digits |
//! | `mirror_sets` | the records of an object live in a set; a reset gives the object a new one, and the old one is erased in pieces |
//! | `mirror_heads` | what decisions need of a record, clustered by id: a page's records are found together |
//! | `mirror_bodies` | contents in the order in which they came, each with what it holds: appended, not spread |
//! | `mirror_changes` | the log, clustered by connection and number |
//! | `mirror_versions` | what a change replaced, clustered as the log is: appended, and forgotten from its beginning. A record is followed back by `prior` of its changes, so nothing is found by its id |
//! | `mirror_entries` | the index of an object ([`connector_state::mirror::index`]) in blocks of 256 records, in the order in which these came: what arrives together is written together, and a list merges some sorted blocks |
//! | `mirror_values`, `mirror_moved` | counts by value, and what the newest commits add to them: a page of records moves hundreds, all over the table, so they are written once for 64 commits |
//! | `mirror_wakes`, `mirror_raised` | rules over time: [`super::rules`] |
//! | `mirror_seen` | a bit a record and full scan, 4,096 in a row |

/// Records, changes, scans, and the views that users read.
pub const TABLES: &str = "
-- moment: counted up by every change. forgotten: the newest change that was pruned.
-- prune_ms: when to look for changes that are too old; null while there is none.
CREATE TABLE mirrors (
    mirror INTEGER PRIMARY KEY,
    connection TEXT NOT NULL UNIQUE,
    moment INTEGER NOT NULL,
    forgotten INTEGER NOT NULL,
    prune_ms INTEGER
) STRICT;
CREATE INDEX mirrors_to_prune ON mirrors (prune_ms) WHERE prune_ms IS NOT NULL;

CREATE TABLE mirror_sets (
    records INTEGER PRIMARY KEY AUTOINCREMENT,
    mirror INTEGER NOT NULL,
    dropped INTEGER NOT NULL
) STRICT;
CREATE INDEX mirror_sets_dropped ON mirror_sets (records) WHERE dropped = 1;

-- records: its set. The counts are those of its records.
CREATE TABLE mirror_objects (
    object INTEGER PRIMARY KEY,
    mirror INTEGER NOT NULL,
    name TEXT NOT NULL,
    derived_from INTEGER,
    records INTEGER NOT NULL,
    live INTEGER NOT NULL,
    aged_out INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    UNIQUE (mirror, name)
) STRICT;
CREATE INDEX mirror_objects_derived ON mirror_objects (derived_from) WHERE derived_from IS NOT NULL;

-- body: key of its content, which one that is gone keeps for when it comes back; null for one that was
-- never there. deriver: which component derived what it holds. versions: how many changes it has had; 0:
-- nothing is kept of what it was. rules: those over time that hold for it, as JSON
-- (connector_state::mirror::rules).
CREATE TABLE mirror_heads (
    records INTEGER NOT NULL,
    id TEXT NOT NULL,
    body INTEGER,
    state TEXT NOT NULL CHECK (state = 'live' OR state = 'aged-out' OR state = 'deleted'),
    change INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    deriver INTEGER NOT NULL,
    updated_at TEXT,
    versions INTEGER NOT NULL,
    rules TEXT,
    PRIMARY KEY (records, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mirror_heads_gone ON mirror_heads (records, change) WHERE state = 'deleted';
CREATE INDEX mirror_heads_removed ON mirror_heads (records, change)
    WHERE state = 'deleted' AND versions > 0;

-- held: the derived records that it holds, as JSON (connector_state::mirror::held).
CREATE TABLE mirror_bodies (
    body INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at TEXT,
    data TEXT NOT NULL,
    held TEXT
) STRICT;

-- source: what brought it. prior: number of the record's change before this one. delivery: number of the
-- delivery that told of it. rule: of a rule over time, what became of it (JSON of
-- connector_state::mirror::RuleTold).
CREATE TABLE mirror_changes (
    mirror INTEGER NOT NULL,
    number INTEGER NOT NULL,
    object INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL
        CHECK (kind = 'created' OR kind = 'updated' OR kind = 'deleted' OR kind = 'aged-out'
            OR kind = 'drift' OR kind = 'reset' OR kind = 'rule'),
    ours INTEGER NOT NULL,
    source TEXT
        CHECK (source = 'page' OR source = 'look-up' OR source = 'delivery' OR source = 'write'),
    at_ms INTEGER NOT NULL,
    updated_at TEXT,
    prior INTEGER,
    previous BLOB,
    hash BLOB,
    members TEXT,
    delivery INTEGER,
    rule TEXT,
    PRIMARY KEY (mirror, number)
) STRICT, WITHOUT ROWID;

-- before: the version that the change replaced, packed (connector_state::mirror::history).
CREATE TABLE mirror_versions (
    mirror INTEGER NOT NULL,
    change INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    before BLOB NOT NULL,
    PRIMARY KEY (mirror, change)
) STRICT, WITHOUT ROWID;

-- Who reads changes, and how far: consumers, and forwards (by id). moved_ms: when it came there.
CREATE TABLE mirror_readers (
    kind TEXT NOT NULL CHECK (kind IN ('consumer', 'forward')),
    reader TEXT NOT NULL,
    mirror INTEGER NOT NULL,
    number INTEGER NOT NULL,
    moved_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, reader, mirror)
) STRICT, WITHOUT ROWID;
CREATE INDEX mirror_readers_of ON mirror_readers (mirror, number);

CREATE TABLE mirror_scans (
    object INTEGER PRIMARY KEY,
    scan INTEGER NOT NULL,
    kind TEXT CHECK (kind = 'incremental' OR kind = 'overlap' OR kind = 'full'),
    running INTEGER NOT NULL,
    cursor TEXT,
    not_before_ms INTEGER,
    began_ms INTEGER NOT NULL,
    pages INTEGER NOT NULL,
    records INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
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
    object INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    bookmark TEXT NOT NULL,
    PRIMARY KEY (object, at_ms)
) STRICT, WITHOUT ROWID;

-- bits: bit n is the record whose body has the key block * 4096 + n, seen by this full scan.
CREATE TABLE mirror_seen (
    records INTEGER NOT NULL,
    block INTEGER NOT NULL,
    scan INTEGER NOT NULL,
    bits BLOB NOT NULL,
    PRIMARY KEY (records, block)
) STRICT, WITHOUT ROWID;

-- Records to be looked up: only what was asked for at the moment `since` or later counts.
-- How often it failed, when the next one is due, and why the last one failed.
CREATE TABLE mirror_look_ups (
    records INTEGER NOT NULL,
    id TEXT NOT NULL,
    since INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    PRIMARY KEY (records, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mirror_look_ups_due ON mirror_look_ups (records, due_ms);
CREATE INDEX mirror_look_ups_failing ON mirror_look_ups (records, due_ms) WHERE tries > 0;

CREATE TABLE mirror_drifts (
    object INTEGER NOT NULL,
    pointer TEXT NOT NULL,
    PRIMARY KEY (object, pointer)
) STRICT, WITHOUT ROWID;

-- scan: the newest one that met it.
CREATE TABLE mirror_dead_letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    object INTEGER NOT NULL,
    id TEXT,
    raw TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    scan INTEGER,
    UNIQUE (object, hash)
) STRICT;
CREATE INDEX mirror_dead_letters_of ON mirror_dead_letters (object, number);

";

/// What is indexed, and counted by value.
pub const INDEXES: &str = "
-- members: what is indexed (JSON of connector_state::mirror::MemberIndex).
CREATE TABLE mirror_members (
    connector TEXT NOT NULL,
    object TEXT NOT NULL,
    members TEXT NOT NULL,
    PRIMARY KEY (connector, object)
) STRICT, WITHOUT ROWID;

-- built: it has the records with ids up to this one; null: all. dropped: another one is in its place, and
-- its rows are erased in pieces.
CREATE TABLE mirror_indexes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    object INTEGER NOT NULL,
    members TEXT NOT NULL,
    built TEXT,
    dropped INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX mirror_indexes_of ON mirror_indexes (object) WHERE dropped = 0;
CREATE INDEX mirror_indexes_building ON mirror_indexes (number) WHERE built IS NOT NULL AND dropped = 0;
CREATE INDEX mirror_indexes_dropped ON mirror_indexes (number) WHERE dropped = 1;

-- A record's value of a slot. block: its body's key, divided by 256.
CREATE TABLE mirror_entries (
    number INTEGER NOT NULL,
    block INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    value TEXT NOT NULL,
    body INTEGER NOT NULL,
    PRIMARY KEY (number, block, slot, value, body)
) STRICT, WITHOUT ROWID;

-- others: 1: records with values that have no row of their own.
CREATE TABLE mirror_values (
    number INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    others INTEGER NOT NULL,
    value TEXT NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (number, slot, others, value)
) STRICT, WITHOUT ROWID;

-- What commits have moved since mirror_values was written: the newest, from 1 on. moved: JSON of
-- connector_state::mirror::plan::ValueMoves.
CREATE TABLE mirror_moved (
    number INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    moved TEXT NOT NULL,
    PRIMARY KEY (number, batch)
) STRICT, WITHOUT ROWID;
";

/// What people read.
pub const VIEWS: &str = "
-- Objects with the names that people know.
CREATE VIEW mirror_names AS
    SELECT connections.name AS connection, o.name AS object, o.object AS object_key, o.mirror,
        o.records, o.derived_from
    FROM mirror_objects AS o
        JOIN mirrors ON mirrors.mirror = o.mirror
        JOIN connections ON connections.id = mirrors.connection;

CREATE VIEW records AS
    SELECT n.connection, n.object, h.id, NULL AS holder, h.state, h.updated_at, b.created_at, b.data,
        lower(hex(h.hash)) AS hash, h.change
    FROM mirror_names AS n
        JOIN mirror_heads AS h ON h.records = n.records
        LEFT JOIN mirror_bodies AS b ON b.body = h.body
    UNION ALL
    SELECT n.connection, n.object, r.value ->> 'id', h.id, h.state, r.value ->> 'updated_at',
        r.value ->> 'created_at', coalesce(r.value -> 'data', r.value ->> 'text'), r.value ->> 'hash',
        r.value ->> 'change'
    FROM mirror_names AS n
        JOIN mirror_objects AS f ON f.object = n.derived_from
        JOIN mirror_heads AS h ON h.records = f.records
        JOIN mirror_bodies AS b ON b.body = h.body
        JOIN json_each(b.held, '$.\"' || n.object || '\"') AS r;

CREATE VIEW scans AS
    SELECT n.connection, n.object, s.scan, s.kind, s.running, s.pages, s.records, s.created,
        s.updated, s.deleted, s.outside,
        s.restarts, s.tainted, s.began_ms, s.completed_ms, s.overlap_ms, s.full_ms, s.sweep,
        s.bookmark, s.error, s.failures, s.retry_ms
    FROM mirror_scans AS s JOIN mirror_names AS n ON n.object_key = s.object;

CREATE VIEW dead_letters AS
    SELECT d.number, n.connection, n.object, d.id, d.raw, d.reason, d.at_ms
    FROM mirror_dead_letters AS d JOIN mirror_names AS n ON n.object_key = d.object;
";

/// The log of changes, as people read it.
pub const CHANGES: &str = "
CREATE VIEW changes AS
    SELECT n.connection, c.number, n.object, c.id, c.kind, c.ours, c.source, c.delivery, c.at_ms, c.updated_at,
        coalesce(c.members, '[]') AS members, c.prior, lower(hex(c.previous)) AS previous,
        lower(hex(c.hash)) AS hash, c.rule
    FROM mirror_changes AS c JOIN mirror_names AS n ON n.object_key = c.object;
";
