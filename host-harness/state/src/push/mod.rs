//! What is kept of pushes: wishes to write, before they are sent and after.

mod intents;
mod rows;

pub use self::intents::{Claimed, End, Holder, Intents};
pub use self::rows::{Counts, IntentRow, IntentState, Mode, Outcome, PushRow, Sent};
