//! What faces show of what is kept, as JSON documents: the command line prints them, the API answers them.
//! Times are RFC 3339 in UTC, without fractions of a second.

pub mod catalog;
mod changes;
mod connections;
mod deliveries;
mod forwards;
pub mod hidden;
mod planned;
mod pulls;
mod pushes;
mod records;
mod status;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use self::changes::{ChangeDocument, RuleDocument};
pub use self::connections::{ConnectionDocument, SecretDocument};
pub use self::deliveries::{
    DeadLetter, DeadLetterNumber, DeliveryDocument, DeliverySummary, EventDocument, dead_letters,
};
pub use self::forwards::{ForwardDocument, ParkedDocument};
pub use self::planned::{PlannedBody, PlannedRequest};
pub use self::pulls::PullDocument;
pub use self::pushes::{ItemDocument, PushDocument};
pub use self::records::{
    AnalyticsDocument, CountsDocument, DifferenceDocument, HistoryEntry, RuleCountDocument,
    ValueCount, differs, history_entry,
};
pub use self::status::{
    FailingStatus, HostStatus, LimitRates, LimitStatus, MinuteRate, ObjectStatus,
    SubscriptionStatus, kind_word, limit_rates, limits, objects, subscriptions,
};

/// `2026-11-24T03:29:59Z` (RFC 3339), of milliseconds since 1970; empty beyond the year 9999.
#[must_use]
pub fn date(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
    let date = OffsetDateTime::from_unix_timestamp(seconds).ok();
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_default()
}
