//! What `listen` shows while it runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use host_harness::webhooks::{Note, Notes};

use crate::cli::dead_letters::DeadLetterNumber;
use crate::cli::output::{date, printable};
use crate::cli::watch::Watch;

/// The same refusal is shown no more often than this: strangers decide how many there are.
const REFUSED_EVERY: Duration = Duration::from_secs(10);
/// The same failure is shown no more often than this.
const FAILING_EVERY: Duration = Duration::from_secs(300);

/// Shows notes on stderr.
pub struct NotePrinter {
    watch: Arc<Watch>,
    names: Mutex<HashMap<String, String>>,
    /// When what was shown last.
    shown: Mutex<HashMap<String, Instant>>,
}

impl NotePrinter {
    /// Shows them by `watch`.
    pub fn new(watch: Arc<Watch>) -> Self {
        Self { watch, names: Mutex::default(), shown: Mutex::default() }
    }

    /// A connection's name, by its id.
    pub fn name(&self, id: &str, name: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(id.to_owned(), name.to_owned());
    }

    fn whose(&self, id: &str) -> String {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    fn is_news(&self, what: String, every: Duration) -> bool {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|_, at| at.elapsed() < FAILING_EVERY);
        let news = shown.get(&what).is_none_or(|at| at.elapsed() >= every);
        if news {
            shown.insert(what, Instant::now());
        }
        news
    }
}

impl Notes for NotePrinter {
    fn note(&self, note: &Note) {
        match note {
            Note::Kept { connection, delivery, events } => {
                let (whose, events) = (self.whose(connection), events.join(", "));
                self.watch.detail(&format!("{whose}: delivery {delivery}: {}", printable(&events)));
            }
            Note::Refused { connection, from, status, why } => {
                if !self.is_news(format!("{connection:?} {status}"), REFUSED_EVERY) {
                    return;
                }
                let whose = connection.as_ref().map_or_else(String::new, |id| self.whose(id));
                let from = from.map_or_else(String::new, |from| format!(" from {from}"));
                let why = printable(why.trim_end());
                self.watch.tell(&format!("{whose}: a delivery{from} got {status}: {why}"));
            }
            Note::Dead { connection, event, why } => {
                let (whose, why) = (self.whose(connection), printable(why));
                let number = DeadLetterNumber::Event(*event);
                self.watch.tell(&format!(
                    "{whose}: gave up on the event {number}: {why}\n  next: `dead-letters list` \
                     shows it, `dead-letters replay {number}` tries it again"
                ));
            }
            Note::Disconnected { connection } => {
                let whose = self.whose(connection);
                self.watch.say(&format!(
                    "{whose}: the customer has withdrawn the grant at the provider\n  next: `connect` again"
                ));
            }
            Note::Gap { connection, since_ms } => {
                let (whose, since) = (self.whose(connection), date(*since_ms));
                self.watch.tell(&format!("{whose}: deliveries may be missing since {since}"));
            }
            Note::Failing { what, why } => {
                let line = format!("{what} fails, and is tried again: {}", printable(why));
                if self.is_news(line.clone(), FAILING_EVERY) {
                    self.watch.tell(&line);
                }
            }
        }
    }
}
