//! What it costs to derive the records inside a page, which is sent back into the guest for it.

use std::time::Instant;

use anyhow::Result;
use host_harness::contract::records::ListRequest;
use host_harness::runtime::Connection;

use crate::report::{Report, median};

const ROUNDS: usize = 200;

/// Times deriving from one page against the page's own call.
pub async fn measure(
    connection: &Connection,
    request: ListRequest,
    report: &mut Report,
) -> Result<()> {
    for object in ["checkpoints", "notifications", "estimated-delivery-dates"] {
        let (mut pages, mut derivations) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let parents = connection.list(&request).await?.records;
            pages.push(began.elapsed().as_secs_f64());
            let began = Instant::now();
            let derived = connection.derive(&[object.to_owned()], parents).await?;
            derivations.push(began.elapsed().as_secs_f64());
            anyhow::ensure!(
                derived.iter().flatten().any(|records| !records.is_empty()),
                "nothing derived"
            );
        }
        let (page, derivation) = (median(pages), median(derivations));
        report.add(
            &format!("{object} of a page of 200 trackings (`derive`)"),
            format!("{:.2} ms", derivation * 1e3),
            format!("{:.2} × reading the page", derivation / page),
        );
    }
    Ok(())
}
