//! What faces show of what is kept, as JSON documents: the command line prints them, the API answers them.
//! Times are RFC 3339 in UTC, without fractions of a second.

pub mod catalog;
mod changes;
mod connections;
mod deliveries;
mod forwards;
pub mod hidden;
mod journal;
mod overview;
mod planned;
mod pulls;
mod pushes;
mod received;
mod records;
mod status;
mod troubles;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use self::changes::{ChangeDocument, RuleDocument};
pub use self::connections::{ConnectionDocument, SecretDocument};
pub use self::deliveries::{
    DeadLetter, DeadLetterNumber, DeliveryDocument, DeliverySummary, EventDocument, dead_letters,
};
pub use self::forwards::{ForwardDocument, ParkedDocument};
pub use self::journal::JournalDocument;
pub use self::overview::{
    ConnectionOverview, MINUTES, Need, NeedCause, Standing, StandingGroup, overview,
};
pub use self::planned::{PlannedBody, PlannedItemDocument, PlannedRequest};
pub use self::pulls::PullDocument;
pub use self::pushes::{ConflictDocument, ItemDocument, PushDocument};
pub use self::received::{DeliveriesFound, DeliveriesQuery, ReceivedEvent, find_deliveries};
pub use self::records::{
    AnalyticsDocument, CountsDocument, DifferenceDocument, HistoryEntry, PerformanceDocument,
    ReasonDocument, RuleCountDocument, ValueCount, differs, history_entry,
};
pub use self::status::{
    FailingStatus, HostStatus, LimitRates, LimitStatus, MinuteRate, ObjectStatus,
    SubscriptionStatus, kind_word, limit_rates, limits, objects, subscriptions,
};
pub use self::troubles::{TroubleDocument, TroubleGroup, TroublesDocument};

/// `2026-11-24T03:29:59Z` (RFC 3339), of milliseconds since 1970; empty beyond the year 9999.
#[must_use]
pub fn date(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
    let date = OffsetDateTime::from_unix_timestamp(seconds).ok();
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_default()
}
