//! `records list`: kept records, filtered and sorted.

use anyhow::Result;
use host_harness::mirror::{Filter, ListQuery};
use host_harness::store::StoreError;

use super::super::context::Context;
use super::super::output::{Columns, OutputRow};
use super::super::state::{DEFAULT, StateDirectory, name};
use super::super::usage::Usage;

/// Prints kept records, filtered and sorted by what the connector says that is indexed. Those that lists no
/// longer show because of their age are among them; those that were deleted are not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host records list orders --max 20
  connector-host records list orders --where status=paid --where 'due<2026-12-01' --sort due
  connector-host records list orders --where 'number^=A-77' --output table --columns number,status
  connector-host records list orders --rule late --where carrier=x

Conditions, all of which hold for each record:
  NAME=VALUE   is this (NAME= alone: has none)
  NAME^=TEXT   begins so
  NAME>=VALUE  is not less
  NAME<VALUE   is less

A name is `id`, `updated` (when the provider last changed it), what a member means (`status`, `number`,
`due`, ...), its JSON Pointer, or the last part of that. Values are compared as texts, byte by byte, so dates
compare as they are written. An unknown name is refused with those that can be used.")]
pub struct ListRecordsArgs {
    /// Name of the object
    object: String,

    /// A condition; may be given several times
    #[arg(long = "where", value_name = "CONDITION")]
    filters: Vec<Filter>,

    /// Only those for which this rule over time is raised, the longest due first; `rules list` shows the rules
    #[arg(long, value_name = "RULE", conflicts_with = "sort")]
    rule: Option<String>,

    /// Sort by this [default: updated, the newest first]
    #[arg(long, value_name = "NAME")]
    sort: Option<String>,

    /// From the greatest value to the least
    #[arg(long)]
    desc: bool,

    /// No more than so many
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    max: u32,

    /// Go on where an earlier list with the same conditions ended: it says so on stderr
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,

    #[command(flatten)]
    columns: Columns,
}

/// Runs the command.
///
/// # Errors
/// When a name is not known, nothing is kept of the object, or the output cannot be written.
pub async fn run(args: &ListRecordsArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let row = state.named(&*database, name(context)?.unwrap_or(DEFAULT)).await?;
    let connection = row.id;
    let query = ListQuery {
        connection: connection.clone(),
        object: args.object.clone(),
        filters: args.filters.clone(),
        sort: args.sort.clone().unwrap_or_else(|| "updated".to_owned()),
        descending: args.desc || (args.sort.is_none() && args.rule.is_none()),
        rule: args.rule.clone(),
        after: args.after.clone(),
        limit: args.max,
    };
    let page = database.list(query).await.map_err(|why| match why {
        StoreError::NotIndexed { .. }
        | StoreError::NoRule { .. }
        | StoreError::NoCursor { .. }
        | StoreError::Derived { .. } => Usage::new(why.to_string()).into(),
        other => anyhow::Error::from(other),
    })?;
    if page.records.is_empty() && database.count(&connection, &args.object).await? == (0, 0, 0) {
        let text = format!("nothing is kept of {} for {}", args.object, row.name);
        return Err(Usage::new(text)
            .next(format!("`sync {}` reads and keeps it", args.object))
            .into());
    }
    let mut out = context.output(&args.columns);
    out.rows(page.records.iter().map(|record| OutputRow { id: &record.id, data: &record.data }))?;
    out.end()?;
    if page.was_scanned {
        context.watch.say(
            "every record was read for this: the index is being built, by `sync` or a running `serve`",
        );
    }
    if let Some(next) = page.next {
        context.watch.say(&format!("there are more: --after '{}'", next.replace('\'', r"'\''")));
    }
    Ok(())
}
