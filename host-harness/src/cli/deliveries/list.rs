//! `deliveries list`: what was received, newest first.

use anyhow::Result;
use host_harness::webhooks::{DeliveryRow, EventState, Inbox as _};

use super::{names, summary};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::output::{Columns, Form, Row, date, records, section, text_block};
use crate::cli::state::{State, whose};

/// Rows that are read at a time.
const PAGE: u32 = 200;

/// Shows deliveries, newest first; of all connections, or of that of --connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host deliveries list
  connector-host deliveries list --max 5 --connection shop-7 --output json")]
pub struct Args {
    /// No more than so many
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..))]
    pub max: u32,
}

/// Runs the command.
///
/// # Errors
/// When the state cannot be used.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let state = State::needed(context)?;
    let database = state.database().await?;
    let whose = whose(context, &state, &database).await?;
    let names = names(&database).await?;
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
    if context.form() == Form::Table {
        let table = rows.iter().map(|row| {
            let shown = |of: fn(&host_harness::webhooks::EventRow) -> String| {
                let mut all: Vec<String> = row.events.iter().map(of).collect();
                all.dedup();
                all.join(", ")
            };
            vec![
                row.number.to_string(),
                names.get(&row.connection).unwrap_or(&row.connection).clone(),
                date(row.received_ms),
                shown(|event| event.name.clone()),
                shown(|event| event.effect.record().unwrap_or_default().to_owned()),
                shown(|event| state_word(event.state).to_owned()),
            ]
        });
        let header = ["NUMBER", "CONNECTION", "RECEIVED", "EVENT", "RECORD", "STATE"];
        let table = section("", &header, table.collect());
        context.watch.print(|| text_block(&table))?;
        return Ok(Exit::Done);
    }
    let mut out = records(context.form(), &Columns::default());
    for row in &rows {
        let (id, data) = (row.number.to_string(), summary(row, &names).to_string());
        context.watch.print(|| out.page(&[Row { id: &id, data: &data }]))?;
    }
    context.watch.print(|| out.end())?;
    Ok(Exit::Done)
}

fn state_word(state: EventState) -> &'static str {
    match state {
        EventState::Waiting => "waiting",
        EventState::Done => "done",
        EventState::Dead => "dead",
    }
}
