//! The outbox's tables. How far a target is stands in `mirror_readers`.

/// Those to whom changes are handed on, and the versions that these changes are between.
///
/// The versions are kept by the commit that changes a record: what a change was is never read from a
/// record that has changed again. A target that is more than a million changes behind is no longer
/// waited for.
pub const TABLES: &str = "
CREATE TABLE forwards (
    target TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE forward_versions (
    mirror INTEGER NOT NULL,
    change INTEGER NOT NULL,
    before TEXT,
    after TEXT,
    PRIMARY KEY (mirror, change)
) STRICT, WITHOUT ROWID;

-- Changes that a target did not take, each tried again on its own.
CREATE TABLE forward_parked (
    target TEXT NOT NULL,
    mirror INTEGER NOT NULL,
    change INTEGER NOT NULL,
    object INTEGER NOT NULL,
    id TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (target, mirror, change)
) STRICT, WITHOUT ROWID;
CREATE INDEX forward_parked_of_record ON forward_parked (target, object, id, change);
CREATE INDEX forward_parked_of_mirror ON forward_parked (mirror, change);
CREATE INDEX forward_parked_due ON forward_parked (target, next_ms);
";
