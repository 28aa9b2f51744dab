//! Reading and writing records of any object.

use serde::{Deserialize, Serialize};

use crate::types::DataRecord;

/// Where a scan begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// A full scan.
    Beginning,
    /// Only what changed since; an object without change times treats it as `beginning`.
    Since(String),
    /// Go on with a scan.
    At(String),
}

/// Which part of each record the host wants, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct View {
    /// Top-level members of `data`; empty: all. The connector may answer with more.
    pub fields: Vec<String>,
    /// Valid against the descriptor's `options-schema`, e.g. a language.
    pub options: Option<String>,
}

/// What is asked for of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRequest {
    /// Name of the object.
    pub object: String,
    /// Where to begin.
    pub start: Start,
    /// Largest number wanted; the connector may answer with fewer. Of a derived
    /// object it counts the records that hold them.
    pub page_size: Option<u32>,
    /// Valid against the descriptor's `filter-schema`.
    pub filter: Option<String>,
    /// A cursor keeps its own filter and view.
    pub view: View,
}

impl ListRequest {
    /// A full scan of `object`, whole records.
    pub fn all(object: impl Into<String>) -> Self {
        let (object, view) = (object.into(), View::default());
        Self { object, start: Start::Beginning, page_size: None, filter: None, view }
    }
}

/// An item that the connector cannot read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Its identity.
    pub id: Option<String>,
    /// The item as it came; what is not JSON as one JSON text.
    pub raw: String,
    /// Why not, for people.
    pub reason: String,
}

/// One page of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// May be empty although `next` is present.
    pub records: Vec<DataRecord>,
    /// Records that the provider reports as gone; applied after `records`.
    pub deleted: Vec<String>,
    /// Items that the connector cannot read: the host keeps them aside and goes on.
    pub unreadable: Vec<Unreadable>,
    /// `None`: this scan is complete.
    pub next: Option<String>,
    /// With `next`: not sooner than in so many milliseconds, since the provider is
    /// still at work.
    pub not_before_ms: Option<u32>,
    /// Hand it to `since` next time. On the last page, or on any page that is a
    /// safe point to start again from.
    pub bookmark: Option<String>,
    /// Number of records in the whole scan, when the provider tells.
    pub total: Option<u32>,
    /// What later versions add.
    pub more: Vec<(String, String)>,
}
