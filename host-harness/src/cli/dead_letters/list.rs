//! `dead-letters list`: what could not be read or applied, and why.

use anyhow::Result;
use host_harness::mirror::Mirror as _;
use host_harness::webhooks::{EventRow, Inbox as _};
use serde_json::json;

use super::Number;
use crate::cli::context::Context;
use crate::cli::deliveries::{effect, names};
use crate::cli::exit::Exit;
use crate::cli::output::{Columns, Row, date, records};
use crate::cli::state::{State, whose};

/// Shows the dead letters, oldest first; of all connections, or of that of --connection. Those of
/// deliveries have numbers that begin with e.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host dead-letters list --output table
  connector-host dead-letters list | jq -r .raw")]
pub struct Args {
    #[command(flatten)]
    pub columns: Columns,
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
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let mut out = records(context.form(), &args.columns);
    for letter in database.dead_letters(whose.as_deref()).await? {
        let number = Number::Record(letter.number).to_string();
        let data = json!({
            "number": number,
            "connection": name(&letter.connection),
            "object": letter.object,
            "id": letter.id,
            "at": date(letter.at_ms),
            "reason": letter.reason,
            "raw": letter.raw,
        })
        .to_string();
        context.watch.print(|| out.page(&[Row { id: &number, data: &data }]))?;
    }
    for event in database.dead_events(whose.as_deref()).await? {
        let delivery = database.delivery(event.delivery).await?;
        let body = delivery.map(|row| row.body).unwrap_or_default();
        let number = Number::Event(event.number).to_string();
        let data = of_event(&event, &number, &name(&event.connection), &body).to_string();
        context.watch.print(|| out.page(&[Row { id: &number, data: &data }]))?;
    }
    context.watch.print(|| out.end())?;
    Ok(Exit::Done)
}

fn of_event(event: &EventRow, number: &str, connection: &str, body: &[u8]) -> serde_json::Value {
    json!({
        "number": number,
        "connection": connection,
        "object": event.object,
        "id": event.effect.record(),
        "at": date(event.received_ms),
        "reason": event.reason,
        "raw": String::from_utf8_lossy(body),
        "delivery": event.delivery,
        "event": event.id,
        "effect": effect(&event.effect),
    })
}
