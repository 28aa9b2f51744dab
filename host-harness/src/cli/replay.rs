//! `replay`: recorded calls, made again.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use host_harness::runtime::recording::{CallEnd, RecordedCall};
use host_harness::service::recording::{RecordingError, RecordingReader};
use indexmap::IndexMap;
use serde_json::json;

use super::context::Context;
use super::exit::Exit;
use super::output::{lines, printable};
use super::state::StateDirectory;
use super::usage::Usage;

/// Makes recorded calls again, each in a fresh instance whose imports are answered from the
/// recording, and shows the first difference of each function. Nothing is sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host --record day sync
  connector-host replay day/1795348800000-0b02015f.recording
  connector-host replay day/1795348800000-0b02015f.recording --with new.wasm

Of a redacted recording only shapes can be compared, and a call that goes by a value that was
replaced differs.")]
pub struct ReplayArgs {
    /// The recording, made by --record
    pub file: PathBuf,

    /// Compare what was recorded with this component instead, a newer version for example
    #[arg(long, value_name = "COMPONENT")]
    pub with: Option<PathBuf>,

    /// Of a recording that was cut, take the calls before the cut
    #[arg(long)]
    pub partial: bool,
}

/// Runs the command.
///
/// # Errors
/// When the recording cannot be read to its end, or is of another component; then no call is made.
pub async fn run(args: &ReplayArgs, context: &Context) -> Result<Exit> {
    let master = StateDirectory::somewhere(context)?.existing_master()?;
    let open = || {
        let opened = RecordingReader::open(&args.file, &master);
        opened.with_context(|| format!("reading {}", args.file.display()))
    };
    let mut whole = match open() {
        Err(why) if args.partial && is_cut(&why) => {
            context
                .watch
                .say("the recording is cut before its first call: there is nothing to compare");
            return Ok(Exit::Done);
        }
        opened => opened?,
    };
    while next(&mut whole, args)?.is_some() {}
    let connector = context.load(args.with.as_deref()).await?;
    let (head, found) = (whole.head(), &connector.facts().sha256);
    if args.with.is_none() && head.component != *found {
        let text = format!(
            "the recording is of {}, component {}, and this component is {found}",
            head.connector, head.component
        );
        return Err(Usage::new(text).next("--with COMPONENT compares another version").into());
    }
    if head.is_redacted {
        context.watch.say("the recording is redacted: shapes are compared, and no values");
    }
    if let Some(why) = whole.ended_early() {
        context.watch.say(&format!("the recording ends before its program did: {why}"));
    }
    let mut tallies = IndexMap::<String, [u64; 5]>::new();
    let (mut number, mut first) = (0_u64, Vec::new());
    let mut recording = open()?;
    while let Some(call) = next(&mut recording, args)? {
        number += 1;
        let name = format!("call {number} ({})", call.export);
        let [calls, equal, differ, cut, suspended] =
            tallies.entry(call.export.clone()).or_default();
        *calls += 1;
        *suspended += u64::from(call.suspended > 0);
        if let CallEnd::Cut(why) | CallEnd::Stopped(why) = &call.end {
            *cut += 1;
            context.watch.say(&printable(&format!("{name} was cut: {why}")));
        }
        match connector.replay(call, head.is_redacted).await {
            None => *equal += 1,
            Some(difference) => {
                *differ += 1;
                if *differ == 1 {
                    first.push(format!("{name}, {difference}"));
                }
            }
        }
    }
    let rows = tallies.into_iter().map(|(export, [calls, equal, differ, cut, suspended])| {
        json!({ "export": export, "calls": calls, "equal": equal, "differ": differ, "cut": cut,
            "suspended": suspended })
    });
    let names = ["export", "calls", "equal", "differ", "cut", "suspended"];
    context.members(&names, rows.collect())?;
    for first in &first {
        context.watch.say(&format!("the first difference: {}", lines(first)));
    }
    Ok(if first.is_empty() { Exit::Done } else { Exit::Failed })
}

fn is_cut(why: &anyhow::Error) -> bool {
    matches!(why.downcast_ref(), Some(RecordingError::Cut { .. }))
}

/// The next call; none after the cut where that is wanted.
fn next(
    recording: &mut RecordingReader,
    args: &ReplayArgs,
) -> Result<Option<RecordedCall>, RecordingError> {
    match recording.next_call() {
        Err(RecordingError::Cut { .. }) if args.partial => Ok(None),
        other => other,
    }
}
