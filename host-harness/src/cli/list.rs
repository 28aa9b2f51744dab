//! `list`: all records of an object, page by page.

use anyhow::{Context as _, Result};
use clap::value_parser;
use host_harness::contract::records::{ListRequest, Page, Start};
use host_harness::contract::types::DataRecord;
use host_harness::runtime::Connector;

use super::context::{Context, describe};
use super::exit::Exit;
use super::filter;
use super::input::pairs;
use super::output::{Columns, OutputRow, counted, printable};
use super::usage::Usage;
use super::view::ViewOptions;
use super::with::DerivedListing;
use host_harness::service::documents::catalog::embedded;

/// Unreadable records that are named one by one.
const NAMED: u64 = 10;

/// Walks all pages; keeps one in memory.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host list orders --max 10
  connector-host list orders --filter state=open,late --filter paid=true > orders.ndjson
  connector-host list orders --fields id,state --option lang=de
  connector-host list orders --output csv --columns id,state,total > orders.csv
  connector-host list orders --with order-lines | jq 'select(.object == \"order-lines\").data'

A filter takes a list by commas or by several --filter; an item that holds a comma is written as
JSON: --filter 'word=[\"a,b\"]'. `describe OBJECT` shows the filters.")]
pub struct ListArgs {
    /// Name of the object, as `objects` shows it
    pub object: String,

    /// Only records that fit (several times)
    #[arg(long = "filter", value_name = "NAME=VALUE")]
    pub filters: Vec<String>,

    /// Also records of these objects, which are derived from it, without further requests
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub with: Vec<String>,

    /// Ask for so many records at once
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub page_size: Option<u32>,

    /// Stop after so many records
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub max: Option<u64>,

    #[command(flatten)]
    pub part: ViewOptions,

    #[command(flatten)]
    pub columns: Columns,
}

/// Runs the command.
///
/// # Errors
/// When a filter does not fit, or the scan cannot go on.
pub async fn run(args: &ListArgs, context: &Context) -> Result<Exit> {
    let connector = context.connector_with(&args.object).await?;
    let filter = read_filter(args, &connector).await?;
    let view = args.part.view(&connector, &args.object).await?;
    if !args.with.is_empty() && !args.part.fields.is_empty() {
        let text =
            "what lies in a record is computed of the whole record, so --with has no --fields";
        return Err(Usage::new(text).next("leave one of them out").into());
    }
    let mut with = match args.with.as_slice() {
        [] => None,
        names => Some(DerivedListing::of(&connector, &args.object, names).await?),
    };
    let form = match with {
        Some(_) => DerivedListing::form(context.options.output)?,
        None => context.form(),
    };
    let connection = context.connect(&connector).await?;
    let columns = args.columns.of(&connector, &args.object).await?;
    let mut out = context.output_as(form, &columns);
    let mut scan = connection.scan(ListRequest {
        object: args.object.clone(),
        start: Start::Beginning,
        page_size: page_size(args.page_size, args.max),
        filter,
        view,
    });
    let mut left = args.max.unwrap_or(u64::MAX);
    let mut unreadable = 0;
    let mut deleted = 0;
    while left > 0 {
        let page = Box::pin(scan.next()).await;
        let page = page.with_context(|| stopped(args, left))?;
        let Some(page) = page else { break };
        let parents = shown(&page, left);
        let shown = parents.len() as u64;
        match &mut with {
            Some(with) => {
                let lines = with.lines(&connection, parents).await?;
                out.rows(lines.iter().map(|(id, data)| OutputRow { id, data }))?;
            }
            None => out.rows(parents)?,
        }
        left -= shown;
        let total = page.total.map(u64::from);
        context.watch.page(shown, total.map(|total| total.min(args.max.unwrap_or(total))));
        deleted += page.deleted.len() as u64;
        tell_unreadable(context, &page, unreadable);
        unreadable += page.unreadable.len() as u64;
    }
    out.end()?;
    context.watch.clear();
    if deleted > 0 {
        let records = counted(deleted, "record");
        context.watch.mention(&format!("{records} reported as gone"));
    }
    context.watch.mention(&context.watch.summary());
    if let Some(with) = &with {
        context.watch.mention(&with.summary());
    }
    if unreadable > 0 {
        let records = counted(unreadable, "record");
        context
            .watch
            .say(&format!("{records} could not be read by the connector; all others were printed"));
        return Ok(Exit::Partly);
    }
    Ok(Exit::Done)
}

async fn read_filter(args: &ListArgs, connector: &Connector) -> Result<Option<String>> {
    if args.filters.is_empty() {
        return Ok(None);
    }
    let descriptor = describe(connector, &args.object).await?;
    let pairs = pairs("--filter", &args.filters)?;
    let schema = descriptor.filter_schema.ok_or_else(|| {
        Usage::new(format!("{} has no filters", args.object)).next("leave --filter out")
    })?;
    Ok(filter::build(&embedded(&schema), "filter", &pairs)?)
}

/// No more than will be shown.
fn page_size(wished: Option<u32>, max: Option<u64>) -> Option<u32> {
    let max = max.map(|max| u32::try_from(max).unwrap_or(u32::MAX));
    match (wished, max) {
        (Some(size), Some(max)) => Some(size.min(max)),
        (size, max) => size.or(max),
    }
}

fn shown(page: &Page, left: u64) -> &[DataRecord] {
    let left = usize::try_from(left).unwrap_or(usize::MAX);
    page.records.get(..left).unwrap_or(&page.records)
}

fn stopped(args: &ListArgs, left: u64) -> String {
    let shown = args.max.unwrap_or(u64::MAX) - left;
    match shown {
        0 => format!("listing {}", args.object),
        _ => format!("listing {} stopped after {}", args.object, counted(shown, "record")),
    }
}

fn tell_unreadable(context: &Context, page: &Page, before: u64) {
    for (number, item) in (before..).zip(&page.unreadable) {
        match number {
            0..NAMED => {
                let id = item.id.as_deref().unwrap_or("without an id");
                let (id, reason) = (printable(id), printable(&item.reason));
                context.watch.say(&format!("unreadable: {id}: {reason}"));
            }
            NAMED => context.watch.say("unreadable: more of them, not named here"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_no_larger_than_what_is_shown() {
        assert_eq!(page_size(None, None), None);
        assert_eq!(page_size(Some(50), None), Some(50));
        assert_eq!(page_size(None, Some(7)), Some(7));
        assert_eq!(page_size(Some(50), Some(7)), Some(7));
        assert_eq!(page_size(Some(5), Some(7)), Some(5));
        assert_eq!(page_size(None, Some(u64::MAX)), Some(u32::MAX));
    }
}
