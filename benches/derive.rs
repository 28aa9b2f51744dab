//! What it costs to send a page of parents back into the guest, for `derive`.
//!
//! No object is derived yet, so the guest refuses after it has taken them in: the figure is
//! the crossing alone.

use std::time::Instant;

use anyhow::Result;
use host_harness::runtime::Connection;
use host_harness::runtime::bindings::records::ListRequest;

use crate::report::{Report, median};

const ROUNDS: usize = 200;

/// Times the crossing of one page against the page's own call.
pub async fn measure(
    connection: &Connection,
    request: ListRequest,
    report: &mut Report,
) -> Result<()> {
    let (mut pages, mut crossings) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let parents = connection.list(request.clone()).await?.records;
        pages.push(began.elapsed().as_secs_f64());
        let began = Instant::now();
        anyhow::ensure!(connection.derive("trackings", parents).await.is_err(), "a derived object");
        crossings.push(began.elapsed().as_secs_f64());
    }
    let (page, crossing) = (median(pages), median(crossings));
    report.add(
        "a page of 200 parents into the guest (`derive`)",
        format!("{:.2} ms", crossing * 1e3),
        format!("{:.2} × reading the page", crossing / page),
    );
    Ok(())
}
