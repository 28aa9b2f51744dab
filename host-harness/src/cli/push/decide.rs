//! `push --decide`: what becomes of items that met somebody else's change.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::Result;
use host_harness::push::{Decided, Decision, IntentRow, Word as _};
use host_harness::store::ConnectionRow;
use serde_json::json;

use super::PushArgs;
use super::conflicts::{AT_ONCE, known};
use crate::cli::context::Context;
use crate::cli::output::counted;
use crate::cli::usage::Usage;
use host_harness::store::Database;

/// What to do about an item that cannot be decided about.
const LOOK: &str = "`push --conflicts` shows what waits for a decision";

/// What is decided about an item, or about all of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictChoice {
    run: String,
    /// `None`: all that wait.
    index: Option<u64>,
    decision: Decision,
}

impl FromStr for ConflictChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = || {
            let (item, word) = text.rsplit_once('=')?;
            let (run, index) = item.rsplit_once(':').filter(|(run, _)| !run.is_empty())?;
            let index = match index {
                "all" => None,
                digits => Some(digits.parse().ok()?),
            };
            Some(Self { run: run.to_owned(), index, decision: Decision::of(word)? })
        };
        parsed().ok_or("write RUN:INDEX=ours or RUN:INDEX=theirs, with RUN and INDEX as --conflicts shows them")
    }
}

impl ConflictChoice {
    fn names_one_of(&self, other: &Self) -> bool {
        let is_same = self.index.is_none() || other.index.is_none() || self.index == other.index;
        self.run == other.run && is_same
    }
}

/// Decides, and prints a line for each item. If one that is named cannot be decided about, none is.
///
/// # Errors
/// [`Usage`] for an item about which there is nothing to decide; when the state cannot be used.
pub async fn run(
    args: &PushArgs,
    context: &Context,
    connection: &ConnectionRow,
    store: &dyn Database,
) -> Result<()> {
    for choice in &args.decide {
        let run = &choice.run;
        if args.decide.iter().filter(|other| choice.names_one_of(other)).count() > 1 {
            let why = format!("--decide names an item of push {run} twice");
            return Err(Usage::new(why).next("decide about each once").into());
        }
        known(run, connection, store).await?;
        let found = some(choice, 0, store).await?;
        match (choice.index, found.first()) {
            (_, Some(item)) if item.conflict_ms.is_some() => {}
            (Some(index), Some(IntentRow { decision: Some(before), .. })) => {
                taken(run, index, Decided::Before(*before))?;
            }
            (Some(index), Some(item)) => taken(run, index, Decided::NoConflict(item.state))?,
            (Some(index), None) => taken(run, index, Decided::NoItem)?,
            (None, _) => {
                let why = format!("no item of push {run} waits for a decision");
                return Err(Usage::new(why).next(LOOK).into());
            }
        }
    }
    let (mut out, mut counts) = (context.output(&args.columns), BTreeMap::new());
    let mut refused = None;
    for choice in &args.decide {
        let object = known(&choice.run, connection, store).await?.object;
        let count = counts.entry(object).or_insert(0);
        let mut from = Some(0);
        while let Some(first) = from {
            let items = some(choice, first, store).await?;
            from = items.last().filter(|_| choice.index.is_none()).map(|last| last.index + 1);
            // Whatever was seen of one that is no conflict any more.
            let theirs = |item: &IntentRow| item.conflict.as_ref().map(|it| it.theirs);
            let seen = items.iter().map(|item| (item.index, theirs(item).unwrap_or_default()));
            let decided = store.decide(&choice.run, seen.collect(), choice.decision).await?;
            for (item, decided) in items.iter().zip(decided) {
                // Those that were decided are said, whatever became of another.
                if let Err(why) = taken(&choice.run, item.index, decided) {
                    refused.get_or_insert(why);
                    continue;
                }
                *count += 1;
                out.page([json!({
                    "run": item.run,
                    "index": item.index,
                    "line": item.line,
                    "id": item.id,
                    "decision": choice.decision.word(),
                })])?;
            }
        }
    }
    out.end()?;
    for (object, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        let count = counted(count, "item");
        context.watch.say(&format!("{count} decided; `push {object} --resume` carries it out"));
    }
    refused.map_or(Ok(()), |why| Err(why.into()))
}

/// Items that a choice names: the one, or some of those that wait, from index `from` on.
async fn some(choice: &ConflictChoice, from: u64, store: &dyn Database) -> Result<Vec<IntentRow>> {
    let Some(index) = choice.index else {
        return Ok(store.conflicts(&choice.run, from, AT_ONCE).await?);
    };
    let found = store.intents(&choice.run, index, 1).await?;
    Ok(found.into_iter().filter(|item| item.index == index).collect())
}

/// Whether a decision about an item was taken.
fn taken(run: &str, index: u64, decided: Decided) -> Result<(), Usage> {
    let why = match decided {
        Decided::Now => return Ok(()),
        Decided::Before(before) => {
            format!("item {index} of push {run} was decided before: {}; that stays", before.word())
        }
        Decided::Changed => format!("the record of item {index} of push {run} was changed again"),
        Decided::NoConflict(state) => {
            format!("item {index} of push {run} waits for no decision: it is {}", state.word())
        }
        Decided::NoItem => format!("push {run} has no item {index}"),
    };
    Err(Usage::new(why).next(LOOK))
}
