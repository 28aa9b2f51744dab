//! `changes`: the log of what changed, in order.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use host_harness::clock::unix_ms;
use host_harness::contract::hex;
use host_harness::mirror::{ChangeRow, Mirror as _};
use host_harness::store::Word as _;
use serde_json::{Value, json};

use super::context::Context;
use super::input::span;
use super::output::{Columns, counted, date};
use super::state::{StateDirectory, clock, names, whose};

/// Changes that are read at once.
const AT_ONCE: u32 = 500;
/// How often the log is looked at for more.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Prints what changed: what was created, updated (with the members that differ), deleted, or is
/// no longer listed because of its age, and where records drift from their schema.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host changes --since 120
  connector-host changes --follow --consumer warehouse | while read -r change; do ...; done
  connector-host changes --object orders --output table
  connector-host changes --prune-before 90d

A consumer's position is kept, and moves only after its lines have been written. Without
--connection the changes of all connections are shown.")]
pub struct ChangesArgs {
    /// Wait for more
    #[arg(long)]
    pub follow: bool,

    /// Only those with a greater number
    #[arg(long, value_name = "N", conflicts_with = "consumer")]
    pub since: Option<u64>,

    /// Go on after what this consumer has had, and keep how far it came
    #[arg(long, value_name = "NAME")]
    pub consumer: Option<String>,

    /// Only those of this object
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,

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
pub async fn run(args: &ChangesArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    if let Some(age) = args.prune_before {
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let before_ms = unix_ms(clock().now()).saturating_sub(age);
        let pruned = database.prune_changes(before_ms).await?;
        context.watch.say(&format!("forgot {}", counted(pruned, "change")));
        return Ok(());
    }
    let whose = whose(context, &state, &database).await?;
    let mut since = match (&args.consumer, args.since) {
        (Some(consumer), _) => database.position(consumer).await?,
        (None, since) => since.unwrap_or(0),
    };
    let mut by_id = names(&database).await?;
    let mut out = context.output(&args.columns);
    while !(args.follow && context.shutdown.is_requested()) {
        let changes = database.changes(whose.as_deref(), since, AT_ONCE).await;
        let changes = changes.context("reading the changes")?;
        let Some(last) = changes.last() else {
            if !args.follow {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => continue,
                () = context.shutdown.requested() => break,
            }
        };
        since = last.number;
        if changes.iter().any(|change| !by_id.contains_key(&change.connection)) {
            by_id = names(&database).await?;
        }
        let is_wanted = |change: &&ChangeRow| {
            args.object.as_ref().is_none_or(|object| *object == change.object)
        };
        let shown = changes.iter().filter(is_wanted);
        out.page(shown.map(|change| as_json(change, &by_id)))?;
        if let Some(consumer) = &args.consumer {
            database.set_position(consumer, since).await?;
        }
    }
    out.end()
}

fn as_json(change: &ChangeRow, names: &BTreeMap<String, String>) -> Value {
    let hash = |hash: Option<[u8; 32]>| hash.map(|hash| hex(&hash));
    json!({
        "number": change.number,
        "connection": names.get(&change.connection).unwrap_or(&change.connection),
        "object": change.object,
        "id": change.id,
        "kind": change.kind.word(),
        "ours": change.ours,
        "at": date(change.at_ms),
        "updated_at": change.updated_at,
        "previous": hash(change.previous),
        "hash": hash(change.hash),
        "members": change.members,
    })
}
