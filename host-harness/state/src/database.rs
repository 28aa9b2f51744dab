//! What a program asks of a database that keeps everything, whichever it is.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use connector_contract::clock::Clock;
use connector_contract::limits::Slots;

use crate::access::Access;
use crate::hosts::Hosts;
use crate::inbox::Inbox;
use crate::journal::Journal;
use crate::lists::Lists;
use crate::mirror::Mirror;
use crate::moving::Moving;
use crate::outbox::Outbox;
use crate::push::Intents;
use crate::push::runs::Runs;
use crate::rates::{Booked, Rates};
use crate::views::ViewFile;
use crate::{Answer, Sealed, Store};

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
    + Lists
    + Runs
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
