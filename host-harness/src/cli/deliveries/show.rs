//! `deliveries show`: one delivery, whole.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use host_harness::webhooks::{DeliveryRow, Inbox as _};
use serde_json::{Value, json};

use super::{names, summary};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::output::{printable, text_or_document};
use crate::cli::state::State;
use crate::cli::usage::Usage;

/// Shows a delivery as it came: a document that `deliveries replay` reads.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host deliveries show 12
  connector-host deliveries show 12 --output json >delivery.json")]
pub struct Args {
    /// Its number, as `deliveries list` shows it
    pub number: u64,
}

/// Runs the command.
///
/// # Errors
/// [`Usage`] when it is not there.
pub async fn run(args: &Args, context: &Context) -> Result<Exit> {
    let form = context.document_form()?;
    let database = State::needed(context)?.database().await?;
    let names = names(&database).await?;
    let Some(row) = database.delivery(args.number).await? else {
        let text = format!("no delivery has the number {}", args.number);
        return Err(Usage::new(text).next("`deliveries list` shows them").into());
    };
    let mut document = summary(&row, &names);
    if let Some(members) = document.as_object_mut() {
        members.extend(request(&row));
    }
    context.watch.print(|| text_or_document(form, &|| text(&row, &document), &document))?;
    Ok(Exit::Done)
}

/// The request: its body as text where it is one, else in base64.
fn request(row: &DeliveryRow) -> impl Iterator<Item = (String, Value)> {
    let headers: Vec<Value> = row
        .headers
        .iter()
        .map(|(name, value)| json!([name, String::from_utf8_lossy(value)]))
        .collect();
    let body = match std::str::from_utf8(&row.body) {
        Ok(text) => ("body", json!(text)),
        Err(_) => ("body_base64", json!(BASE64.encode(&row.body))),
    };
    let members =
        [("method", json!(row.method)), ("url", json!(row.url)), ("headers", headers.into()), body];
    members.map(|(name, value)| (name.to_owned(), value)).into_iter()
}

fn text(row: &DeliveryRow, document: &Value) -> String {
    let mut text = format!("{} {}\n", printable(&row.method), printable(&row.url));
    for (name, value) in &row.headers {
        let value = String::from_utf8_lossy(value);
        text.push_str(&format!("{}: {}\n", printable(name), printable(&value)));
    }
    let body = String::from_utf8_lossy(&row.body);
    text.push_str(&format!("\n{}\n\n", body.lines().map(printable_line).collect::<String>()));
    for event in document["events"].as_array().into_iter().flatten() {
        text.push_str(&format!("event {event}\n"));
    }
    text
}

fn printable_line(line: &str) -> String {
    format!("{}\n", printable(line))
}
