//! The outbox's tables. How far a forward is stands in `mirror_readers`.

/// Forwards, the versions that changes are between, and changes that targets did not take.
///
/// The versions are kept by the commit that changes a record: what a change was is never read from a
/// record that has changed again.
pub const TABLES: &str = r#"
CREATE TABLE forwards (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    connector text COLLATE "C" NOT NULL,
    connection text COLLATE "C" REFERENCES connections (id) ON DELETE CASCADE,
    origin text NOT NULL,
    filters text NOT NULL,
    template text,
    is_signed boolean NOT NULL,
    sealed bytea NOT NULL,
    enabled boolean NOT NULL,
    made_ms bigint NOT NULL,
    error text,
    error_ms bigint,
    lease_attempt text,
    lease_until_ms bigint,
    CHECK ((error IS NULL) = (error_ms IS NULL)),
    CHECK ((lease_attempt IS NULL) = (lease_until_ms IS NULL))
);
CREATE INDEX forwards_of_connection ON forwards (connection) WHERE connection IS NOT NULL;

CREATE TABLE forward_versions (
    mirror bigint NOT NULL,
    change bigint NOT NULL,
    before text,
    after text,
    PRIMARY KEY (mirror, change)
);

-- next_ms: when it is tried again; null for one that is parked.
CREATE TABLE forward_undelivered (
    forward text COLLATE "C" NOT NULL,
    mirror bigint NOT NULL,
    change bigint NOT NULL,
    object bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    attempts bigint NOT NULL,
    next_ms bigint,
    reason text NOT NULL,
    PRIMARY KEY (forward, mirror, change)
);
CREATE INDEX forward_undelivered_of_mirror ON forward_undelivered (mirror, change);
CREATE INDEX forward_waiting_of_record ON forward_undelivered (forward, object, id, change)
    WHERE next_ms IS NOT NULL;
CREATE INDEX forward_waiting_due ON forward_undelivered (forward, next_ms)
    WHERE next_ms IS NOT NULL;
"#;
