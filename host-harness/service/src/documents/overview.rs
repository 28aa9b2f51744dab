//! How a connection is, in one word: what needs somebody comes before what is under way.

use connector_state::rates::{RateRow, minute};
use connector_state::{ConnectionRow, Database, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use super::status::{
    LimitStatus, ObjectStatus, SubscriptionStatus, limits, objects, rates, subscriptions,
};
use super::{ConnectionDocument, date};
use connector_state::inbox::HookRow;

/// Failures in a row from which on somebody should look.
const FAILURES: u32 = 3;
/// A limit that is held for longer than this is worth a look.
const HELD_MS: u64 = 10 * 60 * 1_000;
/// Minutes of requests that are shown.
pub const MINUTES: u64 = 60;

/// A connection, and how it is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ConnectionOverview {
    /// Its name.
    pub name: String,
    /// Its authentication scheme.
    pub scheme: String,
    /// How it is.
    pub standing: Standing,
    /// In which group that is.
    pub group: StandingGroup,
    /// Live records of its main object.
    pub records: u64,
    /// Seconds since the main object was last read; null: never.
    pub behind_seconds: Option<u64>,
    /// Requests of each of the last 60 minutes, the newest last, under the limit that let most of them go.
    pub requests: Vec<u64>,
    /// When its last delivery came.
    pub last_delivery: Option<String>,
    /// Deliveries that came.
    pub deliveries: u64,
    /// Events that wait to be applied.
    pub waiting: u64,
    /// Dead letters.
    pub trouble: u64,
    /// What needs somebody.
    pub needs: Vec<Need>,
}

/// How a connection is: the first of these that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Standing {
    /// The provider has ended its grant.
    NeedsReconnect,
    /// Something that it needs is missing.
    NotConnected,
    /// Reading fails.
    Failing {
        /// When it is tried again.
        next: Option<String>,
        /// As `next`, in milliseconds since 1970.
        #[serde(skip)]
        next_ms: Option<u64>,
    },
    /// Deliveries may have been missed.
    MayMiss {
        /// Since when.
        since: String,
    },
    /// It waits for a limit.
    Waits {
        /// Until when.
        until: String,
        /// As `until`, in milliseconds since 1970.
        #[serde(skip)]
        until_ms: u64,
    },
    /// It is being read.
    Reading {
        /// Pages so far.
        pages: u64,
    },
    /// As it should be.
    Good,
    /// Nothing was read yet.
    New,
}

/// In which group a standing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StandingGroup {
    /// Somebody has to look.
    Needs,
    /// It is under way.
    Busy,
    /// As it should be.
    Good,
    /// Nothing was read yet.
    New,
}

impl StandingGroup {
    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Needs => "needs",
            Self::Busy => "busy",
            Self::Good => "good",
            Self::New => "new",
        }
    }
}

impl Standing {
    /// Its group.
    #[must_use]
    pub fn group(&self) -> StandingGroup {
        match self {
            Self::NeedsReconnect
            | Self::NotConnected
            | Self::Failing { .. }
            | Self::MayMiss { .. } => StandingGroup::Needs,
            Self::Waits { .. } | Self::Reading { .. } => StandingGroup::Busy,
            Self::Good => StandingGroup::Good,
            Self::New => StandingGroup::New,
        }
    }
}

/// Something that needs somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Need {
    /// What it is.
    pub cause: NeedCause,
    /// Of which object, where it is of one.
    pub object: Option<String>,
    /// Why, as it was told.
    pub reason: Option<String>,
    /// How often, or how many.
    pub count: u64,
    /// Since when.
    pub since: Option<String>,
    /// When something happens by itself.
    pub by_itself: Option<String>,
}

/// Why somebody is needed, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NeedCause {
    /// The provider has ended the grant.
    GrantEnded,
    /// A secret is missing.
    SecretMissing,
    /// Reading has failed several times in a row.
    FailingReads,
    /// Deliveries may have been missed.
    Gap,
    /// Deliveries came that did not verify.
    Refused,
    /// A full read did not see too many records, and nothing was removed.
    SweepAlarm,
    /// The provider asked to wait for long.
    Held,
}

/// What is known of a connection.
struct Known<'k> {
    state: Option<&'static str>,
    objects: &'k [ObjectStatus],
    subscriptions: &'k [SubscriptionStatus],
    limits: &'k [LimitStatus],
    now_ms: u64,
}

/// How a connection is, and what it needs. `main`: the object that its records are counted of; `document`:
/// the connection as it is shown; `hook`: where its deliveries come to.
///
/// # Errors
/// When the state cannot be read.
pub async fn overview(
    database: &dyn Database,
    row: &ConnectionRow,
    document: &ConnectionDocument,
    hook: Option<&HookRow>,
    main: &str,
    now_ms: u64,
) -> Result<ConnectionOverview, StoreError> {
    let objects = objects(database, row, now_ms).await?;
    let subscriptions = subscriptions(database, row, hook).await?;
    let subscriptions: Vec<_> = subscriptions.into_iter().map(|(_, shown)| shown).collect();
    let limits = limits(database, row, now_ms).await?;
    let now_minute = minute(database.time());
    let since = now_minute.saturating_sub(MINUTES - 1);
    let requests = requests(&rates(database, row, since).await?, since);
    let known = Known {
        state: document.state,
        objects: &objects,
        subscriptions: &subscriptions,
        limits: &limits,
        now_ms,
    };
    let (standing, needs) = (known.standing(), known.needs());
    let of_main = objects.iter().find(|object| object.object == main);
    let letters: u64 = objects.iter().map(|object| object.dead_letters).sum();
    let first = subscriptions.first().map(|one| &one.subscription);
    let dead = first.map_or(0, |one| one.dead);
    Ok(ConnectionOverview {
        name: row.name.clone(),
        scheme: row.scheme.clone(),
        group: standing.group(),
        standing,
        records: of_main.map_or(0, |object| object.records),
        behind_seconds: of_main.and_then(|object| object.lag_seconds),
        requests,
        last_delivery: subscriptions.iter().filter_map(|it| it.subscription.last.clone()).max(),
        deliveries: subscriptions.iter().map(|it| it.subscription.deliveries).sum(),
        waiting: first.map_or(0, |one| one.waiting),
        trouble: letters + dead,
        needs,
    })
}

/// Requests by minute, under the limit that let most of them go: a request counts under several.
fn requests(rows: &[RateRow], since: u64) -> Vec<u64> {
    let same =
        |one: &RateRow, other: &RateRow| (&one.account, &one.name) == (&other.account, &other.name);
    let limits = rows.chunk_by(same);
    let most = limits.max_by_key(|rows| rows.iter().map(|row| row.counts.sent).sum::<u64>());
    let mut minutes = vec![0; usize::try_from(MINUTES).unwrap_or_default()];
    for row in most.unwrap_or_default() {
        let at = usize::try_from(row.minute.saturating_sub(since)).unwrap_or(usize::MAX);
        if let Some(minute) = minutes.get_mut(at) {
            *minute += row.counts.sent;
        }
    }
    minutes
}

impl Known<'_> {
    fn gap(&self) -> Option<String> {
        self.subscriptions.iter().find_map(|one| one.subscription.gap_since.clone())
    }

    /// The object whose reads fail most.
    fn failing(&self) -> Option<&ObjectStatus> {
        let failing = self.objects.iter().filter(|object| object.failures >= FAILURES);
        failing.max_by_key(|object| object.failures)
    }

    fn standing(&self) -> Standing {
        match self.state {
            Some("needs-reconnect") => return Standing::NeedsReconnect,
            Some("not-connected") => return Standing::NotConnected,
            _ => {}
        }
        if let Some(object) = self.failing() {
            return Standing::Failing { next: object.next.clone(), next_ms: object.next_ms };
        }
        if let Some(since) = self.gap() {
            return Standing::MayMiss { since };
        }
        let until_ms = self.limits.iter().map(|limit| limit.until_ms).max();
        if let Some(until_ms) = until_ms.filter(|until| *until > self.now_ms + 1_000) {
            return Standing::Waits { until: date(until_ms), until_ms };
        }
        if let Some(object) = self.objects.iter().find(|object| object.running) {
            return Standing::Reading { pages: object.pages };
        }
        match self.objects.iter().any(|object| object.completed.is_some()) {
            true => Standing::Good,
            false => Standing::New,
        }
    }

    fn needs(&self) -> Vec<Need> {
        let need = |cause| Need {
            cause,
            object: None,
            reason: None,
            count: 1,
            since: None,
            by_itself: None,
        };
        let mut needs = Vec::new();
        match self.state {
            Some("needs-reconnect") => needs.push(need(NeedCause::GrantEnded)),
            Some("not-connected") => needs.push(need(NeedCause::SecretMissing)),
            _ => {}
        }
        if let Some(object) = self.failing() {
            needs.push(Need {
                object: Some(object.object.clone()),
                reason: object.error.clone(),
                count: object.failures.into(),
                by_itself: object.next.clone(),
                ..need(NeedCause::FailingReads)
            });
        }
        if let Some(since) = self.gap() {
            needs.push(Need { since: Some(since), ..need(NeedCause::Gap) });
        }
        let refused = self.subscriptions.iter().map(|one| &one.subscription);
        // Of a connection, whatever the object; and told as long as none has verified since.
        let refused = refused.filter(|one| one.last_refused > one.last).max_by_key(|it| it.refused);
        if let Some(one) = refused.filter(|one| one.refused.unwrap_or_default() > 0) {
            needs.push(Need {
                count: one.refused.unwrap_or_default(),
                since: one.last_refused.clone(),
                ..need(NeedCause::Refused)
            });
        }
        let alarm =
            self.objects.iter().find(|object| object.failures == 0 && object.error.is_some());
        if let Some(object) = alarm {
            needs.push(Need {
                object: Some(object.object.clone()),
                reason: object.error.clone(),
                ..need(NeedCause::SweepAlarm)
            });
        }
        let held =
            self.limits.iter().filter(|it| it.limit.held && it.until_ms > self.now_ms + HELD_MS);
        if let Some(limit) = held.max_by_key(|limit| limit.until_ms) {
            needs.push(Need {
                reason: Some(limit.limit.name.clone()),
                by_itself: Some(limit.limit.free.clone()),
                ..need(NeedCause::Held)
            });
        }
        needs
    }
}

#[cfg(test)]
mod tests {
    use connector_state::rates::RateCounts;

    use super::*;

    fn known<'k>(objects: &'k [ObjectStatus], limits: &'k [LimitStatus]) -> Known<'k> {
        Known { state: Some("connected"), objects, subscriptions: &[], limits, now_ms: 1_000_000 }
    }

    fn object(failures: u32, running: bool, is_read: bool) -> ObjectStatus {
        let completed_ms = is_read.then_some(5);
        let row = connector_state::mirror::ScanRow {
            failures,
            running,
            completed_ms,
            pages: 7,
            error: (failures > 0).then(|| "away".to_owned()),
            ..connector_state::mirror::ScanRow::new("c", "things")
        };
        super::super::status::object("c", row, (3, 0, 0), 0, None, 1_000_000)
    }

    #[test]
    fn what_needs_somebody_comes_before_what_is_under_way() {
        let (read, reading) = ([object(0, false, true)], [object(0, true, true)]);
        assert_eq!(known(&read, &[]).standing(), Standing::Good);
        assert_eq!(known(&[], &[]).standing(), Standing::New);
        assert_eq!(known(&reading, &[]).standing(), Standing::Reading { pages: 7 });
        // Two failures pass by themselves.
        let (twice, thrice) = ([object(2, false, true)], [object(3, true, true)]);
        assert_eq!(known(&twice, &[]).standing(), Standing::Good);
        let failing = known(&thrice, &[]);
        assert_eq!(failing.standing().group(), StandingGroup::Needs);
        assert_eq!(failing.needs()[0].cause, NeedCause::FailingReads);
        assert_eq!(failing.needs()[0].count, 3);
        let ended = Known { state: Some("needs-reconnect"), ..known(&thrice, &[]) };
        assert_eq!(ended.standing(), Standing::NeedsReconnect);
        assert_eq!(ended.needs()[0].cause, NeedCause::GrantEnded);
    }

    #[test]
    fn requests_are_counted_once_though_several_limits_let_them_go() {
        let row = |name: &str, minute, sent| RateRow {
            account: "a".to_owned(),
            name: name.to_owned(),
            minute,
            counts: RateCounts { sent, ..RateCounts::default() },
        };
        let rows = [row("all", 100, 5), row("all", 102, 2), row("one", 100, 5)];
        let found = requests(&rows, 100);
        assert_eq!((found.len(), &found[..4]), (60, &[5, 0, 2, 0][..]));
    }
}
