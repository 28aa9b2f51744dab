//! The rows of a connection, table by table, as they are moved: the tables of the databases, without what
//! belongs to one database or one moment (keys, leases).
//!
//! A file tells its [`FORM`]; whoever changes a table here counts it up.

/// Version of these tables.
pub const FORM: u32 = 3;

/// What the rows of a table are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The connection's id.
    Connection,
    /// The key of its mirror.
    Mirror,
    /// The number of its inbox.
    Inbox,
    /// The key of an object of its mirror: a part for each object.
    Object,
    /// The key of an object's set of records: a part for each object.
    Set,
    /// The id of a push: a part for each.
    Push,
}

impl Scope {
    /// The column.
    #[must_use]
    pub fn column(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Mirror => "mirror",
            Self::Inbox => "inbox",
            Self::Object => "object",
            Self::Set => "records",
            Self::Push => "push",
        }
    }

    /// Whether a row says which part it is of.
    #[must_use]
    pub fn has_parts(self) -> bool {
        matches!(self, Self::Object | Self::Set | Self::Push)
    }
}

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer,
    /// Yes or no: 1 or 0.
    Boolean,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
    /// An object, by its name; databases have its key.
    Object,
}

/// A table, as it is moved.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// What its rows are found by.
    pub of: Scope,
    /// The columns by which they are in order within a part; none: there is one row at most.
    pub key: &'static [&'static str],
    /// How many are read at once: few where they may be large.
    pub at_once: u32,
    /// All columns that are moved.
    pub columns: &'static [(&'static str, Kind)],
}

impl Table {
    /// The table of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SMALL.iter().chain(LARGE).find(|table| table.name == name)
    }

    /// Whether a column tells the order in which rows came, and no more: it is not moved, and the rows are
    /// numbered anew.
    #[must_use]
    pub fn is_numbered(&self, column: &str) -> bool {
        column == "number" && matches!(self.name, "journal" | "mirror_dead_letters")
    }

    /// The column by which rows are found.
    #[must_use]
    pub fn found_by(&self) -> &'static str {
        match self.name {
            "connections" => "id",
            "inboxes" => "number",
            _ => self.of.column(),
        }
    }

    /// Where a column stands in a row.
    #[must_use]
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|(name, _)| *name == column)
    }
}

macro_rules! tables {
    ($($name:literal $of:ident [$($key:literal),*] $at_once:literal { $($kind:ident: $($column:literal)+;)+ })+) => {
        &[$(Table {
            name: $name,
            of: Scope::$of,
            key: &[$($key),*],
            at_once: $at_once,
            columns: &[$($(($column, Kind::$kind)),+),+],
        }),+]
    };
}

/// Few rows of each: they are moved all at once, and are what makes a connection be there. `spans` is of no
/// database: how many keys of contents and numbers of deliveries lie between the first and the last.
/// `shared_forwards` are those of the connector, which serve other connections too.
pub const SMALL: &[Table] = tables! {
    "spans" Connection [] 1 { Integer: "bodies" "deliveries"; }
    "connections" Connection [] 1 {
        Text: "id" "name" "connector" "scheme" "settings"; Bytes: "sealed_key"; Integer: "made_ms";
        Text: "rules";
    }
    "labels" Connection ["name"] 500 { Text: "name" "value"; }
    "secrets" Connection ["name", "version"] 500 {
        Text: "name"; Integer: "version"; Bytes: "sealed"; Integer: "made_ms" "ends_ms";
    }
    "grants" Connection [] 1 {
        Integer: "epoch"; Text: "state"; Integer: "sends"; Bytes: "sealed_tokens";
        Integer: "received_ms" "expires_ms"; Text: "scopes" "learned"; Integer: "retry_ms" "failures";
        Bytes: "sealed_previous"; Integer: "previous_until_ms";
    }
    "hooks" Connection [] 1 {
        Text: "token"; Integer: "made_ms" "alive_ms" "gap_ms" "gap_end_ms" "refused" "refused_ms";
    }
    "subscriptions" Connection ["object"] 500 {
        Text: "object" "events" "url" "id" "expires_at";
        Integer: "made_ms" "proven_ms" "last_ms" "deliveries";
    }
    "forwards" Connection ["id"] 500 {
        Text: "id" "name" "connector" "origin" "filters" "template"; Boolean: "is_signed";
        Bytes: "sealed"; Boolean: "enabled"; Integer: "made_ms"; Text: "error"; Integer: "error_ms";
    }
    "shared_forwards" Connection ["id"] 500 {
        Text: "id" "name" "connector" "origin" "filters" "template"; Boolean: "is_signed";
        Bytes: "sealed"; Boolean: "enabled"; Integer: "made_ms"; Text: "error"; Integer: "error_ms";
    }
};

/// Any number of rows of each, read and written in pieces, in this order. `mirror_records` are heads with
/// their contents.
pub const LARGE: &[Table] = tables! {
    "mirrors" Mirror [] 1 { Integer: "moment" "forgotten"; }
    "mirror_objects" Object [] 1 { Object: "derived_from"; Integer: "live" "aged_out" "deleted"; }
    "mirror_records" Set ["id"] 64 {
        Text: "id"; Integer: "body"; Text: "state"; Integer: "change"; Bytes: "hash";
        Integer: "deriver"; Text: "updated_at"; Integer: "versions" "seen"; Text: "created_at" "data" "held"
        "rules";
    }
    "mirror_scans" Object [] 1 {
        Integer: "scan"; Text: "kind"; Boolean: "running"; Text: "cursor"; Integer: "not_before_ms" "began_ms"
        "pages" "records" "created" "updated" "deleted" "outside" "restarts"; Boolean: "tainted";
        Text: "bookmark"; Integer: "completed_ms" "overlap_ms" "full_ms" "sweep"; Text: "error";
        Integer: "failures" "retry_ms";
    }
    "mirror_bookmarks" Object ["at_ms"] 500 { Integer: "at_ms"; Text: "bookmark"; }
    "mirror_look_ups" Set ["id"] 500 { Text: "id"; Integer: "since" "tries" "due_ms"; Text: "reason"; }
    "mirror_drifts" Object ["pointer"] 500 { Text: "pointer"; }
    "mirror_dead_letters" Object ["number"] 64 {
        Integer: "number"; Text: "id" "raw"; Bytes: "hash"; Text: "reason"; Integer: "at_ms" "scan";
    }
    "mirror_changes" Mirror ["number"] 500 {
        Integer: "number"; Object: "object"; Text: "id" "kind"; Boolean: "ours"; Text: "source";
        Integer: "at_ms"; Text: "updated_at"; Integer: "prior"; Bytes: "previous" "hash"; Text: "members";
        Integer: "delivery"; Text: "rule";
    }
    "mirror_versions" Mirror ["change"] 64 { Integer: "change" "at_ms"; Bytes: "before"; }
    "forward_versions" Mirror ["change"] 64 { Integer: "change"; Text: "before" "after"; }
    "mirror_readers" Mirror ["kind", "reader"] 500 { Text: "kind" "reader"; Integer: "number" "moved_ms"; }
    "forward_undelivered" Mirror ["change", "forward"] 500 {
        Text: "forward"; Integer: "change"; Object: "object"; Text: "id"; Integer: "attempts" "next_ms";
        Text: "reason";
    }
    "inboxes" Inbox [] 1 { Integer: "waiting" "dead"; }
    "inbox_keys" Inbox ["key"] 500 { Bytes: "key"; }
    "inbox_deliveries" Inbox ["number"] 32 {
        Integer: "number" "received_ms" "answered_ms"; Text: "method" "url" "headers"; Bytes: "body";
    }
    "inbox_events" Inbox [] 500 {
        Integer: "delivery" "state"; Boolean: "asks"; Integer: "next_ms" "attempts"; Text: "reason";
        Integer: "effect"; Text: "id" "object" "name" "occurred_at" "record" "updated_at" "created_at"
        "version"; Integer: "data_at" "data_bytes"; Text: "data"; Integer: "applied_ms"; Text: "tries";
    }
    "pushes" Connection ["made_ms", "id"] 500 {
        Text: "id" "object" "mode" "header"; Bytes: "digest"; Integer: "made_ms" "ended_ms" "pending"
        "sending" "done" "parked" "failed";
    }
    "intents" Push ["item"] 64 {
        Integer: "item" "line"; Text: "record_key" "input"; Bytes: "sealed_raw"; Text: "state" "sent"
        "outcome" "id" "error"; Integer: "attempts"; Text: "conflict_members"; Bytes: "conflict_theirs";
        Integer: "conflict_ms"; Text: "decision";
    }
    "journal" Connection ["number"] 500 {
        Integer: "number" "at_ms"; Text: "kind" "object" "by" "data"; Boolean: "folds"; Integer: "day";
    }
};
