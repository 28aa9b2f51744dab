//! What waits for a person: dead letters, items of pushes that are parked, and changes that targets of forwards
//! did not take, grouped by cause, and what can be done about all of a group at once.
//!
//! Groups are for reading: what is done is done to the items that a group has at that moment, each by the same
//! functions as one by one.

mod act;
mod fingerprint;

use std::collections::{BTreeMap, BTreeSet};

use connector_state::inbox::EventRow;
use connector_state::mirror::DeadLetterRow;
use connector_state::outbox::ForwardRow;
use connector_state::push::{IntentRow, PushRow};
use connector_state::{Database, StoreError};

pub use self::act::{Acted, Treatment, Which, act};
pub use self::fingerprint::{fingerprint, shape};
use crate::dead_letter_number::DeadLetterNumber;

/// Items of each kind that are looked at: the oldest, so that what is dealt with makes room for the rest.
pub const READ: u32 = 1_000;

/// Whose troubles.
#[derive(Debug, Clone)]
pub struct TroubleScope {
    /// The connector.
    pub connector: String,
    /// Names of its connections by their ids.
    pub names: BTreeMap<String, String>,
    /// Id of the one connection; `None`: all of the connector.
    pub connection: Option<String>,
}

/// What waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TroubleKind {
    /// An event of a delivery that could not be read or applied.
    DeadLetter,
    /// An item of a page that could not be read.
    UnreadRecord,
    /// An item of a push that met somebody else's change.
    Conflict,
    /// An item of a push of which nobody knows whether it was applied.
    UnknownOutcome,
    /// A change that a forward's target did not take.
    ParkedChange,
}

impl TroubleKind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 5] = [
        Self::DeadLetter,
        Self::UnreadRecord,
        Self::Conflict,
        Self::UnknownOutcome,
        Self::ParkedChange,
    ];

    /// As it is written in documents and addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::DeadLetter => "dead-letter",
            Self::UnreadRecord => "unread-record",
            Self::Conflict => "conflict",
            Self::UnknownOutcome => "unknown-outcome",
            Self::ParkedChange => "parked-change",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What can be done about it.
    #[must_use]
    pub fn treatments(self) -> &'static [Treatment] {
        match self {
            Self::DeadLetter | Self::ParkedChange => &[Treatment::Replay, Treatment::Drop],
            Self::UnreadRecord => &[Treatment::Drop],
            Self::Conflict => &[Treatment::Ours, Treatment::Theirs],
            Self::UnknownOutcome => &[Treatment::Replay],
        }
    }
}

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TroubleItem {
    /// What it is.
    pub kind: TroubleKind,
    /// Names it among all: a dead letter's number, `PUSH:INDEX`, or `FORWARD:CONNECTION:CHANGE` with their ids.
    pub number: String,
    /// Id of the connection.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// Which record, where that is known.
    pub record: Option<String>,
    /// Since when, in milliseconds since 1970; of an item whose outcome is unknown, since its run was made.
    pub at_ms: u64,
    /// Why.
    pub reason: String,
    /// Where more is told of it.
    pub source: TroubleSource,
}

/// Where a trouble comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TroubleSource {
    /// An event, and its delivery.
    Delivery {
        /// Number of the event.
        event: u64,
        /// Number of the delivery.
        delivery: u64,
    },
    /// A page of a scan.
    Scan {
        /// Number of the dead letter.
        number: u64,
    },
    /// A push.
    Push {
        /// The run.
        run: String,
        /// The item.
        index: u64,
        /// Digest of the change that it met, where it is a conflict.
        theirs: Option<[u8; 32]>,
    },
    /// A forward.
    Forward {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Number of the change.
        change: u64,
    },
}

impl TroubleItem {
    /// Its group.
    #[must_use]
    pub fn group(&self, connector: &str) -> String {
        fingerprint(self.kind.word(), connector, &self.object, &self.reason)
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Troubles {
    /// All that was looked at, by kind, the oldest first.
    pub items: Vec<TroubleItem>,
    /// There are more of some kind than are looked at.
    pub is_partial: bool,
}

/// What waits for a person: at most [`READ`] of each kind.
///
/// # Errors
/// When the state cannot be read.
pub async fn find(database: &dyn Database, scope: &TroubleScope) -> Result<Troubles, StoreError> {
    let of = scope.connection.as_deref();
    let events = database.list_dead_events(of, 0, READ).await?;
    let letters = database.list_dead_letters(of, 0, READ).await?;
    let parked = database.list_parked_items(of, None, READ).await?;
    let is_partial =
        [events.len(), letters.len(), parked.len()].into_iter().any(|it| it >= READ as usize);
    let mut found = Troubles { is_partial, ..Troubles::default() };
    found.items.extend(events.into_iter().map(of_event));
    found.items.extend(letters.into_iter().map(of_scan));
    let runs: BTreeSet<String> = parked.iter().map(|item| item.run.clone()).collect();
    let mut rows: BTreeMap<String, PushRow> = BTreeMap::new();
    for run in runs {
        rows.extend(database.run(&run).await?.map(|row| (run, row)));
    }
    let items = parked.iter().filter_map(|item| Some(of_push(item, rows.get(&item.run)?)));
    found.items.extend(items);
    for forward in database.list_forwards().await? {
        if forward.connector == scope.connector {
            of_forward(database, scope, &forward, &mut found).await?;
        }
    }
    found.items.retain(|item| scope.names.contains_key(&item.connection));
    found.items.sort_by_key(|item| (item.kind, item.at_ms));
    Ok(found)
}

fn of_event(row: EventRow) -> TroubleItem {
    TroubleItem {
        kind: TroubleKind::DeadLetter,
        number: DeadLetterNumber::Event(row.number).to_string(),
        connection: row.connection,
        object: row.object,
        record: row.effect.record().map(str::to_owned),
        at_ms: row.received_ms,
        reason: row.reason.unwrap_or_default(),
        source: TroubleSource::Delivery { event: row.number, delivery: row.delivery },
    }
}

fn of_scan(row: DeadLetterRow) -> TroubleItem {
    TroubleItem {
        kind: TroubleKind::UnreadRecord,
        number: DeadLetterNumber::Record(row.number).to_string(),
        connection: row.connection,
        object: row.object,
        record: row.id,
        at_ms: row.at_ms,
        reason: row.reason,
        source: TroubleSource::Scan { number: row.number },
    }
}

fn of_push(item: &IntentRow, run: &PushRow) -> TroubleItem {
    // What waits for a decision is shown with its change until then.
    let theirs = item.conflict.as_ref().filter(|_| item.conflict_ms.is_some());
    let theirs = theirs.map(|conflict| conflict.theirs);
    TroubleItem {
        kind: match theirs {
            Some(_) => TroubleKind::Conflict,
            None => TroubleKind::UnknownOutcome,
        },
        number: format!("{}:{}", item.run, item.index),
        connection: run.connection.clone(),
        object: run.object.clone(),
        record: item.id.clone(),
        at_ms: item.conflict_ms.unwrap_or(run.made_ms),
        reason: item.error.clone().unwrap_or_default(),
        source: TroubleSource::Push { run: item.run.clone(), index: item.index, theirs },
    }
}

async fn of_forward(
    database: &dyn Database,
    scope: &TroubleScope,
    forward: &ForwardRow,
    found: &mut Troubles,
) -> Result<(), StoreError> {
    let parked = database.list_parked(&forward.id, READ).await?;
    found.is_partial |= parked.len() >= READ as usize;
    let is_meant = |of: &str| scope.connection.as_deref().is_none_or(|meant| meant == of);
    for (left, change) in parked.into_iter().filter(|(left, _)| is_meant(&left.connection)) {
        found.items.push(TroubleItem {
            kind: TroubleKind::ParkedChange,
            number: format!("{}:{}:{}", forward.id, left.connection, left.change),
            connection: left.connection,
            object: change.object,
            record: Some(change.id),
            at_ms: change.at_ms,
            reason: left.reason,
            source: TroubleSource::Forward {
                id: forward.id.clone(),
                name: forward.name.clone(),
                change: left.change,
            },
        });
    }
    Ok(())
}
