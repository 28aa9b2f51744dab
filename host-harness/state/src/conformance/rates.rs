//! What every [`Rates`](crate::rates::Rates) must do.

use std::sync::Arc;
use std::time::Duration;

use connector_contract::limits::{Charge, LimitId, Rate, SlotRequest, Slots};
use tokio::time::advance;

use super::{Database, START_S, State};
use crate::rates::{RateCounts, RateRow};

/// The cases, each with the methods that it is about.
#[macro_export]
#[doc(hidden)]
macro_rules! rates_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* rates:
            requests_are_counted_by_limit_and_minute [rates]
            rates_are_forgotten_after_eight_days [rates]
        }
    };
}

const MINUTE: u64 = START_S / 60;

fn charge(account: &str, name: &str, requests: u32, count: u32) -> Charge {
    let limit = LimitId { scope: account.to_owned(), name: name.to_owned() };
    Charge { limit, rate: Rate::new(requests, Duration::from_secs(1)), count }
}

async fn reserve(state: &Arc<dyn State>, charges: &[Charge], slots: usize) {
    let within = Duration::from_secs(60);
    let request = SlotRequest { charges: charges.to_vec(), slots, within };
    state.reserve(request).await.unwrap();
}

async fn told(state: &Arc<dyn State>, accounts: &[&str], since: u64) -> Vec<RateRow> {
    let accounts = accounts.iter().map(|account| (*account).to_owned()).collect();
    state.rates(accounts, since).await.unwrap()
}

fn row(
    account: &str,
    name: &str,
    minute: u64,
    (sent, waited, refused): (u64, u64, u64),
) -> RateRow {
    let (account, name) = (account.to_owned(), name.to_owned());
    let counts = RateCounts { sent, waited, refused };
    RateRow { account, name, minute, counts }
}

pub async fn requests_are_counted_by_limit_and_minute(database: &impl Database) {
    let state = database.open();
    let both = [charge("a", "wide", 100, 3), charge("a", "narrow", 2, 1)];
    reserve(&state, &both, 1).await;
    // The narrow one makes it wait.
    reserve(&state, &both, 1).await;
    reserve(&state, &[charge("b", "wide", 100, 1)], 2).await;
    let pause = Duration::from_secs(1);
    Slots::hold(&*state, charge("b", "wide", 100, 1), pause).await.unwrap();
    advance(Duration::from_secs(60)).await;
    reserve(&state, &[charge("b", "wide", 100, 1)], 1).await;
    let state = database.open();
    let first = [row("a", "narrow", MINUTE, (2, 1, 0)), row("a", "wide", MINUTE, (6, 0, 0))];
    assert_eq!(told(&state, &["a", "c"], 0).await, first);
    let of_b = [row("b", "wide", MINUTE, (2, 0, 1)), row("b", "wide", MINUTE + 1, (1, 0, 0))];
    assert_eq!(told(&state, &["b", "a"], 0).await, [&of_b[..], &first].concat());
    assert_eq!(told(&state, &["a", "b"], MINUTE + 1).await, of_b[1..]);
    assert_eq!(told(&state, &[], 0).await, []);
}

pub async fn rates_are_forgotten_after_eight_days(database: &impl Database) {
    let state = database.open();
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    reserve(&state, &[charge("a", "wide", 100, 1)], 1).await;
    advance(DAY * 4).await;
    reserve(&state, &[charge("a", "wide", 100, 1)], 1).await;
    let maintain = async || while state.maintain().await.unwrap() {};
    maintain().await;
    assert_eq!(told(&state, &["a"], 0).await.len(), 2);
    advance(DAY * 5).await;
    maintain().await;
    let later = MINUTE + 4 * 24 * 60;
    assert_eq!(told(&state, &["a"], 0).await, [row("a", "wide", later, (1, 0, 0))]);
}
