//! What a fresh instance costs.

use std::time::Instant;

use anyhow::Result;
use host_harness::runtime::{Connection, Connector};
use host_harness::vault::Secret;

use crate::report::{Report, median};

const ROUNDS: usize = 9;
const CALLS: u32 = 2_000;

/// Times instances that do nothing, and the smallest call.
pub async fn measure(connector: &Connector, report: &mut Report) -> Result<()> {
    let connection =
        Connection::builder(connector).secret("api-key", Secret::new("asat_bench")).build().await?;
    let derived = ["checkpoints".to_owned()];
    let (mut instances, mut calls) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..CALLS {
            connector.instantiate().await?;
        }
        instances.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
        let began = Instant::now();
        for _ in 0..CALLS {
            connection.derive(&derived, Vec::new()).await?;
        }
        calls.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
    }
    let (instance, call) = (median(instances), median(calls));
    report.add("fresh instance", format!("{instance:.1} µs"), "target 15 µs".to_owned());
    let ratio = call / instance;
    report.add(
        "`derive` of nothing in a fresh instance",
        format!("{call:.1} µs"),
        format!("{ratio:.1} × an empty instance"),
    );
    Ok(())
}
