//! What the program asks of a database, whichever it is.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use host_harness::clock::Clock;
use host_harness::contract::limits::Slots;
use host_harness::journal::Journal;
use host_harness::mirror::Mirror;
use host_harness::state::access::Access;
use host_harness::state::hosts::Hosts;
use host_harness::state::inbox::Inbox;
use host_harness::state::moving::Moving;
use host_harness::state::outbox::Outbox;
use host_harness::state::push::Intents;
use host_harness::state::rates::{Booked, Rates};
use host_harness::state::views::ViewFile;
use host_harness::store::{Answer, Postgres, Sealed, Sqlite, Store, StoreError};

/// Everything that is kept between calls.
pub trait Database:
    Store
    + Mirror
    + Intents
    + Inbox
    + Outbox
    + Journal
    + Rates
    + Hosts
    + Access
    + Moving
    + Slots
    + 'static
{
    /// The limits of these scopes that are used up after `now_ms`, by whatever process.
    fn booked(&self, scopes: Vec<String>, now_ms: u64) -> Answer<'_, Vec<Booked>>;

    /// Whether all of it can be read.
    fn check(&self) -> Answer<'_, ()>;

    /// Copies it into a file; `None` where that is done by the database's own tools.
    fn backup(&self, to: &Path) -> Option<Answer<'_, ()>>;

    /// Makes the tables of a connector's view file. Answers their names, or the name that something else
    /// has.
    fn make_views(
        &self,
        connector: &str,
        file: &ViewFile,
    ) -> Answer<'_, Result<Vec<String>, String>>;

    /// Where hosts on several machines share it: what the first one's master key has sealed, `new` where
    /// there was none. `None`: its connections alone tell the key.
    fn master_proof(&self, new: Option<Sealed>) -> Answer<'_, Option<Sealed>>;
}

/// The time as the state tells it, which all hosts on it share.
pub struct StateClock(pub Arc<dyn Database>);

impl Clock for StateClock {
    fn now(&self) -> SystemTime {
        self.0.time()
    }
}

impl Database for Sqlite {
    fn booked(&self, scopes: Vec<String>, now_ms: u64) -> Answer<'_, Vec<Booked>> {
        Self::booked(self, scopes, now_ms)
    }

    fn check(&self) -> Answer<'_, ()> {
        Self::check(self)
    }

    fn backup(&self, to: &Path) -> Option<Answer<'_, ()>> {
        Some(Self::backup(self, to))
    }

    fn make_views(
        &self,
        connector: &str,
        file: &ViewFile,
    ) -> Answer<'_, Result<Vec<String>, String>> {
        Self::make_views(self, connector, file)
    }

    fn master_proof(&self, _: Option<Sealed>) -> Answer<'_, Option<Sealed>> {
        Box::pin(std::future::ready(Ok::<_, StoreError>(None)))
    }
}

impl Database for Postgres {
    fn booked(&self, scopes: Vec<String>, now_ms: u64) -> Answer<'_, Vec<Booked>> {
        Self::booked(self, scopes, now_ms)
    }

    fn check(&self) -> Answer<'_, ()> {
        Self::check(self)
    }

    fn backup(&self, _: &Path) -> Option<Answer<'_, ()>> {
        None
    }

    fn make_views(
        &self,
        connector: &str,
        file: &ViewFile,
    ) -> Answer<'_, Result<Vec<String>, String>> {
        Self::make_views(self, connector, file)
    }

    fn master_proof(&self, new: Option<Sealed>) -> Answer<'_, Option<Sealed>> {
        Self::master_proof(self, new)
    }
}
