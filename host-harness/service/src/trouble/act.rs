//! What is done about troubles: by the functions that do it to one.

use std::collections::{BTreeMap, BTreeSet};

use connector_state::outbox::WhichParked;
use connector_state::push::{Decided, Decision};
use connector_state::{Database, StoreError};

use super::{TroubleItem, TroubleScope, TroubleSource, find};

/// Conflicts that are decided about in one commit.
const AT_ONCE: usize = 100;

/// What is done about a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// It is tried again. An item of a push is looked for before it is sent.
    Replay,
    /// It is forgotten.
    Drop,
    /// Ours is written over somebody else's change.
    Ours,
    /// Somebody else's change stays.
    Theirs,
}

impl Treatment {
    /// As it is written in addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Drop => "drop",
            Self::Ours => "ours",
            Self::Theirs => "theirs",
        }
    }

    /// The one of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Replay, Self::Drop, Self::Ours, Self::Theirs]
            .into_iter()
            .find(|treatment| treatment.word() == word)
    }
}

/// Which troubles are meant: those of a group, or some of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    /// The group.
    pub group: String,
    /// The items' numbers; none: all of the group.
    pub numbers: BTreeSet<String>,
}

impl Which {
    fn means(&self, item: &TroubleItem, connector: &str) -> bool {
        (self.numbers.is_empty() || self.numbers.contains(&item.number))
            && item.group(connector) == self.group
    }
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acted {
    /// About so many it was done.
    pub done: u64,
    /// So many were dealt with meanwhile, or have changed.
    pub passed: u64,
    /// Runs of pushes that have to go on, each with the id of its connection.
    pub runs: BTreeMap<String, String>,
    /// The group has more, which were not looked at.
    pub is_partial: bool,
}

/// Treats troubles. Those for which there is no such treatment stay as they are.
///
/// # Errors
/// When the state cannot be used; what was done stays so.
pub async fn act(
    database: &dyn Database,
    scope: &TroubleScope,
    which: &Which,
    treatment: Treatment,
) -> Result<Acted, StoreError> {
    let found = find(database, scope).await?;
    let is_meant = |item: &TroubleItem| {
        which.means(item, &scope.connector) && item.kind.treatments().contains(&treatment)
    };
    let items: Vec<TroubleItem> = found.items.into_iter().filter(is_meant).collect();
    let mut acted = Acted { is_partial: found.is_partial, ..Acted::default() };
    let mut conflicts: BTreeMap<String, Vec<(u64, [u8; 32])>> = BTreeMap::new();
    let mut parked: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
    for item in &items {
        match (&item.source, treatment) {
            (TroubleSource::Delivery { event, .. }, Treatment::Replay) => {
                acted.note(database.replay(*event).await?);
            }
            (TroubleSource::Delivery { event, .. }, _) => {
                acted.note(database.drop_event(*event).await?);
            }
            (TroubleSource::Scan { number }, _) => {
                acted.note(database.remove_dead_letter(*number).await?);
            }
            (TroubleSource::Push { run, index, theirs: Some(theirs) }, _) => {
                conflicts.entry(run.clone()).or_default().push((*index, *theirs));
                acted.runs.insert(run.clone(), item.connection.clone());
            }
            (TroubleSource::Push { run, .. }, _) => {
                acted.note(true);
                acted.runs.insert(run.clone(), item.connection.clone());
            }
            (TroubleSource::Forward { id, change, .. }, _) => {
                let of = (id.clone(), item.connection.clone());
                parked.entry(of).or_default().push(*change);
            }
        }
    }
    let decision = match treatment {
        Treatment::Ours => Decision::Ours,
        _ => Decision::Theirs,
    };
    for (run, items) in conflicts {
        for some in items.chunks(AT_ONCE) {
            let decided = database.decide(&run, some.to_vec(), decision).await?;
            decided.into_iter().for_each(|one| acted.note(one == Decided::Now));
        }
    }
    for ((forward, connection), changes) in parked {
        let asked = changes.len() as u64;
        let which = WhichParked { connection: Some(connection), changes };
        let done = match treatment {
            Treatment::Replay => database.retry_parked(&forward, which).await?,
            _ => database.drop_parked(&forward, which).await?,
        };
        acted.done += done;
        acted.passed += asked.saturating_sub(done);
    }
    Ok(acted)
}

impl Acted {
    fn note(&mut self, was_done: bool) {
        if was_done {
            self.done += 1;
        } else {
            self.passed += 1;
        }
    }
}
