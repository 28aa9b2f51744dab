//! A platform that runs the connector in its own process. It needs `connector-runtime` alone; the
//! other crate here is the simulated provider. After `make component`: `cargo run --example embed`

use std::error::Error;
use std::io::Write;
use std::path::Path;

use aftership_simulator::{Options, Simulator};
use connector_runtime::contract::records::ListRequest;
use connector_runtime::secrets::Secret;
use connector_runtime::{Connection, Runtime, RuntimeOptions, tokio};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    run(&Runtime::new(&RuntimeOptions::default())?, &mut std::io::stdout()).await
}

/// Lists the trackings of a simulated account, and creates one more.
pub async fn run(runtime: &Runtime, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let simulator = Simulator::new(Options::default());
    simulator.seed(1, 3);
    let server = simulator.listen().await?;
    let connector = runtime.load(Path::new("dist/aftership-connector.wasm")).await?;
    let builder = Connection::builder(&connector).secret("api-key", Secret::new("asat_simulator"));
    // A simulator is on this machine, which no connection may reach otherwise.
    let builder = builder.setting("base-url", server.url()).allow_private();
    let connection = builder.build().await?;

    let mut scan = connection.scan(ListRequest::all("trackings"));
    while let Some(page) = scan.next().await? {
        page.records.iter().try_for_each(|record| writeln!(out, "listed {}", record.data))?;
    }
    let wish = r#"{"tracking_number": "1Z12345E0205271688", "slug": "ups"}"#;
    if let Some(record) = connection.create("trackings", wish).await?.record() {
        writeln!(out, "created {}", record.data)?;
    }
    Ok(())
}
