//! Which version of a record wins. Pure.
//!
//! Providers' times are whole seconds, lists lag behind, deliveries come late and twice. The first
//! line that fits decides:
//!
//! | what is kept | what arrived | decision |
//! |---|---|---|
//! | nothing | anything | `Apply` |
//! | the same content, live | anything | `Keep`: nothing is written but a later `updated-at` ([`is_later`]) |
//! | the same content, aged out | anything but a page | `Keep` |
//! | any | an earlier `updated-at` | `Stale` |
//! | live or aged out | a later `updated-at` | `Apply` |
//! | any | a lookup, or the answer to our own write, asked after what is kept came | `Apply` |
//! | any | one of these, asked before | `LookUp`, again |
//! | live or aged out | a page, asked after what is kept came, and no young tie | `Apply` |
//! | any | otherwise: a tie, or deleted | `LookUp` |
//!
//! "Asked after" compares numbers of changes ([`super::Mirror::moment`]), not clocks. A tie is an
//! equal or missing `updated-at` with other content; for an object whose records have no
//! `updated-at` at all, pages decide. A removed record is brought back by a lookup alone, since a
//! list may show it for a while after its end.
//!
//! Two things cannot be told apart here, and heal with the next change or full scan: a record that
//! goes within one second to another content and back, and an id that is removed and used again,
//! both while requests for it are on their way.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{RecordState, Source};

/// A tie of a page is young for so many seconds: its list may still lag behind.
const YOUNG_S: i64 = 120;

/// What is kept of a record.
#[derive(Debug, Clone, Copy)]
pub struct KeptVersion<'a> {
    /// Whether it is still there.
    pub state: RecordState,
    /// Provider's time of change.
    pub updated_at: Option<&'a str>,
    /// Hash of its content.
    pub hash: &'a [u8; 32],
    /// Number of the change that made it so.
    pub change: u64,
}

/// What arrived of it.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// What brought it.
    pub source: Source,
    /// Newest change when the request was begun.
    pub asked: u64,
    /// Provider's time of change.
    pub updated_at: Option<&'a str>,
    /// Hash of its content.
    pub hash: &'a [u8; 32],
    /// Now, in seconds since 1970 by the host's clock: tells a young tie.
    pub now_s: i64,
}

/// What to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is the newest version.
    Apply,
    /// It says what is known.
    Keep,
    /// It is older than what is kept.
    Stale,
    /// It cannot be told: ask for the record by its id.
    LookUp,
}

/// Decides by the table above.
#[must_use]
pub fn decide(kept: Option<&KeptVersion<'_>>, arrived: &Arrived<'_>) -> Decision {
    let Some(kept) = kept else { return Decision::Apply };
    let is_there = kept.state != RecordState::Deleted;
    let same = kept.hash == arrived.hash;
    if same && (kept.state == RecordState::Live || (is_there && arrived.source != Source::Page)) {
        return Decision::Keep;
    }
    let (old, new) = (instant(kept.updated_at), instant(arrived.updated_at));
    let order = old.zip(new).map(|(old, new)| new.cmp(&old));
    let after = arrived.asked >= kept.change;
    match (order, arrived.source) {
        (Some(std::cmp::Ordering::Less), _) => Decision::Stale,
        (Some(std::cmp::Ordering::Greater), _) if is_there => Decision::Apply,
        (_, Source::Ours | Source::Lookup) if after => Decision::Apply,
        (_, Source::Page) if is_there && after && !is_young(new, arrived.now_s) => Decision::Apply,
        _ => Decision::LookUp,
    }
}

/// Decides on the word that a record is gone.
///
/// | what is kept | who says so | decision |
/// |---|---|---|
/// | deleted | anybody | `Keep` |
/// | nothing | anybody | `Apply`: something older may still arrive |
/// | any other | a page, a lookup, our own write, asked after what is kept came | `Apply` |
/// | any other | otherwise | `LookUp` |
#[must_use]
pub fn decide_gone(kept: Option<&KeptVersion<'_>>, source: Source, asked: u64) -> Decision {
    match kept {
        Some(kept) if kept.state == RecordState::Deleted => Decision::Keep,
        None => Decision::Apply,
        Some(kept) if source != Source::Delivery && asked >= kept.change => Decision::Apply,
        Some(_) => Decision::LookUp,
    }
}

/// Whether the second time is later than the first one, or the first one is none.
#[must_use]
pub fn is_later(kept: Option<&str>, arrived: Option<&str>) -> bool {
    match (instant(kept), instant(arrived)) {
        (Some(kept), Some(arrived)) => arrived > kept,
        (None, arrived) => arrived.is_some(),
        (Some(_), None) => false,
    }
}

fn is_young(updated_at: Option<OffsetDateTime>, now_s: i64) -> bool {
    updated_at.is_some_and(|at| now_s.saturating_sub(at.unix_timestamp()) < YOUNG_S)
}

/// The provider's time (RFC 3339); one that cannot be read is none.
#[must_use]
pub fn instant(text: Option<&str>) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text?, &Rfc3339).ok()
}

#[cfg(test)]
mod tests;
