//! The outbox's tables.

/// Those to whom changes are handed on, and the versions that these changes are between.
///
/// The versions are kept by the statement that changes a record, so in its transaction: what a
/// change was is never read from a record that has changed again. A target
/// that is more than a million changes behind is no longer waited for.
pub const TABLES: &str = "
CREATE TABLE forwards (
    target TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;

CREATE TABLE forward_versions (
    change INTEGER PRIMARY KEY,
    before TEXT,
    after TEXT
) STRICT;

-- Changes that a target did not take, each tried again on its own.
CREATE TABLE forward_parked (
    target TEXT NOT NULL REFERENCES forwards (target) ON DELETE CASCADE,
    change INTEGER NOT NULL,
    object INTEGER NOT NULL,
    id TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (target, change)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER forward_created AFTER INSERT ON mirror_records
WHEN EXISTS (SELECT 1 FROM forwards WHERE NEW.change - position < 1000000)
BEGIN
    INSERT OR REPLACE INTO forward_versions (change, before, after)
    VALUES (NEW.change, NULL, NEW.data);
END;

CREATE TRIGGER forward_updated AFTER UPDATE OF change ON mirror_records
WHEN NEW.change <> OLD.change
    AND EXISTS (SELECT 1 FROM forwards WHERE NEW.change - position < 1000000)
BEGIN
    INSERT OR REPLACE INTO forward_versions (change, before, after)
    VALUES (NEW.change, OLD.data, NEW.data);
END;
";
