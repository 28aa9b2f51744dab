//! `mapping`: mapping files, tried without a connection.

use std::path::PathBuf;

use anyhow::Result;
use host_harness::push::fit;
use host_harness::push::mapping::Mapping;
use host_harness::source::SourceItem;
use serde_json::{Value, json};

use super::context::Context;
use super::exit::Exit;
use super::output::{Columns, OutputRow, lines};
use super::source::{SourceOptions, mapping, open};
use super::usage::Usage;
use host_harness::service::documents::catalog::embedded;

subcommands! {
    /// Tries a mapping file on a source, without a connection.
    MappingArgs:

    /// Show what a mapping file makes of the first items of a source
    Show(ShowMappingArgs) by show,
}

/// Shows what a mapping file makes of the first items of a source. Nothing is sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host mapping show shop.json export.csv
  connector-host mapping show shop.json export.csv --rows 100 --output json")]
struct ShowMappingArgs {
    /// The mapping file
    map: PathBuf,

    /// The source, as `push` reads it
    file: String,

    /// Show so many items of the source
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    rows: usize,

    #[command(flatten)]
    reading: SourceOptions,
}

async fn show(args: &ShowMappingArgs, context: &Context) -> Result<Exit> {
    let mapping = mapping(&args.map)?;
    let mut items = open(&args.file, &args.reading, None).await?;
    let unreadable = |why| Usage::new(format!("cannot read {}: {why}", args.file));
    let odd = fit(&items, Some(&mapping)).map_err(unreadable)?;
    odd.iter().for_each(|note| context.watch.say(note));
    let mut out = context.output(&Columns::default());
    let mut failed = false;
    for _ in 0..args.rows {
        let item = tokio::task::block_in_place(|| items.next_item());
        let Some(item) = item.map_err(unreadable)? else { break };
        let line = item.line;
        for shown in shown(item, &mapping) {
            failed |= shown.get("error").is_some_and(Value::is_string);
            out.rows([OutputRow { id: &line.to_string(), data: &shown.to_string() }])?;
        }
    }
    out.end()?;
    items.notes().iter().for_each(|note| context.watch.say(note));
    Ok(if failed { Exit::Partly } else { Exit::Done })
}

fn shown(item: SourceItem, mapping: &Mapping) -> Vec<Value> {
    let SourceItem { line, content, .. } = item;
    let row = |outcome: &str, input: Option<Value>, error: Option<String>| {
        let error = error.as_deref().map(lines);
        json!({ "line": line, "outcome": outcome, "input": input, "error": error })
    };
    match content.and_then(|content| mapping.apply(&content)) {
        Ok(inputs) if inputs.is_empty() => vec![row("skipped", None, None)],
        Ok(inputs) => {
            inputs.iter().map(|input| row("mapped", Some(embedded(input)), None)).collect()
        }
        Err(why) => vec![row("failed", None, Some(why))],
    }
}
