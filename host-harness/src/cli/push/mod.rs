//! `push`: writes many records.

mod conflicts;
mod decide;
mod dry_run;
mod results;
mod runs;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use host_harness::push::mapping::{Mapping, SCHEMA};
use host_harness::push::{IntentRow, Mode, OnConflict, Push, StoredRun as Read, Summary};
use host_harness::service::maintenance;
use host_harness::source::Items;

use self::decide::ConflictChoice;
use self::results::ItemResults;
use super::context::Context;
use super::exit::Exit;
use super::output::{Columns, counted, document};
use super::source::{SourceOptions, mapping, open};
use super::state::{StateDirectory, StoredConnection, belongs};
use super::usage::Usage;

/// Writes the records of a file or a pipe, each once, and prints what came of each. Items are
/// kept before they are sent: after an interruption, the same source goes on where it stopped.
/// A source is read to its end first, and refused whole if it breaks in a way that leaves nothing
/// of it certain; a pipe is kept meanwhile on the disk, sealed, up to 1 GiB.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host push orders orders.ndjson
  connector-host push orders export.csv --map shop.json --failed again.csv
  generate-orders | connector-host push orders -
  connector-host push orders orders.ndjson --mode delete --dry-run
  follow-orders | connector-host push orders - --stream
  connector-host push orders --resume
  connector-host push orders orders.ndjson --on-conflict park
  connector-host push --conflicts --output json
  connector-host push --decide 6f1c…:12=ours --decide 6f1c…:15=theirs
  connector-host push --map-schema

A line of the result is {\"index\",\"line\",\"id\",\"outcome\",\"error\"}. Outcomes:
  created, updated, deleted  it was written
  found      its answer was lost, and the record is there as wished
  unchanged  nothing had to be done
  skipped    somebody else's change was kept (--on-conflict or --decide theirs)
  failed     it was not applied; the error says why
  pending    the provider could not be asked; --resume goes on with it
  parked     it cannot be told whether it was applied; --resume looks again. Or it waits for a
             decision about somebody else's change (--on-conflict park); the error says which")]
pub struct PushArgs {
    /// Name of the object, as `objects` shows it
    #[arg(required_unless_present_any = ["map_schema", "list", "conflicts", "decide"])]
    pub object: Option<String>,

    /// One JSON object a line or an array of them, CSV when its name ends in .csv or .tsv, or - for
    /// standard input
    pub file: Option<String>,

    /// What is asked of each item
    #[arg(long, value_parser = one_of(MODES), default_value = "upsert")]
    pub mode: Mode,

    /// What to do when a record was changed there since it was last seen here
    #[arg(long, value_parser = one_of(ON_CONFLICT), default_value = "fail")]
    pub on_conflict: OnConflict,

    /// Show what would be sent for each item, and write nothing anywhere
    #[arg(long)]
    pub dry_run: bool,

    /// How the source's members become the object's: a mapping file
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,

    #[command(flatten)]
    pub reading: SourceOptions,

    /// Send items as they come, before the source has ended. Given up: the count of items, that
    /// nothing of a broken source is sent, and that the same source goes on where it stopped
    #[arg(long, conflicts_with_all = ["dry_run", "resume"])]
    pub stream: bool,

    /// Put the items that failed here as they came, to be pushed again
    #[arg(long, value_name = "FILE")]
    pub failed: Option<PathBuf>,

    /// Go on with what was begun and did not end, without its source
    #[arg(long, conflicts_with_all = ["file", "dry_run", "map"])]
    pub resume: bool,

    /// Show the pushes so far, and how each stands
    #[arg(long, conflicts_with_all = ["file", "dry_run", "resume"])]
    pub list: bool,

    /// Show the items that wait for a decision, each with the members that are at stake: as they were
    /// last seen here, as they stand there (theirs), and as they would be written (ours)
    #[arg(
        long,
        value_name = "RUN",
        num_args = 0..=1,
        require_equals = true,
        conflicts_with_all = ["file", "dry_run", "resume", "list"]
    )]
    pub conflicts: Option<Option<String>>,

    /// Decide about items as --conflicts shows them: RUN:INDEX=ours writes it, if the record is still
    /// as shown; =theirs leaves the record as it is; RUN:all=... is all of a run. `push OBJECT --resume`
    /// carries it out (several times)
    #[arg(
        long,
        value_name = "RUN:INDEX=ours|theirs",
        conflicts_with_all = ["object", "file", "dry_run", "resume", "list", "conflicts"]
    )]
    pub decide: Vec<ConflictChoice>,

    /// Show the form of a mapping file, as JSON Schema
    #[arg(long, conflicts_with_all = ["object", "file"])]
    pub map_schema: bool,

    #[command(flatten)]
    pub columns: Columns,
}

/// What may be asked of each item.
const MODES: &[(&str, Mode, &str)] = &[
    ("upsert", Mode::Upsert, "That there is a record with these members"),
    ("create", Mode::Create, "That a record is made"),
    ("update", Mode::Update, "That a record is changed: named by `id`, or by what names it"),
    ("delete", Mode::Delete, "That a record is gone: named by `id`, or by what names it"),
];

/// What may be done about somebody else's change.
const ON_CONFLICT: &[(&str, OnConflict, &str)] = &[
    ("fail", OnConflict::Fail, "The item fails"),
    ("ours", OnConflict::Ours, "It is written all the same"),
    ("theirs", OnConflict::Theirs, "It is left as it is"),
    ("park", OnConflict::Park, "The item waits: --conflicts shows it, --decide ends that"),
];

/// Understands one of these words.
fn one_of<T: Copy + Send + Sync + 'static>(
    cases: &'static [(&'static str, T, &'static str)],
) -> impl TypedValueParser<Value = T> {
    let words = cases.iter().map(|(word, _, help)| PossibleValue::new(*word).help(*help));
    PossibleValuesParser::new(words).try_map(|given| {
        let case = cases.iter().find(|(word, ..)| *word == given);
        case.map(|(_, case, _)| *case).ok_or("there is no such word")
    })
}

/// Runs the command.
///
/// # Errors
/// When the push cannot begin or go on. What was done is kept.
pub async fn run(args: &PushArgs, context: &Context) -> Result<Exit> {
    if args.map_schema {
        context.watch.print(|| document(context.document_form()?, SCHEMA))?;
        return Ok(Exit::Done);
    }
    let kept = StoredConnection::chosen(context).await?;
    let store = Arc::clone(&kept.state.database);
    if args.list {
        return runs::list(args, context, &kept.row, &store).await.map(Exit::from);
    }
    if let Some(run) = &args.conflicts {
        let listed = conflicts::list(args, run.as_deref(), context, &kept.row, &*store).await;
        return listed.map(Exit::from);
    }
    if !args.decide.is_empty() {
        return decide::run(args, context, &kept.row, &*store).await.map(Exit::from);
    }
    let object = args.object.as_deref().unwrap_or_default();
    let mapping = args.map.as_deref().map(mapping).transpose()?;
    let connector = context.connector_with(object).await?;
    belongs(&kept.row, &connector)?;
    let connection = context.connect(&connector).await?;
    let key = kept.state.vault.key(&kept.row)?;
    let (intents, mirror) = (Arc::clone(&store) as _, store as _);
    let push =
        Push::new(connection, intents, mirror, kept.state.clock(), &kept.row.id, key, object)
            .await?;
    let mode = args.mode;
    push.check(mode)?;
    let source = source(args)?;
    let mut notes = SourceNotes { context, said: BTreeSet::new() };
    if args.dry_run {
        let items = notes.open(source, args, &push, mapping.as_ref(), None).await?;
        let (exit, told) = dry_run::run(context, &push, items, mode, mapping.as_ref()).await?;
        notes.say(told);
        return Ok(exit);
    }
    // Pushes of long ago are forgotten.
    maintenance::some(kept.state.vault.store().as_ref()).await?;
    // It must not turn out at the end that it cannot be written.
    let mut results = ItemResults::new(context, args)?;
    let (mut sum, mut stopped) = (Summary::default(), None);
    if args.stream {
        let items = notes.open(source, args, &push, mapping.as_ref(), None).await?;
        results.begin(items.header())?;
        context.watch.mention("items are sent as they come; how many there are is not known");
        let (tell, policy) = (|ended: IntentRow| results.tell(&push, &ended), args.on_conflict);
        match push.stream(items, mode, mapping.as_ref(), policy, tell).await {
            Ok((ran, told)) => {
                sum = ran;
                notes.say(told);
            }
            Err(why) => stopped = Some(why),
        }
    } else {
        let runs = if args.resume {
            push.unfinished().await?.into_iter().map(|row| row.id).collect()
        } else {
            let directory = StateDirectory::needed(context)?.directory().to_owned();
            let items = notes.open(source, args, &push, mapping.as_ref(), Some(directory)).await?;
            let read = push.read(items, mode, mapping.as_ref()).await;
            let Read { run, notes: told } = read.context("nothing of it was sent")?;
            notes.say(told);
            vec![run]
        };
        results.begin(header(args, &push, &runs).await?)?;
        for run in &runs {
            context.watch.page(0, Some(push.row(run).await?.counts.all()));
            let tell = |ended: IntentRow| results.tell(&push, &ended);
            match push.run(run, args.on_conflict, tell).await {
                Ok(ran) => sum.add(&ran),
                Err(why) => {
                    stopped = Some(why);
                    break;
                }
            }
        }
    }
    results.end()?;
    if let Some(why) = stopped {
        return Err(anyhow::Error::new(why).context(format!("pushing {object}")));
    }
    Ok(tell_sum(context, args, &sum))
}

/// The source that is named; `-`, where none is needed.
fn source(args: &PushArgs) -> Result<&str, Usage> {
    let named = args.file.as_deref();
    let same = |failed: &PathBuf| {
        let real = |path: &Path| path.canonicalize().ok();
        named.is_some_and(|named| real(Path::new(named)).is_some_and(|it| Some(it) == real(failed)))
    };
    if args.stream && args.failed.as_ref().is_some_and(same) {
        return Err(Usage::new("--failed names the source, which is still read by --stream"));
    }
    named.or(args.resume.then_some("-")).ok_or_else(|| {
        Usage::new("no source is named").next("give a file, - for standard input, or --resume")
    })
}

/// What names the columns of items that failed.
async fn header(args: &PushArgs, push: &Push, runs: &[String]) -> Result<Option<String>> {
    let mut headers = BTreeSet::new();
    for run in runs {
        headers.insert(push.row(run).await?.header);
    }
    if headers.len() > 1 && args.failed.is_some() {
        return Err(Usage::new(
            "the pushes to go on with have other columns each, and --failed is one file",
        )
        .next("leave --failed, and push their sources again to have it written")
        .into());
    }
    Ok(headers.pop_first().flatten())
}

/// What there is to say of a source, each thing once.
struct SourceNotes<'c> {
    context: &'c Context,
    said: BTreeSet<String>,
}

impl SourceNotes<'_> {
    /// Opens it, and says what there is to say before its items are read.
    async fn open(
        &mut self,
        source: &str,
        args: &PushArgs,
        push: &Push,
        mapping: Option<&Mapping>,
        directory: Option<PathBuf>,
    ) -> Result<Items> {
        let items = open(source, &args.reading, directory).await?;
        self.say(items.notes());
        self.say(push.fits(&items, mapping)?);
        Ok(items)
    }

    fn say(&mut self, notes: Vec<String>) {
        for note in notes {
            if self.said.insert(note.clone()) {
                self.context.watch.say(&note);
            }
        }
    }
}

fn tell_sum(context: &Context, args: &PushArgs, sum: &Summary) -> Exit {
    let undone = sum.failed + sum.parked + sum.waiting;
    let mut text = format!("{}: {} as wished", counted(sum.done + undone, "item"), sum.done);
    for (count, what) in [
        (sum.before, "of them before"),
        (sum.failed, "failed"),
        (sum.parked, "parked"),
        (sum.waiting, "pending"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    if undone == 0 {
        context.watch.mention(&text);
        return Exit::Done;
    }
    context.watch.say(&text);
    match &args.failed {
        _ if sum.failed == 0 => {}
        Some(file) => context.watch.say(&format!("  those that failed are in {}", file.display())),
        None => context.watch.say("  --failed FILE puts those that failed into a file"),
    }
    if sum.waiting > 0 {
        context.watch.say(
            "  pending: the provider could not be asked; `push OBJECT --resume` goes on with them",
        );
    }
    if sum.parked > sum.conflicts {
        context.watch.say("  parked: their answers were lost; `push OBJECT --resume` looks again");
    }
    if sum.conflicts > 0 {
        context.watch.say(&format!(
            "  parked: {} met somebody else's change; `push --conflicts` shows what is to be decided",
            counted(sum.conflicts, "item")
        ));
    }
    Exit::Partly
}
