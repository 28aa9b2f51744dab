//! Subscriptions that end are made anew before they do.

use std::collections::HashMap;
use std::time::Duration;

use connector_contract::subscriptions::{SubscriptionOutcome, SubscriptionRequest};
use connector_runtime::retry::first_attempt;
use connector_runtime::{CallError, Connection};
use connector_state::mirror::version::instant;
use tokio::time::Instant;

use super::SubscriptionRow;

/// Renewed so long before the end, or when a fifth of its time is left, if that is shorter.
const BEFORE_MS: u64 = 24 * 3_600_000;
/// A renewal that failed is tried again after this time.
const AGAIN: Duration = Duration::from_secs(600);

/// When each subscription was last renewed, by connection and object, and which one a new one took
/// the place of. What a restart forgets ends by itself.
#[derive(Debug, Default)]
pub struct SubscriptionRenewal {
    tried: HashMap<(String, String), Instant>,
    replaced: HashMap<(String, String), String>,
}

impl SubscriptionRenewal {
    /// Renews `row` if it is time. Returns the row to keep, not proven yet where the provider made
    /// another subscription: the old one is kept until that one delivers.
    ///
    /// # Errors
    /// [`CallError`]; it is tried again.
    pub async fn renew(
        &mut self,
        connection: &Connection,
        row: &SubscriptionRow,
        now_ms: u64,
    ) -> Result<Option<SubscriptionRow>, CallError> {
        let key = (row.connection.clone(), row.object.clone());
        let tried = self.tried.get(&key).is_some_and(|at| at.elapsed() < AGAIN);
        if tried || !is_due(row, now_ms) {
            return Ok(None);
        }
        self.tried.insert(key.clone(), Instant::now());
        let request = SubscriptionRequest {
            object: row.object.clone(),
            events: row.events.clone(),
            target_url: row.url.clone(),
            renews: row.id.clone(),
            attempt: first_attempt()?,
        };
        Ok(match connection.subscribe(&request).await? {
            SubscriptionOutcome::Subscribed(made) => {
                let old = row.id.clone().filter(|old| *old != made.id);
                let proven_ms = row.proven_ms.filter(|_| old.is_none());
                if let Some(old) = old {
                    self.replaced.insert(key, old);
                }
                Some(SubscriptionRow {
                    id: Some(made.id),
                    expires_at: made.expires_at,
                    made_ms: now_ms,
                    proven_ms,
                    ..row.clone()
                })
            }
            SubscriptionOutcome::Manual(_) => None,
        })
    }

    /// Whether a subscription waits for the first delivery of the one that takes its place.
    #[must_use]
    pub fn is_replacing(&self) -> bool {
        !self.replaced.is_empty()
    }

    /// Ends the subscription that `row` took the place of, once a delivery has proven `row`.
    ///
    /// # Errors
    /// [`CallError`]; it then ends by itself.
    pub async fn end_replaced(
        &mut self,
        connection: &Connection,
        row: &SubscriptionRow,
    ) -> Result<(), CallError> {
        let key = (row.connection.clone(), row.object.clone());
        if row.proven_ms.is_none() {
            return Ok(());
        }
        match self.replaced.remove(&key) {
            Some(old) => connection.unsubscribe(&row.object, &old).await,
            None => Ok(()),
        }
    }
}

fn is_due(row: &SubscriptionRow, now_ms: u64) -> bool {
    let at = instant(row.expires_at.as_deref());
    let at = at.and_then(|at| u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok());
    row.id.is_some()
        && at.is_some_and(|at| {
            let before = (at.saturating_sub(row.made_ms) / 5).min(BEFORE_MS);
            now_ms >= at.saturating_sub(before)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_renewed_before_it_ends() {
        let row = |made_ms, expires_at: Option<&str>| SubscriptionRow {
            connection: "c".to_owned(),
            object: "orders".to_owned(),
            events: vec![],
            url: "https://host.example/hooks/x".to_owned(),
            id: Some("s1".to_owned()),
            expires_at: expires_at.map(str::to_owned),
            made_ms,
            proven_ms: None,
            last_ms: None,
            deliveries: 0,
        };
        // 1,000 s after the beginning of 1970.
        let end = Some("1970-01-01T00:16:40+00:00");
        for (row, now_ms, due) in [
            (row(0, end), 799_999, false),
            (row(0, end), 800_000, true),
            (row(0, end), 2_000_000, true),
            (row(0, None), 2_000_000, false),
            (row(0, Some("soon")), 2_000_000, false),
            (row(0, Some("1970-02-01T00:00:00+00:00")), 30 * 24 * 3_600_000 - 1, false),
            (row(0, Some("1970-02-01T00:00:00+00:00")), 30 * 24 * 3_600_000, true),
            (SubscriptionRow { id: None, ..row(0, end) }, 2_000_000, false),
        ] {
            assert_eq!(is_due(&row, now_ms), due, "{row:?} at {now_ms}");
        }
    }
}
