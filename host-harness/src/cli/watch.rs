//! Watches a command: its progress, its trace and the connector's own log, all on
//! stderr and never into one another.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use host_harness::observe::{Event, Level, Observer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::options::CommonOptions;
use super::output::{printable, say};
use super::progress::{Pause, ProgressLine};
use super::told::LineQueue;
use super::{log, trace};

/// What takes less shows no progress.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the progress line is drawn.
const TICK: Duration = Duration::from_millis(150);

/// Everything that is shown while a command runs.
pub struct Watch {
    bar: ProgressBar,
    told: LineQueue,
    progress: Mutex<ProgressLine>,
    /// Somebody sits at the terminal and wants to see it.
    watched: bool,
    trace: bool,
    verbose: bool,
}

impl Watch {
    /// Shows nothing before [`Watch::start`].
    #[must_use]
    pub fn new(options: &CommonOptions) -> Arc<Self> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        let above = bar.clone();
        let told = LineQueue::new(move |line| above.suspend(|| say(line)));
        Arc::new(Self {
            bar,
            told,
            progress: Mutex::new(ProgressLine::new(Instant::now())),
            watched: std::io::stderr().is_terminal() && !options.quiet,
            trace: options.trace,
            verbose: options.verbose,
        })
    }

    /// Shows progress from one second on, until the watch is dropped or cleared.
    pub fn start(self: &Arc<Self>) {
        if !self.watched {
            return;
        }
        let watch = Arc::downgrade(self);
        // A thread of its own: a terminal that takes nothing may hold it up for long.
        let drawing = move || {
            std::thread::sleep(PATIENCE);
            if let Some(watch) = watch.upgrade() {
                watch.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            while let Some(watch) = watch.upgrade() {
                if watch.bar.is_finished() {
                    return;
                }
                let line = watch.progress().line(Instant::now());
                watch.bar.set_message(line);
                watch.bar.tick();
                drop(watch);
                std::thread::sleep(TICK);
            }
        };
        let thread = std::thread::Builder::new().name("progress".to_owned());
        // Without it the command is as good, only silent.
        let _ = thread.spawn(drawing);
    }

    /// Prints to stdout, with the progress line out of the way. However long a reader
    /// takes, the rest of the program goes on and hears Ctrl-C.
    ///
    /// # Errors
    /// Those of `print`.
    pub fn print(&self, print: impl FnOnce() -> Result<()>) -> Result<()> {
        let printing = || {
            if std::io::stdout().is_terminal() { self.bar.suspend(print) } else { print() }
        };
        tokio::task::block_in_place(printing).context("writing the output")
    }

    /// Says something on stderr.
    pub fn say(&self, line: &str) {
        self.told.say(line);
    }

    /// As [`Watch::say`], from where nothing may be held up, such as within a request: where
    /// nobody reads stderr, it may be left out.
    pub fn tell(&self, line: &str) {
        self.told.tell(line);
    }

    /// As [`Watch::say`], if somebody sits at the terminal and wants it.
    pub fn mention(&self, line: &str) {
        if self.watched {
            self.say(line);
        }
    }

    /// As [`Watch::tell`], if --verbose wants it.
    pub fn detail(&self, line: &str) {
        if self.verbose {
            self.tell(line);
        }
    }

    /// A page came, with so many records, of so many in all.
    pub fn page(&self, records: u64, total: Option<u64>) {
        let mut progress = self.progress();
        progress.pages += 1;
        progress.records += records;
        progress.total = total.or(progress.total);
    }

    /// What there was, for the end.
    #[must_use]
    pub fn summary(&self) -> String {
        self.progress().summary(Instant::now())
    }

    /// Takes the progress line away, after all that was told.
    pub fn clear(&self) {
        self.told.flush();
        self.bar.finish_and_clear();
    }

    fn count(&self, event: &Event) {
        let mut progress = self.progress();
        let (what, time) = match event {
            Event::Exchange(exchange) => {
                progress.requests += 1;
                progress.waited += exchange.waited;
                progress.pause = None;
                return;
            }
            Event::Waiting { limit, for_about } => (format!("for the limit {limit}"), for_about),
            Event::Paused { for_about, why, .. } => {
                (format!("because calls fail: {why}"), for_about)
            }
            Event::Retrying { after, why, .. } => {
                progress.waited += *after;
                (format!("before trying again: {why}"), after)
            }
            _ => return,
        };
        progress.pause = Some(Pause { what, until: Instant::now() + *time });
    }

    fn progress(&self) -> MutexGuard<'_, ProgressLine> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Watch {
    fn event(&self, event: &Event) {
        self.count(event);
        log::event(event);
        if let Event::Log { level, message } = event {
            if self.verbose || *level >= Level::Warn {
                self.tell(&format!("connector {level}: {}", printable(message)));
            }
        } else if self.trace
            && let Some(line) = trace::line(event)
        {
            self.tell(&line);
        }
    }
}
