//! Writing many records: each item kept before it is sent, applied once or reported, and known
//! as ours when it comes back.
//!
//! A source (see [`crate::source`], mapped if need be) becomes a run of intents in the store
//! ([`Push::read`]); the run is then worked off ([`Push::run`]), by one process or several, again
//! and again until every item has ended. What becomes of one item:
//!
//! 1. It is claimed, and with it the right to write its record: nobody else writes it meanwhile.
//! 2. Records that are there already are looked for, many items in one call.
//! 3. `sending` is kept on the disk, then the write is sent. Whoever finds `sending` left behind
//!    looks for the record before anything is sent again.
//! 4. The answer ends the intent and goes into the mirror as ours, in one transaction.

mod conflict;
mod differences;
mod engine;
mod error;
mod finder;
mod item;
mod items;
pub mod mapping;
mod plan;
mod sealing;
mod shape;
mod source;
mod stored;
mod work;
mod write;

pub use self::engine::{Push, Summary};
pub use self::error::PushError;
pub use self::item::OnConflict;
pub use self::items::fit;
pub use self::plan::PlannedItem;
pub use self::source::StoredRun;
pub use self::stored::FailedRows;
pub use connector_state::Word;
pub use connector_state::push::{Claimed, Conflict, Decided, Decision, Holder, IntentEnd, Intents};
pub use connector_state::push::{
    IntentCounts, IntentRow, IntentState, Mode, Outcome, PushRow, Sent,
};
