//! `deliveries replay`: a saved delivery, once more.

use std::path::PathBuf;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use host_harness::clock::{Clock as _, SystemClock};
use host_harness::contract::subscriptions::{Delivery, Refusal};
use host_harness::service::documents::ReceivedEvent;
use serde::Deserialize;

use crate::cli::context::Context;
use crate::cli::output::{Columns, date, printable};
use crate::cli::usage::Usage;

/// Hands a delivery that `deliveries show` saved to the connector as if it came now, and shows the
/// events that it says. It is verified as any other. Nothing is kept or applied.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host deliveries show 12 --output json >delivery.json
  connector-host deliveries replay delivery.json
  connector-host deliveries replay delivery.json --secret-env webhook-secret=SECRET

`dead-letters replay` has a delivery that is kept applied again.")]
pub struct ReplayDeliveryArgs {
    /// The file
    pub file: PathBuf,
}

/// A saved delivery; other members are not looked at.
#[derive(Deserialize)]
struct SavedDelivery {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_base64: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the file is no delivery, or the connector does not take it.
pub async fn run(args: &ReplayDeliveryArgs, context: &Context) -> Result<()> {
    let delivery = read(args).await?;
    let connector = context.connector().await?;
    let connection = context.connect(&connector).await?;
    let events = match connection.receive(delivery).await? {
        Ok(reception) => reception.events,
        Err(refusal) => return Err(refused(refusal).into()),
    };
    let mut out = context.output(&Columns::default());
    for event in &events {
        out.page([serde_json::to_value(ReceivedEvent::of(event))?])?;
    }
    out.end()
}

async fn read(args: &ReplayDeliveryArgs) -> Result<Delivery, Usage> {
    let shown = args.file.display();
    let bytes = tokio::fs::read(&args.file).await;
    let bytes = bytes.map_err(|why| Usage::new(format!("cannot read {shown}: {why}")))?;
    let wrong = |why: String| {
        Usage::new(format!("{shown} is no saved delivery: {why}"))
            .next("`deliveries show NUMBER --output json` saves one")
    };
    let saved: SavedDelivery =
        serde_json::from_slice(&bytes).map_err(|why| wrong(why.to_string()))?;
    let body = match (saved.body, saved.body_base64) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(text)) => BASE64.decode(text).map_err(|why| wrong(why.to_string()))?,
        _ => return Err(wrong("it needs either body or body_base64".to_owned())),
    };
    let headers = saved.headers.into_iter().map(|(name, value)| (name, value.into_bytes()));
    Ok(Delivery {
        subscription: None,
        method: saved.method,
        url: saved.url,
        headers: headers.collect(),
        body,
        received_at: date(SystemClock.now_ms()),
    })
}

fn refused(refusal: Refusal) -> Usage {
    match refusal {
        Refusal::Unverified => {
            Usage::new("the connector does not verify it: its signature is missing or wrong")
                .next("keep the secret that it was signed with; `inspect` shows its name")
        }
        Refusal::Unreadable(why) => {
            Usage::new(format!("the connector cannot read it: {}", printable(&why)))
        }
        Refusal::TryAgain(why) => {
            Usage::new(format!("the connector cannot verify it now: {}", printable(&why)))
        }
    }
}
