//! `--trace`: one line for each request, wait and repetition.

use host_harness::observe::{Event, Exchange};

use super::output::{bytes, duration, printable};

/// The line of an event; `None` for those that have none.
#[must_use]
pub fn line(event: &Event) -> Option<String> {
    match event {
        Event::Exchange(exchange) => Some(exchanged(exchange)),
        Event::Waiting { limit, for_about } => Some(format!(
            "wait    about {} for the limit {}",
            duration(*for_about),
            printable(limit)
        )),
        Event::Retrying { attempt, after, why } => Some(format!(
            "again   repetition {attempt} in {}: {}",
            duration(*after),
            printable(why)
        )),
        Event::Paused { for_about, why, .. } => {
            Some(format!("paused  for {}: {}", duration(*for_about), printable(why)))
        }
        Event::Resumed { .. } => Some("resumed".to_owned()),
        _ => None,
    }
}

/// Columns first, and endpoint and path last: their lengths differ.
fn exchanged(exchange: &Exchange) -> String {
    let (status, why) = match &exchange.outcome {
        Ok(status) => (status.to_string(), String::new()),
        Err(why) => ("-".to_owned(), format!("  ({})", printable(why))),
    };
    format!(
        "{:<6}  {status:>3}  {:>9}  {:>8}  waited {:>8}  {}  {}{why}",
        printable(&exchange.method),
        bytes(exchange.received_bytes),
        duration(exchange.took),
        duration(exchange.waited),
        printable(&exchange.endpoint),
        printable(&exchange.path),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn exchange(outcome: Result<u16, String>) -> Event {
        Event::Exchange(Exchange {
            endpoint: "orders".to_owned(),
            method: "GET".to_owned(),
            origin: "https://api.example.com".to_owned(),
            path: "/v1/orders?limit".to_owned(),
            sent_bytes: 0,
            outcome,
            received_bytes: 34_567,
            waited: Duration::from_millis(1_200),
            took: Duration::from_millis(87),
        })
    }

    #[test]
    fn each_event_has_its_line() {
        assert_eq!(
            line(&exchange(Ok(200))).unwrap(),
            "GET     200    34.6 kB     87 ms  waited    1.2 s  orders  /v1/orders?limit"
        );
        assert_eq!(
            line(&exchange(Err("no answer within 15 s".to_owned()))).unwrap(),
            "GET       -    34.6 kB     87 ms  waited    1.2 s  orders  /v1/orders?limit  (no answer within 15 s)"
        );
        let waiting = Event::Waiting {
            limit: "per-minute".to_owned(),
            for_about: Duration::from_millis(2_500),
        };
        assert_eq!(line(&waiting).unwrap(), "wait    about 2.5 s for the limit per-minute");
        let again = Event::Retrying {
            attempt: 1,
            after: Duration::from_millis(40),
            why: "down\nfor now".to_owned(),
        };
        assert_eq!(line(&again).unwrap(), "again   repetition 1 in 40 ms: down\\nfor now");
    }
}
