//! Fields of rows as cells, and the rows that are structs.

use std::collections::BTreeMap;

use connector_contract::auth::Learned;

use crate::inbox::{EventState, FailedTry, HookRow, SubscriptionRow};
use crate::journal::{Data, JournalKind, JournalRow};
use crate::mirror::{
    ChangeKind, ChangeRow, DeadLetterRow, RecordState, RuleSettings, RuleTold, ScanKind, ScanRow,
    Source,
};
use crate::moving::{Cell, MovedRow};
use crate::outbox::ForwardRow;
use crate::push::{
    Conflict, Decision, IntentCounts, IntentRow, IntentState, Mode, Outcome, PushRow, Sent,
};
use crate::{ConnectionRow, GrantRow, GrantState, Lease, PreviousTokens, Sealed, SecretRow, Word};

/// A field that stands in one cell. What a cell cannot be is the first thing that it may be.
pub trait Field: Sized {
    fn to_cell(&self) -> Cell;
    fn of(cell: &Cell) -> Self;
}

macro_rules! fields {
    ($cell:expr, $of:expr; $($type:ty),+) => { $(
        impl Field for $type {
            fn to_cell(&self) -> Cell {
                $cell(self)
            }

            fn of(cell: &Cell) -> Self {
                $of(cell)
            }
        }
    )+ };
}
fields!(|it: &Self| Cell::Integer(i64::try_from(*it).unwrap_or(i64::MAX)),
    |cell: &Cell| cell.integer().and_then(|it| Self::try_from(it).ok()).unwrap_or_default();
    u64);
fields!(|it: &Self| Cell::Integer((*it).into()),
    |cell: &Cell| cell.integer().and_then(|it| Self::try_from(it).ok()).unwrap_or_default();
    u32);
fields!(|it: &Self| Cell::Integer(*it), |cell: &Cell| cell.integer().unwrap_or_default(); i64);
fields!(|it: &Self| Cell::Integer((*it).into()), |cell: &Cell| cell.integer() == Some(1); bool);
fields!(|it: &Self| Cell::Text(it.clone()), |cell: &Cell| cell.text().unwrap_or_default().to_owned();
    String);
fields!(|it: &Self| Cell::Bytes(it.to_vec()),
    |cell: &Cell| cell.bytes().and_then(|it| it.try_into().ok()).unwrap_or_default();
    [u8; 32], [u8; 16]);
fields!(|it: &Self| Cell::Bytes(it.clone()), |cell: &Cell| cell.bytes().unwrap_or_default().to_vec();
    Vec<u8>);
fields!(|it: &Self| Cell::Bytes(it.0.clone()),
    |cell: &Cell| Self(cell.bytes().unwrap_or_default().to_vec()); Sealed);
fields!(|it: &Self| Cell::Text(serde_json::to_string(it).unwrap_or_default()),
    |cell: &Cell| serde_json::from_str(cell.text().unwrap_or_default()).unwrap_or_default();
    Vec<String>, BTreeMap<String, String>, RuleSettings, Data, Learned, Vec<FailedTry>, Vec<(String, String)>);

/// As JSON, which is what [`Cell`]s of a database have.
impl Field for RuleTold {
    fn to_cell(&self) -> Cell {
        Cell::Text(serde_json::to_string(self).unwrap_or_default())
    }

    fn of(cell: &Cell) -> Self {
        let none = Self { rule: String::new(), raised: false, due_ms: 0 };
        serde_json::from_str(cell.text().unwrap_or_default()).unwrap_or(none)
    }
}

/// Enums by their words; each with what it is where a word is not known.
macro_rules! words {
    ($($type:ident $other:ident),+) => { $(
        fields!(|it: &Self| Cell::Text(it.word().to_owned()),
            |cell: &Cell| Word::of(cell.text().unwrap_or_default()).unwrap_or(Self::$other);
            $type);
    )+ };
}
words! {
    GrantState Ended, JournalKind Setting, ChangeKind Updated, RecordState Live, ScanKind Full,
    Source Page, IntentState Failed, Mode Update, Outcome Unchanged, Sent Update, Decision Theirs
}

/// As a number: waiting, done, dead.
impl Field for EventState {
    fn to_cell(&self) -> Cell {
        Cell::Integer(match self {
            Self::Waiting => 0,
            Self::Done => 1,
            Self::Dead => 2,
        })
    }

    fn of(cell: &Cell) -> Self {
        match cell.integer() {
            Some(1) => Self::Done,
            Some(2) => Self::Dead,
            _ => Self::Waiting,
        }
    }
}

impl<T: Field> Field for Option<T> {
    fn to_cell(&self) -> Cell {
        self.as_ref().map_or(Cell::Null, T::to_cell)
    }

    fn of(cell: &Cell) -> Self {
        (*cell != Cell::Null).then(|| T::of(cell))
    }
}

/// Writes and reads a struct: its fields as columns, and what is given of it.
macro_rules! moved {
    ($($write:ident $read:ident $of:ident { $($field:ident $column:literal),+ } + ($($rest:ident: $type:ty),*))+) => { $(
        pub fn $write(it: &$of, row: &mut MovedRow) {
            $(row.set($column, it.$field.to_cell());)+
        }

        pub fn $read(row: &MovedRow, $($rest: $type),*) -> $of {
            $of { $($field: Field::of(row.cell($column)),)+ $($rest),* }
        }
    )+ };
}
moved! {
    put_connection connection ConnectionRow {
        id "id", name "name", connector "connector", scheme "scheme", settings "settings",
        sealed_key "sealed_key", made_ms "made_ms"
    } + ()
    put_secret secret SecretRow {
        name "name", version "version", sealed "sealed", made_ms "made_ms", ends_ms "ends_ms"
    } + (connection: String)
    put_grant grant GrantRow {
        epoch "epoch", state "state", sends "sends", sealed_tokens "sealed_tokens",
        received_ms "received_ms", expires_ms "expires_ms", scopes "scopes", learned "learned",
        retry_ms "retry_ms", failures "failures"
    } + (connection: String, lease: Option<Lease>, previous: Option<PreviousTokens>)
    put_hook hook HookRow {
        token "token", made_ms "made_ms", alive_ms "alive_ms", gap_ms "gap_ms",
        gap_end_ms "gap_end_ms", refused "refused", refused_ms "refused_ms"
    } + (connection: String)
    put_subscription subscription SubscriptionRow {
        object "object", events "events", url "url", id "id", expires_at "expires_at",
        made_ms "made_ms", proven_ms "proven_ms", last_ms "last_ms", deliveries "deliveries"
    } + (connection: String)
    put_forward forward ForwardRow {
        id "id", name "name", connector "connector", origin "origin", filters "filters",
        template "template", is_signed "is_signed", sealed "sealed", enabled "enabled",
        made_ms "made_ms"
    } + (connection: Option<String>)
    put_scan scan ScanRow {
        scan "scan", kind "kind", running "running", cursor "cursor", not_before_ms "not_before_ms",
        began_ms "began_ms", pages "pages", records "records", created "created",
        updated "updated", deleted "deleted", outside "outside", restarts "restarts",
        tainted "tainted", bookmark "bookmark", completed_ms "completed_ms",
        overlap_ms "overlap_ms", full_ms "full_ms", sweep "sweep", error "error",
        failures "failures", retry_ms "retry_ms"
    } + (connection: String, object: String, lease: Option<Lease>)
    put_change change ChangeRow {
        number "number", object "object", id "id", kind "kind", ours "ours", source "source",
        at_ms "at_ms", updated_at "updated_at", previous "previous", hash "hash",
        members "members", delivery "delivery", rule "rule"
    } + (connection: String)
    put_letter letter DeadLetterRow {
        number "number", id "id", raw "raw", reason "reason", at_ms "at_ms"
    } + (connection: String, object: String)
    put_push push PushRow {
        id "id", object "object", mode "mode", header "header", digest "digest",
        made_ms "made_ms", ended_ms "ended_ms"
    } + (connection: String, counts: IntentCounts)
    put_counts counts IntentCounts {
        pending "pending", sending "sending", done "done", parked "parked", failed "failed"
    } + ()
    put_intent intent IntentRow {
        index "item", line "line", key "record_key", input "input", raw "sealed_raw", state "state",
        sent "sent", outcome "outcome", id "id", error "error", attempts "attempts",
        conflict_ms "conflict_ms", decision "decision"
    } + (run: String, conflict: Option<Conflict>)
    put_entry entry JournalRow {
        at_ms "at_ms", kind "kind", object "object", by "by", data "data"
    } + (number: u64, connection: String)
}
