//! What arrives, and what came of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use connector_contract::records::Unreadable;
use connector_contract::types::DataRecord;
use sha2::{Digest as _, Sha256};

use crate::words::words;

/// Records that arrived together, to be committed together.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Whose: the id of its row.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// What brought them.
    pub source: Source,
    /// [`super::Mirror::moment`] of the connection as it was before the request was begun whose answer this is.
    pub asked: u64,
    /// Records as they arrived.
    pub records: Vec<DataRecord>,
    /// SHA-256 of each of `records`, where somebody has computed them ([`Batch::hashes`]).
    pub known_hashes: Vec<[u8; 32]>,
    /// What each of `records` holds, once for each derived object.
    pub derived: Vec<Derived>,
    /// Indexes of `records` that were not derived, because [`super::Mirror::unchanged`] said so: their
    /// lists are empty and mean nothing.
    pub underived: BTreeSet<usize>,
    /// Which component derived: a number below 2^63 that another one does not have.
    pub deriver: u64,
    /// Ids that the provider says are gone; applied after `records`.
    pub deleted: Vec<String>,
    /// Ids that lists no longer show because of their age.
    pub aged_out: Vec<String>,
    /// Items that could not be read: kept as dead letters.
    pub unreadable: Vec<Unreadable>,
    /// JSON Pointers (RFC 6901) where the records differ from the object's schema: each is told
    /// once, as a change.
    pub drift: Vec<String>,
    /// By the id of a record, the number of the delivery that told of it.
    pub deliveries: BTreeMap<String, u64>,
    /// The scan that this is a page of.
    pub step: Option<ScanStep>,
}

impl Batch {
    /// One that brings nothing.
    #[must_use]
    pub fn new(connection: &str, object: &str, source: Source, asked: u64) -> Self {
        Self {
            connection: connection.to_owned(),
            object: object.to_owned(),
            source,
            asked,
            records: vec![],
            known_hashes: vec![],
            derived: vec![],
            underived: BTreeSet::new(),
            deriver: 0,
            deleted: vec![],
            aged_out: vec![],
            unreadable: vec![],
            drift: vec![],
            deliveries: BTreeMap::new(),
            step: None,
        }
    }

    /// SHA-256 of each of `records`.
    #[must_use]
    pub fn hashes(&self) -> Cow<'_, [[u8; 32]]> {
        match self.known_hashes.len() == self.records.len() {
            true => Cow::Borrowed(&self.known_hashes),
            false => self.records.iter().map(|record| hash_of(&record.data)).collect(),
        }
    }
}

/// SHA-256 of a text.
#[must_use]
pub fn hash_of(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

words! {
    /// What brought records. Decides who wins a tie (see [`super::version`]).
    pub enum Source {
        /// A page of a scan.
        Page = "page",
        /// One record, asked for by its id.
        Lookup = "look-up",
        /// A delivery of the provider's.
        Delivery = "delivery",
        /// The answer to a write of our own: its changes are marked as ours.
        Ours = "write",
    }
}

/// The records of one derived object.
#[derive(Debug, Clone)]
pub struct Derived {
    /// The object's name.
    pub object: String,
    /// One complete list for each record of the batch, in their order: what a holder no longer
    /// holds is removed.
    pub lists: Vec<Vec<DataRecord>>,
}

/// How a page moves its scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanStep {
    /// Number of the scan ([`super::ScanRow::scan`]).
    pub scan: u64,
    /// The attempt that holds the scan's lease: another one commits nothing.
    pub attempt: String,
    /// Where it goes on; `None`: it is complete. Its lease goes on all the same: look-ups and a
    /// sweep may follow.
    pub next: Option<String>,
    /// The provider has nothing new to tell for so long.
    pub wait_ms: Option<u64>,
    /// Bookmark that the page handed out.
    pub bookmark: Option<String>,
    /// Records of the page that lie outside the window that was asked for.
    pub outside: u64,
    /// The lease holds so long from now on, and as long as the provider is waited for.
    pub lease_ms: u64,
}

/// What came of a batch. Its records are counted; what they hold is counted in `derived` alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Records that are new, or back.
    pub created: u64,
    /// Records with other content.
    pub updated: u64,
    /// Records that are gone.
    pub deleted: u64,
    /// Records that lists no longer show.
    pub aged_out: u64,
    /// Records that had this content already.
    pub unchanged: u64,
    /// Records older than what is kept: not applied.
    pub stale: u64,
    /// Changes of derived records.
    pub derived: u64,
    /// Dead letters that are new.
    pub unreadable: u64,
    /// Ids that the batch cannot decide on: look each one up and apply the answer. They are kept
    /// until then ([`super::Mirror::look_ups`]).
    pub look_up: Vec<String>,
    /// Number of the newest change that this made; 0 when it made none.
    pub newest: u64,
    /// Items of the page that this scan had not seen before; only of a full scan.
    pub unseen: u64,
}
