//! `changes`: the log of what changed, in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use host_harness::mirror::ChangeRow;
use host_harness::service::documents::ChangeDocument;
use host_harness::service::feed::{ChangeFeed, FeedStep};
use host_harness::store::StoreError;

use super::context::Context;
use super::exit::Exit;
use super::input::span;
use super::output::{Columns, counted};
use super::state::{StateDirectory, names, whose};
use super::usage::Usage;

/// Changes that are read at once.
const AT_ONCE: u32 = 500;
/// How often the log is looked at for more.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Prints what changed: what was created, updated (with the members that differ), deleted, or is
/// no longer listed because of its age, where records drift from their schema, and for which of them a rule over
/// time was raised or cleared.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host changes --since 120
  connector-host changes --follow --consumer warehouse | while read -r change; do ...; done
  connector-host changes --object orders --output table
  connector-host changes --prune-before 90d

Numbers count up for each connection, in the order in which its changes were noticed; between
connections there is no order. Without --connection the changes of all connections are shown. A
consumer's position in each is kept, and moves only after its lines have been written.

Changes are kept for 30 days, and longer for a consumer that has not had them and is not silent for
as long. One that missed some hears which, goes on after them, and the command ends with 3.")]
pub struct ChangesArgs {
    /// Wait for more
    #[arg(long)]
    pub follow: bool,

    /// Only those with a greater number, of one connection
    #[arg(long, value_name = "N", conflicts_with = "consumer")]
    pub since: Option<u64>,

    /// Go on after what this consumer has had, and keep how far it came
    #[arg(long, value_name = "NAME")]
    pub consumer: Option<String>,

    /// Only those of this object
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,

    /// Forget how far this consumer has come, and print none
    #[arg(long, value_name = "NAME", conflicts_with_all = ["follow", "since", "consumer", "object", "prune_before"])]
    pub forget_consumer: Option<String>,

    /// Forget the changes that are older than this, whoever has had them or not, and print none
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with_all = ["follow", "since", "consumer", "object"])]
    pub prune_before: Option<Duration>,

    #[command(flatten)]
    pub columns: Columns,
}

/// Runs the command.
///
/// # Errors
/// When the state cannot be used, or the output not written.
pub async fn run(args: &ChangesArgs, context: &Context) -> Result<Exit> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    if let Some(consumer) = &args.forget_consumer {
        if !database.forget_consumer(consumer).await? {
            return Err(Usage::new(format!("no consumer \"{consumer}\" is known")).into());
        }
        context.watch.mention(&format!("forgot how far {consumer} has come"));
        return Ok(Exit::Done);
    }
    if let Some(age) = args.prune_before {
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let mut pruned = 0;
        for (id, _) in database.moments().await? {
            loop {
                match database.prune_changes(&id, age_ms).await? {
                    0 => break,
                    some => pruned += some,
                }
            }
        }
        context.watch.say(&format!("forgot {}", counted(pruned, "change")));
        return Ok(Exit::Done);
    }
    let whose = whose(context, &state, &*database).await?;
    let by_id = names(&*database).await?;
    let since: BTreeMap<String, u64> = match (&args.consumer, args.since, &whose) {
        (Some(consumer), _, _) => database.positions(consumer).await?.into_iter().collect(),
        (None, None, _) => BTreeMap::new(),
        (None, Some(since), Some(whose)) => [(whose.clone(), since)].into(),
        (None, Some(since), None) => match by_id.keys().next() {
            Some(only) if by_id.len() == 1 => [(only.clone(), since)].into(),
            _ => {
                return Err(Usage::new(
                    "--since is a number of one connection's changes, and there are several",
                )
                .next("name one with --connection; --consumer NAME keeps how far it came in each")
                .into());
            }
        },
    };
    let (mut out, mut exit) = (context.output(&args.columns), Exit::Done);
    let mut feed = ChangeFeed::new(Arc::clone(&database), None, whose, since);
    while !(args.follow && context.shutdown.is_requested()) {
        let step = feed.next(AT_ONCE).await.context("reading the changes")?;
        let name = |id: &String| feed.names().get(id).unwrap_or(id).clone();
        let (connection, reached) = match step {
            FeedStep::Nothing if !args.follow => break,
            FeedStep::Nothing => tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => continue,
                () = context.shutdown.requested() => break,
            },
            FeedStep::Changes { connection, changes, reached } => {
                let is_wanted = |change: &&ChangeRow| {
                    args.object.as_ref().is_none_or(|object| *object == change.object)
                };
                let shown = changes.iter().filter(is_wanted);
                let shown = shown
                    .map(|change| serde_json::to_value(ChangeDocument::of(change, feed.names())));
                out.page(shown.collect::<Result<Vec<_>, _>>()?)?;
                (connection, reached)
            }
            // A consumer that was silent for too long hears what it missed, and goes on.
            FeedStep::Forgotten { connection, since, until } => {
                let Some(consumer) = &args.consumer else {
                    let why = StoreError::Forgotten { since, until };
                    return Err(why)
                        .with_context(|| format!("reading the changes of {}", name(&connection)));
                };
                context.watch.say(&format!(
                    "{}: the changes {} to {until} were forgotten before {consumer} had them; \
                     `export` has the records as they are, and later changes follow",
                    name(&connection),
                    since + 1
                ));
                exit = Exit::Partly;
                (connection, until)
            }
        };
        if let Some(consumer) = &args.consumer {
            database.set_position(consumer, &connection, reached).await?;
        }
    }
    out.end()?;
    Ok(exit)
}
