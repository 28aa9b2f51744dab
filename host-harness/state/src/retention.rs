//! How long what is kept stays, unless it is needed longer.
//!
//! | what | for | but |
//! |---|---|---|
//! | changes | [`CHANGES_MS`] | those that an active consumer or forward has not had stay |
//! | a consumer or forward that is silent | [`SILENT_MS`] | then it holds nothing back, and is told so when it comes again |
//! | changes that a forward's target did not take | as long as the change | those that wait for a try are parked after seven days ([`crate::outbox::plan`]) |
//! | records that were removed | as long as the change that says so | |
//! | deliveries that are applied | [`DELIVERIES_MS`] | those that wait or are dead letters stay |
//! | keys of events, which tell a repeat | between [`EVENT_KEYS_MS`] and twice that | |
//! | runs of pushes that ended | [`PUSHES_MS`] | |

const HOUR_MS: u64 = 60 * 60 * 1_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Changes of records.
pub const CHANGES_MS: u64 = 30 * DAY_MS;
/// The position of a consumer or forward that does not move while there are changes.
pub const SILENT_MS: u64 = 30 * DAY_MS;
/// Deliveries of events that were applied.
pub const DELIVERIES_MS: u64 = 72 * HOUR_MS;
/// Keys by which a repeated event is known.
pub const EVENT_KEYS_MS: u64 = 7 * DAY_MS;
/// Pushes, since their end.
pub const PUSHES_MS: u64 = 30 * DAY_MS;
