//! How long what is kept stays, unless it is needed longer.
//!
//! | what | for | but |
//! |---|---|---|
//! | changes | [`CHANGES_MS`] | those that an active consumer or forward has not had stay |
//! | a consumer or forward that is silent | [`SILENT_MS`] | then it holds nothing back, and is told so when it comes again |
//! | versions that a change replaced | [`VERSIONS_MS`] at most, of the newest 20 to 29 of a record | see [`crate::mirror::history`] |
//! | those of a record that was removed | [`REMOVED_VERSIONS_MS`] | gone within 7 days |
//! | changes that a forward's target did not take | as long as the change | those that wait for a try are parked after seven days ([`crate::outbox::plan`]) |
//! | records that were removed | as long as the change that says so | |
//! | deliveries that are applied | [`DELIVERIES_MS`] | those that wait or are dead letters stay |
//! | keys of events, which tell a repeat | between [`EVENT_KEYS_MS`] and twice that | |
//! | runs of pushes that ended | [`PUSHES_MS`] | |
//! | conflicts of pushes | [`PUSHES_MS`], until somebody decides | then their items fail as undecided |
//! | requests of each minute and limit | [`RATES_MS`] | |
//! | writes that were asked for from beside the host, and tokens since they ended | [`WRITES_MS`] | |
//! | what was answered to them | [`ANSWERS_MS`] | |
//! | counts of reads | [`RATES_MS`] | |
//! | entries of the journal | [`JOURNAL_MS`] | ordinary reads become one row a day after [`SYNCS_MS`] |

const HOUR_MS: u64 = 60 * 60 * 1_000;
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

/// Changes of records.
pub const CHANGES_MS: u64 = 30 * DAY_MS;
/// Versions of records, since they were replaced.
pub const VERSIONS_MS: u64 = 30 * DAY_MS;
/// Versions of a record that was removed, since then. Looked for once a day, they are gone within 7 days.
pub const REMOVED_VERSIONS_MS: u64 = 5 * DAY_MS;
/// How often it is looked whether changes and versions are too old.
pub const LOOK_EVERY_MS: u64 = DAY_MS;
/// The position of a consumer or forward that does not move while there are changes.
pub const SILENT_MS: u64 = 30 * DAY_MS;
/// Deliveries of events that were applied.
pub const DELIVERIES_MS: u64 = 72 * HOUR_MS;
/// Keys by which a repeated event is known.
pub const EVENT_KEYS_MS: u64 = 7 * DAY_MS;
/// Requests of each minute and limit.
pub const RATES_MS: u64 = 8 * DAY_MS;
/// What happened to a connection.
pub const JOURNAL_MS: u64 = 90 * DAY_MS;
/// Ordinary reads, each on its own.
pub const SYNCS_MS: u64 = DAY_MS;
/// Pushes, since their end.
pub const PUSHES_MS: u64 = 30 * DAY_MS;
/// Writes that were asked for from beside the host, and tokens since they ended.
pub const WRITES_MS: u64 = 90 * DAY_MS;
/// What was answered to them, and the keys by which they are known when they are sent again.
pub const ANSWERS_MS: u64 = DAY_MS;
