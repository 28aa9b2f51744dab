//! Webhooks that a platform's own server received: verified and read, without a request. After
//! `make component`: `cargo run --example embed_webhook`

use std::error::Error;
use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_runtime::contract::subscriptions::{Delivery, Effect};
use connector_runtime::secrets::{Secret, hmac_sha256};
use connector_runtime::{Connection, Runtime, RuntimeOptions, tokio};

const BODY: &[u8] = include_bytes!("../tests/fixtures/webhook-tracking-update.json");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    run(&Runtime::new(&RuntimeOptions::default())?, &mut std::io::stdout()).await
}

/// Receives a genuine delivery, and a forged one.
pub async fn run(runtime: &Runtime, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let connector = runtime.load(Path::new("dist/aftership-connector.wasm")).await?;
    let secret = Secret::new("the webhook secret of the account");
    let connection = Connection::builder(&connector).secret("webhook-secret", secret.clone());
    let connection = connection.build().await?;
    for signed_with in [secret, Secret::new("a guess")] {
        match connection.receive(delivery(&signed_with)).await? {
            Ok(reception) => {
                for event in reception.events {
                    let told = match event.effect {
                        Effect::Upserted(record) => record.id,
                        Effect::Deleted(id) => id,
                        // Look for the record by this input: `connection.find`.
                        Effect::Changed(input) => input,
                        Effect::Disconnected | Effect::Nothing => String::new(),
                    };
                    writeln!(out, "{} of {}: {told}", event.name, event.object)?;
                }
                // Kept. Answer 200 only now.
            }
            Err(refusal) => writeln!(out, "refused: {refusal:?}")?,
        }
    }
    Ok(())
}

/// A request as the platform's server has it.
fn delivery(key: &Secret) -> Delivery {
    let signature = STANDARD.encode(hmac_sha256(key, &[BODY]));
    let headers =
        [("aftership-hmac-sha256", signature.as_str()), ("as-webhook-version", "2026-07")];
    Delivery {
        subscription: None,
        method: "POST".to_owned(),
        url: "https://platform.example/hooks/7".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.into())).into(),
        body: BODY.to_vec(),
        received_at: "2026-11-22T12:00:00+00:00".to_owned(),
    }
}
