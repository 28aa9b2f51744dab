//! The handle to a simulator: what a test or a program does with it besides sending requests.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::data::{self, DataError};
use crate::dates;
use crate::journal::{Entry, Journal};
use crate::members::{Members, compact};
use crate::oauth::Traffic;
use crate::options::Options;
use crate::script::{Answer, Matcher, Script};
use crate::seed;
use crate::state::State;
use crate::store::Slot;
use crate::store::record::Record;
use crate::switches::Ghost;
use crate::trackings::scan;

/// A simulated AfterShip account. Clones are handles to the same one.
#[derive(Clone)]
pub struct Simulator(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    script: Mutex<Script>,
    journal: Mutex<Journal>,
    traffic: Mutex<Traffic>,
}

impl Simulator {
    /// An account without trackings and connections, with all couriers.
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Inner {
            journal: Mutex::new(Journal::new(options.journal_capacity)),
            script: Mutex::default(),
            traffic: Mutex::default(),
            state: Mutex::new(State::new(options)),
        }))
    }

    /// Adds `count` made-up trackings, about 3.5 KB each, spread over the retention up to now. They
    /// are the same for the same seed, count and time.
    pub fn seed(&self, seed: u64, count: usize) {
        let mut state = self.state();
        seed::fill(&mut state, seed, count);
    }

    /// Loads trackings from a JSON file, or from every `.json` file of a directory in the order of
    /// their names, and answers how many. A file holds a list answer, the answer of a single
    /// tracking, an array of trackings or one tracking. They are served token for token until a
    /// write changes them. An id met again replaces the earlier tracking.
    ///
    /// # Errors
    /// A file that cannot be read or holds something else; two ids with the same slug and number.
    pub fn load(&self, path: &Path) -> Result<usize, DataError> {
        let files = data::read(path)?;
        let mut count = 0;
        for (file, trackings) in files {
            for tracking in trackings {
                self.take_in(&tracking, State::admit).map_err(|error| error.within(&file))?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Puts in one tracking, given as JSON, in the place of one with the same id. It is kept token
    /// for token. Lists show it after [`Options::index_lag`].
    ///
    /// # Errors
    /// It is no JSON object; `id`, `tracking_number`, `slug`, `created_at` or `updated_at` is
    /// missing or malformed; another id has the same slug and number.
    pub fn insert(&self, tracking: &str) -> Result<(), DataError> {
        self.take_in(tracking, |state, record| {
            let now_ms = state.options.clock.now_ms();
            state.insert(record, now_ms)
        })
    }

    /// Puts the members of a JSON object in the place of a tracking's, and moves its `updated_at`
    /// to now unless the object brings one. Nothing is checked as a request would be.
    ///
    /// # Errors
    /// No such id; `changes` is no JSON object; the tracking would lose what it needs.
    pub fn update(&self, id: &str, changes: &str) -> Result<(), DataError> {
        let text = compact(changes);
        let changes = Members::parse(&text).ok_or_else(|| DataError::new("not a JSON object"))?;
        let mut state = self.settled();
        let now_ms = state.options.clock.now_ms();
        let found = state.store.find_by_any_id(id);
        let (slot, record) = found.ok_or_else(|| DataError::new(format!("no tracking {id}")))?;
        let record = record.clone();
        let mut members = record.members();
        members.set_text("updated_at", &dates::format_utc(now_ms));
        for (name, raw) in changes.iter() {
            members.set(name, raw.to_owned());
        }
        let mut changed =
            record.with_members(&members, &mut state.store.words).map_err(DataError::new)?;
        if changes.raw("updated_at").is_none() {
            changed.facts.updated_ms = now_ms;
        }
        state.replace(slot, changed, now_ms);
        Ok(())
    }

    /// Lets the carrier scan a shipment: one more checkpoint, whose tag (`InTransit`, `Delivered`,
    /// ...) becomes the tracking's.
    ///
    /// # Errors
    /// No such id.
    pub fn scan(&self, id: &str, tag: &str, message: &str) -> Result<(), DataError> {
        let mut state = self.settled();
        let now_ms = state.options.clock.now_ms();
        let found = state.store.find_by_any_id(id);
        let (slot, record) = found.ok_or_else(|| DataError::new(format!("no tracking {id}")))?;
        let record = record.clone();
        let members = scan::scanned(&record, tag, message, now_ms);
        let words = &mut state.store.words;
        let mut scanned = record.with_members(&members, words).map_err(DataError::new)?;
        scanned.facts.updated_ms = now_ms;
        state.replace(slot, scanned, now_ms);
        Ok(())
    }

    /// Moves a tracking's `updated_at` to now.
    ///
    /// # Errors
    /// No such id.
    pub fn touch(&self, id: &str) -> Result<(), DataError> {
        self.update(id, "{}")
    }

    /// Drops a tracking and answers its JSON, if there was one.
    pub fn remove(&self, id: &str) -> Option<String> {
        let mut state = self.settled();
        let (slot, _) = state.store.find_by_any_id(id)?;
        let now_ms = state.options.clock.now_ms();
        state.remove(slot, now_ms).map(|record| record.text.into())
    }

    /// Deletes a tracking in part: it goes on to show as `ghost` says, until it is
    /// [removed](Self::remove). Answers whether there was one.
    pub fn remove_in_part(&self, id: &str, ghost: Ghost) -> bool {
        let mut state = self.settled();
        let State { store, index, ghosts, .. } = &mut *state;
        let Some((_, record)) = store.find_by_any_id(id) else { return false };
        let id = record.facts.id.to_string();
        if ghost != Ghost::Listed {
            index.hide(store, &id);
        }
        ghosts.insert(id, ghost);
        true
    }

    /// All trackings as JSON, newest first, whatever their age.
    pub fn trackings(&self) -> Vec<String> {
        let state = self.settled();
        let all = 0..state.store.len();
        state.store.newest_first(all).map(|record| record.text.to_string()).collect()
    }

    /// The ids of all trackings, newest first.
    pub fn ids(&self) -> Vec<String> {
        let state = self.settled();
        let all = 0..state.store.len();
        state.store.newest_first(all).map(|record| record.facts.id.to_string()).collect()
    }

    /// One tracking as JSON.
    pub fn tracking(&self, id: &str) -> Option<String> {
        let state = self.settled();
        state.store.find_by_any_id(id).map(|(_, record)| record.text.to_string())
    }

    /// How many trackings there are.
    pub fn count(&self) -> usize {
        self.state().store.len()
    }

    /// How many changes lists do not show yet, because of [`Options::index_lag`].
    pub fn changes_unlisted(&self) -> usize {
        self.settled().index.waiting()
    }

    /// Changes the settings from now on.
    pub fn configure(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.state().options);
    }

    /// Now, on the simulator's clock, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.state().options.clock.now_ms()
    }

    /// Gives the next request that matches this answer instead of the true one. Answers wait in
    /// line; each is used once; keys and limits do not matter to them.
    pub fn answer_next(&self, matcher: Matcher, answer: Answer) {
        self.script().push(matcher, answer);
    }

    /// Forgets the scripted answers that wait.
    pub fn clear_answers(&self) {
        self.script().clear();
    }

    /// The journal so far, oldest first.
    pub fn journal(&self) -> Vec<Entry> {
        self.with_journal(|entries| entries.cloned().collect())
    }

    /// Reads the journal without copying it.
    pub fn with_journal<T>(&self, read: impl FnOnce(&mut dyn Iterator<Item = &Entry>) -> T) -> T {
        read(&mut self.journal_mut().entries().iter())
    }

    /// Forgets the journal so far.
    pub fn clear_journal(&self) {
        self.journal_mut().clear();
    }

    /// Writes every further request as one line of JSON as well.
    pub fn write_journal_to(&self, sink: impl Write + Send + 'static) {
        self.journal_mut().write_to(Box::new(sink));
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        lock(&self.0.script)
    }

    pub(crate) fn journal_mut(&self) -> MutexGuard<'_, Journal> {
        lock(&self.0.journal)
    }

    pub(crate) fn traffic(&self) -> MutexGuard<'_, Traffic> {
        lock(&self.0.traffic)
    }

    fn take_in(
        &self,
        tracking: &str,
        put: impl FnOnce(&mut State, Record) -> Result<Slot, String>,
    ) -> Result<(), DataError> {
        let text = compact(tracking);
        let members = Members::parse(&text).ok_or_else(|| DataError::new("not a JSON object"))?;
        let mut state = self.settled();
        let words = &mut state.store.words;
        let mut record = Record::from_members(&members, words).map_err(DataError::new)?;
        record.text = text.as_str().into();
        put(&mut state, record).map(drop).map_err(DataError::new)
    }

    /// The state with everything caught up to now.
    pub(crate) fn settled(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let now_ms = state.options.clock.now_ms();
        state.settle(now_ms);
        state
    }
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Simulator").field("trackings", &self.count()).finish()
    }
}

/// A panic elsewhere must not hide what a test wants to see.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
