//! A create whose answer is lost: the record is looked for, and neither lost nor made twice. After
//! `make component`: `cargo run --example embed_lost_answer`

use std::error::Error;
use std::io::Write;
use std::path::Path;

use aftership_simulator::{Answer, Matcher, Options, Simulator};
use connector_runtime::secrets::Secret;
use connector_runtime::{Connection, Runtime, RuntimeOptions, tokio};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    run(&Runtime::new(&RuntimeOptions::default())?, &mut std::io::stdout()).await
}

/// Creates a tracking at a provider whose answer never comes.
pub async fn run(runtime: &Runtime, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let simulator = Simulator::new(Options::default());
    let server = simulator.listen().await?;
    let connector = runtime.load(Path::new("dist/aftership-connector.wasm")).await?;
    let builder = Connection::builder(&connector).secret("api-key", Secret::new("asat_simulator"));
    let builder = builder.setting("base-url", server.url()).allow_private();
    let connection = builder.build().await?;

    // The provider makes the record, and the connection breaks before it can say so.
    simulator.answer_next(Matcher::any(), Answer::reset().executed());
    let input = r#"{"tracking_number": "1Z12345E0205271688", "slug": "ups"}"#;
    let created = connection.create("trackings", input).await?;
    writeln!(out, "{}", if created.found { "found" } else { "created" })?;

    let metrics = runtime.metrics();
    writeln!(out, "{} calls, {} retries", metrics.calls, metrics.retries)?;
    Ok(())
}
