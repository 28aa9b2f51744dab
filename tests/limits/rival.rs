//! Somebody else takes half of what the provider allows.

use std::time::Duration;

use aftership_simulator::Simulator;
use bytes::Bytes;
use http::Request;

use super::account::{Account, Demand, MINUTE};
use crate::support::world::{KEY, TRACKINGS};

/// Sends a request `every` so long, as another program would.
async fn rival(simulator: Simulator, demand: Demand, every: Duration) {
    let mut every = tokio::time::interval(every);
    for count in 0.. {
        every.tick().await;
        let (method, path, body) = match demand {
            Demand::Get => ("GET", format!("{TRACKINGS}/theirs"), String::new()),
            Demand::List => ("GET", format!("{TRACKINGS}?limit=1"), String::new()),
            _ => {
                let body = format!(r#"{{"tracking_number":"THEIRS-{count}","slug":"dhl"}}"#);
                ("POST", TRACKINGS.to_owned(), body)
            }
        };
        let request = Request::builder().method(method).uri(path).header("as-api-key", KEY);
        simulator.handle(request.body(Bytes::from(body)).unwrap()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_rival_calls_wait_and_do_not_fail() {
    for (demand, limit) in [(Demand::Get, 5_u32), (Demand::List, 6), (Demand::Create, 20)] {
        let account = Account::of_endpoints().await;
        let rival =
            tokio::spawn(rival(account.simulator.clone(), demand, Duration::from_secs(2) / limit));
        let calls = account.demand(demand).await;
        rival.abort();
        let (sent, refused) = (account.requests().len(), account.refused());
        let left = f64::from(limit) / 2.0 * MINUTE.as_secs_f64();
        println!(
            "{demand:?}: {calls:?}; {sent} sent, {refused} refused ({:.1} %), {:.0} % of what is left used",
            100.0 * refused as f64 / sent as f64,
            100.0 * (sent - refused) as f64 / left,
        );
        assert!(refused * 100 <= sent * 5, "{demand:?}: {refused} of {sent} refused");
        assert!(f64::from(calls.well) >= 0.7 * left, "{demand:?}: {calls:?} of {left}");
        assert!(calls.rate_limited * 100 < (calls.well + calls.rate_limited) * 2, "{calls:?}");
    }
}
