//! `push`: writes many records.

mod dry_run;
mod lines;
mod runs;
mod source;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use host_harness::files;
use host_harness::push::mapping::{Mapping, SCHEMA};
use host_harness::push::{Ended, IntentState, Mode, OnConflict, Push, Summary};
use host_harness::store::Sqlite;

use self::lines::Lines;
use super::context::Context;
use super::errors::Usage;
use super::exit::Exit;
use super::output::{Columns, counted, document};
use super::state::{Kept, State, belongs, clock};

/// Writes the records of a file or a pipe, each once, and prints what came of each. Items are
/// kept before they are sent: after an interruption, the same source goes on where it stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host push orders orders.ndjson
  connector-host push orders export.csv --map shop.json --failed again.csv
  generate-orders | connector-host push orders -
  connector-host push orders orders.ndjson --mode delete --dry-run
  connector-host push orders --resume
  connector-host push --map-schema

A line of the result is {\"index\",\"line\",\"id\",\"outcome\",\"error\"}. Outcomes:
  created, updated, deleted  it was written
  found      its answer was lost, and the record is there as wished
  unchanged  nothing had to be done
  skipped    somebody else's change was kept (--on-conflict theirs)
  failed     it was not applied; the error says why
  pending    the provider could not be asked; --resume goes on with it
  parked     it cannot be told whether it was applied; --resume looks again")]
pub struct Args {
    /// Name of the object, as `objects` shows it
    #[arg(required_unless_present_any = ["map_schema", "list"])]
    pub object: Option<String>,

    /// One JSON object a line, CSV when its name ends in .csv, or - for standard input
    pub file: Option<String>,

    /// What is asked of each item
    #[arg(long, value_enum, default_value_t = Modes::Upsert)]
    pub mode: Modes,

    /// What to do when a record was changed there since it was last seen here
    #[arg(long, value_enum, default_value_t = Policies::Fail)]
    pub on_conflict: Policies,

    /// Show what would be sent for each item, and write nothing anywhere
    #[arg(long)]
    pub dry_run: bool,

    /// How the source's members become the object's: a mapping file
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,

    /// The source is CSV, whatever its name is
    #[arg(long)]
    pub csv: bool,

    /// Put the items that failed here as they came, to be pushed again
    #[arg(long, value_name = "FILE")]
    pub failed: Option<PathBuf>,

    /// Go on with what was begun and did not end, without its source
    #[arg(long, conflicts_with_all = ["file", "dry_run", "map"])]
    pub resume: bool,

    /// Show the pushes so far, and how each stands
    #[arg(long, conflicts_with_all = ["file", "dry_run", "resume"])]
    pub list: bool,

    /// Show the form of a mapping file, as JSON Schema
    #[arg(long, conflicts_with_all = ["object", "file"])]
    pub map_schema: bool,

    #[command(flatten)]
    pub columns: Columns,
}

/// What is asked of each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Modes {
    /// That there is a record with these members
    Upsert,
    /// That a record is made
    Create,
    /// That a record is changed: named by `id`, or by what names it
    Update,
    /// That a record is gone: named by `id`, or by what names it
    Delete,
}

/// What to do about somebody else's change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Policies {
    /// The item fails
    Fail,
    /// It is written all the same
    Ours,
    /// It is left as it is
    Theirs,
}

/// Runs the command.
///
/// # Errors
/// When the push cannot begin or go on. What was done is kept.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    if args.map_schema {
        context.watch.print(|| document(context.document_form()?, SCHEMA))?;
        return Ok(Exit::Done);
    }
    let (kept, store) = kept(context).await?;
    if args.list {
        return runs::list(args, context, &kept.row, &store).await;
    }
    let object = args.object.as_deref().unwrap_or_default();
    let mapping = mapping(args.map.as_deref())?;
    let connector = context.connector_with(object).await?;
    belongs(&kept.row, &connector)?;
    let caller = context.connect(&connector).await?;
    let key = kept.vault.key(&kept.row)?;
    let (intents, mirror) = (Arc::clone(&store) as _, store as _);
    let push = Push::new(caller, intents, mirror, clock(), &kept.row.id, key, object).await?;
    let mode = args.mode.into();
    push.check(mode)?;
    if args.dry_run {
        let items = source::open(args).await?;
        return dry_run::run(context, &push, items, mode, mapping.as_ref()).await;
    }
    // It must not turn out at the end that it cannot be written.
    let mut failed = Failed::open(args.failed.as_deref())?;
    let runs = if args.resume {
        push.unfinished().await?.into_iter().map(|row| row.id).collect()
    } else {
        let items = source::open(args).await?;
        failed.header = items.header();
        vec![push.read(items, mode, mapping.as_ref()).await?]
    };
    let (mut sum, mut stopped) = (Summary::default(), None);
    let mut lines = Lines::new(context, &args.columns)?;
    for run in &runs {
        failed.header = push.header(run).await?;
        context.watch.page(0, Some(push.count(run).await?));
        let tell = |ended: Ended| {
            context.watch.page(1, None);
            lines.tell(&ended);
            failed.add(&push, &ended);
        };
        match push.run(run, args.on_conflict.into(), tell).await {
            Ok(ran) => {
                sum.done += ran.done;
                sum.before += ran.before;
                sum.failed += ran.failed;
                sum.parked += ran.parked;
                sum.waiting += ran.waiting;
            }
            Err(why) => {
                stopped = Some(why);
                break;
            }
        }
    }
    lines.end()?;
    failed.write()?;
    if let Some(why) = stopped {
        return Err(anyhow::Error::new(why).context(format!("pushing {object}")));
    }
    tell_sum(context, args, &sum);
    let undone = sum.failed + sum.parked + sum.waiting;
    Ok(if undone > 0 { Exit::Partly } else { Exit::Done })
}

/// The kept connection, and the state that it is kept in.
async fn kept(context: &Context) -> Result<(Kept, Arc<Sqlite>)> {
    let kept = Kept::chosen(context).await?;
    let store = State::needed(context)?.database().await?;
    Ok((kept, store))
}

fn mapping(file: Option<&Path>) -> Result<Option<Mapping>> {
    let Some(file) = file else { return Ok(None) };
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|why| Usage::new(format!("--map: cannot read {shown}: {why}")))?;
    let read = Mapping::read(&text).map_err(|why| {
        Usage::new(format!("--map {shown}: {why}")).next("`push --map-schema` shows the form")
    });
    Ok(Some(read?))
}

fn tell_sum(context: &Context, args: &Args, sum: &Summary) {
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
        return context.watch.mention(&text);
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
    if sum.parked > 0 {
        context.watch.say("  parked: their answers were lost; `push OBJECT --resume` looks again");
    }
}

/// The items that failed, as they came.
struct Failed<'a> {
    file: Option<(&'a Path, std::fs::File)>,
    header: Option<String>,
    begun: bool,
    text: Vec<u8>,
}

impl<'a> Failed<'a> {
    fn open(path: Option<&'a Path>) -> Result<Self> {
        let file = path.map(|path| {
            let unwritable =
                |why| Usage::new(format!("--failed: cannot write {}: {why}", path.display()));
            // Secrets may stand in it.
            files::open(path).map(|file| (path, file)).map_err(unwritable)
        });
        Ok(Self { file: file.transpose()?, header: None, begun: false, text: vec![] })
    }

    fn add(&mut self, push: &Push, ended: &Ended) {
        if self.file.is_none() || ended.state != IntentState::Failed {
            return;
        }
        if let (Some(header), false) = (&self.header, self.begun) {
            self.text.extend_from_slice(header.as_bytes());
            self.text.push(b'\n');
        }
        self.begun = true;
        if let Ok(raw) = push.raw(ended) {
            self.text.extend_from_slice(&raw);
            self.text.push(b'\n');
        }
    }

    fn write(self) -> Result<()> {
        let Some((path, mut file)) = self.file else { return Ok(()) };
        let written = file.set_len(0).and_then(|()| file.write_all(&self.text));
        written.with_context(|| format!("writing {}", path.display()))
    }
}

impl From<Modes> for Mode {
    fn from(mode: Modes) -> Self {
        match mode {
            Modes::Upsert => Self::Upsert,
            Modes::Create => Self::Create,
            Modes::Update => Self::Update,
            Modes::Delete => Self::Delete,
        }
    }
}

impl From<Policies> for OnConflict {
    fn from(policy: Policies) -> Self {
        match policy {
            Policies::Fail => Self::Fail,
            Policies::Ours => Self::Ours,
            Policies::Theirs => Self::Theirs,
        }
    }
}
