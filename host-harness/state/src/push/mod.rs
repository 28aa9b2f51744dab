//! What is kept of pushes: wishes to write, before they are sent and after.

mod intents;
pub mod plan;
mod rows;
pub mod runs;

pub use self::intents::{Claimed, Decided, Holder, IntentEnd, Intents};
pub use self::rows::{
    ClaimRow, Conflict, Decision, IntentCounts, IntentRow, IntentState, Mode, Outcome, PushRow,
    Sent,
};
