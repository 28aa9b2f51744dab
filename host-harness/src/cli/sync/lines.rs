//! What each run came to, as a line; and how the command ends.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Result;
use host_harness::runtime::CallError;
use host_harness::service::documents::{PullDocument, kind_word};
use host_harness::service::jobs::PANICKED;
use host_harness::sync::{PullOutcome, PullReport, SyncError};

use crate::cli::context::Context;
use crate::cli::errors::{Subject, after_answer, in_one, next_step};
use crate::cli::exit::Exit;
use crate::cli::output::{
    Columns, OutputFormat, cells, count, counted, date, duration, printable, section,
};
use crate::cli::print::Output;

/// Columns of the table.
const HEADER: [&str; 9] =
    ["CONNECTION", "OBJECT", "READ", "PAGES", "RECORDS", "CREATED", "UPDATED", "DELETED", "SAME"];

/// What one run of an object came to.
pub struct RunResult {
    /// Name of its connection.
    pub connection: String,
    /// Which object; empty when the connection itself could not be made.
    pub object: String,
    /// How it ended.
    pub ended: Result<PullOutcome, Failed>,
}

/// Why a run failed.
pub enum Failed {
    /// The connection could not be made of what is kept.
    Connecting(anyhow::Error),
    /// While reading.
    Syncing(SyncError),
    /// Its task panicked, and begins again after this time, if it does.
    Panicked(Option<Duration>),
}

impl RunResult {
    /// Of a connection whose task panicked.
    pub fn panicked(connection: String, again: Option<Duration>) -> Self {
        Self { connection, object: String::new(), ended: Err(Failed::Panicked(again)) }
    }
}

/// Prints results as they come, but a table at the end.
pub struct RunResults<'a> {
    context: &'a Context,
    /// But for a table.
    out: Option<Output<'a>>,
    rows: Vec<Vec<String>>,
    /// Shown at once, since there is no end.
    at_once: bool,
    good: u64,
    busy: u64,
    /// Objects that were last left to another process.
    left: HashSet<(String, String)>,
    /// How the first failure would end the command alone.
    failed: Option<Exit>,
}

impl<'a> RunResults<'a> {
    /// Nothing yet. `endless`: a table is not held back.
    pub fn new(context: &'a Context, endless: bool) -> Self {
        let form = context.form();
        let out = (form != OutputFormat::Table).then(|| context.output(&Columns::default()));
        let left = HashSet::new();
        Self { context, out, rows: vec![], at_once: endless, good: 0, busy: 0, left, failed: None }
    }

    /// A run came to its end.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn ran(&mut self, ran: &RunResult) -> Result<()> {
        let RunResult { connection, object, ended } = ran;
        let whose = (connection.clone(), object.clone());
        if !matches!(ended, Ok(PullOutcome::Busy { .. })) {
            self.left.remove(&whose);
        }
        match ended {
            Ok(PullOutcome::Done(report)) => {
                self.good += 1;
                self.trouble(connection, report);
                self.print(connection, report)?;
            }
            Ok(PullOutcome::Busy { until_ms }) => {
                self.busy += 1;
                // It is tried again soon, and the other may be at it for long.
                if !self.left.insert(whose) {
                    return Ok(());
                }
                self.say(&format!(
                    "{connection}, {object}: another process reads it (its lease ends at {}); \
                     left to it",
                    date(*until_ms)
                ));
            }
            Err(failed) => self.failed(connection, object, failed),
        }
        Ok(())
    }

    /// Everything has ended.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn end(self) -> Result<Exit> {
        match self.out {
            Some(out) => out.end()?,
            None if self.at_once => {}
            None => self.context.text(&section("", &HEADER, self.rows))?,
        }
        self.context.watch.clear();
        self.context.watch.mention(&self.context.watch.summary());
        Ok(match self.failed {
            Some(exit) if self.good == 0 && self.busy == 0 => exit,
            Some(_) => Exit::Partly,
            None if self.busy > 0 => Exit::Partly,
            None => Exit::Done,
        })
    }

    fn print(&mut self, connection: &str, report: &PullReport) -> Result<()> {
        if let Some(out) = &mut self.out {
            let document = PullDocument::of(connection, report);
            return out.page([serde_json::to_value(document)?]);
        }
        let row = as_row(connection, report);
        if self.at_once {
            return self.context.text(&section("", &HEADER, [row]));
        }
        self.rows.push(row);
        Ok(())
    }

    /// What a person should know of a run that did what it was asked.
    fn trouble(&mut self, connection: &str, report: &PullReport) {
        let whose = format!("{connection}, {}", report.object);
        let applied = &report.applied;
        if let Some(why) = &report.restarted {
            self.say(&format!(
                "{whose}: a cursor or bookmark was not accepted, so the scan began anew: {why}"
            ));
        }
        for (number, what) in [
            (
                report.refused,
                "could not be had by id, and will be asked for again; `status` says why",
            ),
            (report.outside, "outside the time that was asked for; kept all the same"),
            (applied.unreadable, "could not be read; `dead-letters list` shows them"),
        ] {
            if number > 0 {
                self.say(&format!("{whose}: {} {what}", counted(number, "record")));
            }
        }
        let Some(swept) = &report.swept else { return };
        if swept.alarm {
            self.say(&format!(
                "{whose}: the full scan missed {} of {}; too many to believe, so none was removed",
                count(swept.nominated),
                counted(swept.live, "record")
            ));
            let object = &report.object;
            self.say(&format!(
                "  next: look whether they are gone indeed; then `sync {object} --full --sweep-anyway`"
            ));
            self.failed.get_or_insert(Exit::Partly);
        }
    }

    fn failed(&mut self, connection: &str, object: &str, failed: &Failed) {
        let object_asked = (!object.is_empty()).then(|| object.to_owned());
        let subject =
            Subject { command: "sync".to_owned(), object: object_asked, ..Subject::default() };
        let (text, exit, next) = match failed {
            Failed::Connecting(error) => {
                (in_one(error), Exit::of(error), next_step(error, &subject))
            }
            Failed::Panicked(_) => (PANICKED.to_owned(), Exit::Failed, None),
            Failed::Syncing(error) => {
                let exit = error.call().map_or(Exit::Failed, Exit::of_call);
                let next = match error.call() {
                    Some(CallError::Connector(error)) => after_answer(error, &subject),
                    _ => None,
                };
                (error.to_string(), exit, next)
            }
        };
        let whose = if object.is_empty() { String::new() } else { format!(", {object}") };
        self.say(&format!("error: {connection}{whose}: {text}"));
        if let Some(next) = next {
            self.say(&format!("  next: {next}"));
        }
        if let Failed::Panicked(Some(pause)) = failed {
            self.say(&format!("{connection}: it is read again in {}", duration(*pause)));
        }
        self.failed.get_or_insert(exit);
    }

    fn say(&self, text: &str) {
        self.context.watch.say(&printable(text));
    }
}

fn as_row(connection: &str, report: &PullReport) -> Vec<String> {
    let applied = &report.applied;
    let numbers = [
        report.pages,
        report.records,
        applied.created,
        applied.updated,
        applied.deleted,
        applied.unchanged,
    ];
    let mut row = cells([connection, &report.object, &read(report)]);
    row.extend(numbers.map(count));
    row
}

fn read(report: &PullReport) -> String {
    let kind = report.kind.map_or("nothing", kind_word);
    if report.resumed { format!("{kind}, resumed") } else { kind.to_owned() }
}
