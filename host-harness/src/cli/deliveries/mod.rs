//! `deliveries`: what was received.

mod replay;

use std::time::Duration;

use anyhow::Result;
use host_harness::service::documents::{DeliveryDocument, DeliverySummary};
use host_harness::store::Word as _;
use host_harness::webhooks::{DeliveryRow, EventRow};
use serde_json::Value;

use super::context::Context;
use super::exit::Exit;
use super::output::{date, duration, printable};
use super::print::Entry;
use super::state::{StateDirectory, names, whose};
use super::usage::Usage;

/// Rows that are read at a time.
const PAGE: u32 = 200;

subcommands! {
    /// Shows the deliveries that `listen` received. Those that were applied are kept for 72 hours.
    DeliveriesArgs:

    /// Show what was received
    List(ListDeliveriesArgs) by list,
    /// Show one delivery whole, as `replay` reads it
    Show(ShowDeliveryArgs) by show,
    /// Hand a saved delivery to the connector, and show what it says
    Replay(replay::ReplayDeliveryArgs) by replay::run,
}

/// Shows deliveries, newest first; of all connections, or of that of --connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host deliveries list
  connector-host deliveries list --max 5 --connection shop-7 --output json")]
struct ListDeliveriesArgs {
    /// No more than so many
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..))]
    max: u32,
}

/// Shows a delivery as it came: a document that `deliveries replay` reads.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host deliveries show 12
  connector-host deliveries show 12 --output json >delivery.json")]
struct ShowDeliveryArgs {
    /// Its number, as `deliveries list` shows it
    number: u64,
}

async fn list(args: &ListDeliveriesArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    let whose = whose(context, &state, &*database).await?;
    let names = names(&*database).await?;
    let mut rows: Vec<DeliveryRow> = Vec::new();
    while let Some(left) = args.max.checked_sub(u32::try_from(rows.len())?).filter(|left| *left > 0)
    {
        let before = rows.last().map(|row| row.number);
        let page = database.deliveries(whose.as_deref(), before, left.min(PAGE)).await?;
        if page.is_empty() {
            break;
        }
        rows.extend(page);
    }
    let rows = rows.iter().map(|row| {
        let shown = |of: fn(&EventRow) -> String| {
            let mut all: Vec<String> = row.events.iter().map(of).collect();
            all.dedup();
            all.join(", ")
        };
        Ok::<_, serde_json::Error>(Entry {
            json: serde_json::to_value(DeliverySummary::of(row, &names))?,
            cells: vec![
                row.number.to_string(),
                names.get(&row.connection).unwrap_or(&row.connection).clone(),
                date(row.received_ms),
                shown(|event| event.name.clone()),
                shown(|event| event.effect.record().unwrap_or_default().to_owned()),
                shown(|event| event.state.word().to_owned()),
            ],
        })
    });
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    context.listing(&["NUMBER", "CONNECTION", "RECEIVED", "EVENT", "RECORD", "STATE"], rows)
}

async fn show(args: &ShowDeliveryArgs, context: &Context) -> Result<()> {
    context.document_form()?;
    let database = StateDirectory::needed(context)?.database().await?;
    let names = names(&*database).await?;
    let Some(row) = database.delivery(args.number).await? else {
        let text = format!("no delivery has the number {}", args.number);
        return Err(Usage::new(text).next("`deliveries list` shows them").into());
    };
    let document = serde_json::to_value(DeliveryDocument::of(&row, &names))?;
    context.document(|| text(&row, &document), &document)
}

fn text(row: &DeliveryRow, document: &Value) -> String {
    let mut text = format!("{} {}\n", printable(&row.method), printable(&row.url));
    for (name, value) in &row.headers {
        let value = String::from_utf8_lossy(value);
        text.push_str(&format!("{}: {}\n", printable(name), printable(&value)));
    }
    text.push('\n');
    for line in String::from_utf8_lossy(&row.body).lines() {
        text.push_str(&format!("{}\n", printable(line)));
    }
    text.push_str(&format!("\n\nits commit began {} ms after its first byte\n", row.answered_ms));
    for (event, shown) in row.events.iter().zip(document["events"].as_array().into_iter().flatten())
    {
        text.push_str(&format!("event {shown}\n"));
        for failed in &event.tries {
            let (at, reason) = (date(failed.at_ms), printable(&failed.reason));
            let wait = match failed.wait_ms {
                Some(wait_ms) => format!("again in {}", duration(Duration::from_millis(wait_ms))),
                None => "not again".to_owned(),
            };
            text.push_str(&format!("  failed at {at}, {wait}: {reason}\n"));
        }
    }
    text
}
