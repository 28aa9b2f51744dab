//! Hands changes on to a service of the user's own: filtered, signed, in order for each record,
//! at least once, each under an id that stays.
//!
//! A target that takes nothing is waited for, and nothing is skipped. A change that it does not
//! take while it takes others is parked, with those of the same record that follow, and tried
//! again on its own: one record that a target chokes on does not hold up the rest.

mod filter;
mod message;
mod send;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use connector_contract::backoff::Backoff;
use connector_contract::clock::Clock;
use connector_state::StoreError;
use connector_state::mirror::ChangeRow;
use connector_state::outbox::{Missed, Outbox, Outgoing, Parked};
use tokio::sync::Notify;
use tokio::time::sleep;

pub use self::filter::Filter;
use self::message::Message;
pub use self::message::{BadSecret, Signer};
pub use self::send::ForwardTarget;
use self::send::NotTaken;
use super::Notes;

/// How often the log is looked into when nobody says that something changed.
const TICK: Duration = Duration::from_secs(1);
/// Changes that are taken up together.
const TOGETHER: u32 = 64;
/// Pauses while a target takes nothing, or the store fails.
const TOOK_NOTHING: Backoff =
    Backoff::new(&[1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000]);
/// Pauses of a change that its target alone refuses.
const PARKED: Backoff =
    Backoff::new(&[5_000, 20_000, 80_000, 320_000, 1_280_000, 5_120_000, 4 * 3_600_000]);
/// A parked change is given up after a week.
const GIVE_UP_MS: u64 = 7 * 24 * 3_600_000;

/// Hands changes on to one target.
pub struct Forwarder {
    /// The log of changes.
    pub outbox: Arc<dyn Outbox>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Hears of what fails.
    pub notes: Arc<dyn Notes>,
    /// Who gets them.
    pub target: ForwardTarget,
    /// A change is handed on that one of these takes; without any, every one.
    pub filters: Vec<Filter>,
}

impl Forwarder {
    /// Hands changes on until `stop`; a message that is under way then is sent again by the next
    /// run. `changed` says that there are new ones.
    pub async fn run(&self, changed: &Notify, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = stop => {}
            () = self.forward(changed) => {}
        }
    }

    /// Changes from now on are to be handed on. [`Forwarder::run`] does this too; done before
    /// anything is received, it leaves none out.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn open(&self) -> Result<(), StoreError> {
        self.outbox.begin_target(self.target.name()).await
    }

    async fn forward(&self, changed: &Notify) {
        let mut failures = 0;
        loop {
            match self.round().await {
                Ok(true) => {
                    failures = 0;
                    continue;
                }
                Ok(false) => {}
                Err(NotTaken { why, pause }) => {
                    if failures == 0 {
                        self.fails(&why);
                    }
                    failures += 1;
                    sleep(TOOK_NOTHING.pause(failures).max(pause.unwrap_or_default())).await;
                    continue;
                }
            }
            tokio::select! {
                biased;
                () = changed.notified() => {}
                () = sleep(TICK) => {}
            }
        }
    }

    /// Parked changes that are due, then some that the target has not seen. Returns whether there
    /// were any.
    async fn round(&self) -> Result<bool, NotTaken> {
        self.open().await?;
        self.tell_missed().await?;
        let parked = self.retry_parked().await?;
        let changes = self.outbox.outgoing(self.target.name(), TOGETHER).await?;
        if changes.is_empty() {
            return Ok(parked);
        }
        // Those of a connection come in order.
        let last: BTreeMap<String, u64> = changes
            .iter()
            .map(|outgoing| (outgoing.change.connection.clone(), outgoing.change.number))
            .collect();
        let wanted: Vec<&Outgoing> = changes.iter().filter(|one| self.wants(one)).collect();
        let numbers = wanted.iter().map(|one| key(&one.change)).collect();
        let behind = self.outbox.behind_parked(self.target.name(), numbers).await?;
        let mut stuck: HashSet<(&str, &str, &str)> = HashSet::new();
        let (mut sent, mut not_sent) = (0, Vec::new());
        let mut refused = None;
        for outgoing in &wanted {
            let change = &outgoing.change;
            let record = (change.connection.as_str(), change.object.as_str(), change.id.as_str());
            let mut why = "one of its record before it was not taken".to_owned();
            if !stuck.contains(&record) && !behind.contains(&key(change)) {
                let Err(not_taken) = self.send(outgoing).await else {
                    sent += 1;
                    continue;
                };
                stuck.insert(record);
                why.clone_from(&not_taken.why);
                refused.get_or_insert(not_taken);
                // Nothing is taken at all, it seems: do not try them all.
                if sent == 0 && stuck.len() >= 3 {
                    break;
                }
            }
            not_sent.push(self.parked(key(change), 0, self.clock.now_ms(), why));
        }
        match refused {
            Some(not_taken) if sent == 0 => Err(not_taken),
            _ => {
                let last = last.into_iter().collect();
                self.outbox.taken(self.target.name(), last, not_sent).await?;
                Ok(true)
            }
        }
    }

    /// Says what was forgotten before the target had it, and goes on from there.
    async fn tell_missed(&self) -> Result<(), StoreError> {
        let name = self.target.name();
        for Missed { connection, name: whose, position, forgotten } in
            self.outbox.missed(name).await?
        {
            self.fails(&format!(
                "changes {} to {forgotten} of {whose} were forgotten, since it took none for too \
                 long; `export` has the records as they are, and later changes follow",
                position + 1
            ));
            self.outbox.taken(name, vec![(connection, forgotten)], vec![]).await?;
        }
        Ok(())
    }

    /// Returns whether any was taken.
    async fn retry_parked(&self) -> Result<bool, StoreError> {
        let name = self.target.name();
        let mut any = false;
        for (parked, outgoing) in self.outbox.due_parked(name, TOGETHER).await? {
            let again = match self.send(&outgoing).await {
                Ok(()) => {
                    any = true;
                    None
                }
                Err(not_taken) if self.clock.now_ms() >= parked.since_ms + GIVE_UP_MS => {
                    let why = format!(
                        "change {} was not taken for a week and is given up: {}",
                        parked.change, not_taken.why
                    );
                    self.fails(&why);
                    None
                }
                Err(not_taken) => {
                    let attempts = parked.attempts + 1;
                    Some(self.parked(
                        key(&outgoing.change),
                        attempts,
                        parked.since_ms,
                        not_taken.why,
                    ))
                }
            };
            self.outbox.tried(name, &outgoing.change.connection, parked.change, again).await?;
        }
        Ok(any)
    }

    fn parked(
        &self,
        (connection, change): (String, u64),
        attempts: u32,
        since_ms: u64,
        reason: String,
    ) -> Parked {
        let next_ms = self.clock.now_ms() + PARKED.pause_ms(attempts + 1);
        Parked { connection, change, since_ms, attempts, next_ms, reason }
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<(), NotTaken> {
        self.target.send(&Message::of(outgoing), self.clock.now_ms() / 1_000).await
    }

    fn wants(&self, outgoing: &Outgoing) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| filter.takes(outgoing))
    }

    fn fails(&self, why: &str) {
        let why = format!("{}: {why}", self.target.name());
        self.notes.failing("handing changes on", &why);
    }
}

/// By what a change is known: its connection, and its number there.
fn key(change: &ChangeRow) -> (String, u64) {
    (change.connection.clone(), change.number)
}
