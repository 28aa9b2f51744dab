//! What every [`Inbox`](crate::inbox::Inbox) must do.

mod deliveries;
mod events;
mod hooks;
mod kept;

use std::sync::Arc;
use std::time::Duration;

use connector_contract::clock::Instant;
use connector_contract::types::DataRecord;

pub use self::deliveries::*;
pub use self::events::*;
pub use self::hooks::*;
pub use self::kept::*;
use super::{Database, START_S, State, connection};
use crate::inbox::{
    Beat, DeliveryRow, EventEffect, EventRow, EventState, HookRow, NewDelivery, NewEvent, Receipt,
    Settled, SubscriptionRow,
};
use crate::retention::{DELIVERIES_MS, EVENT_KEYS_MS};
use crate::{Change, StoreError};

/// The cases, each with the methods that they are about.
#[macro_export]
#[doc(hidden)]
macro_rules! inbox_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* inbox:
            a_hook_is_made_once [make_hook hooks]
            subscriptions_are_put_replaced_and_removed
                [put_subscription subscriptions remove_subscription]
            a_delivery_proves_its_subscriptions [receive subscriptions]
            what_came_while_a_subscription_was_renewed_is_counted [put_subscription subscriptions]
            an_absence_is_a_gap [beat hooks]
            a_gap_lasts_until_a_scan_has_overlapped_it [open_gap close_gap hooks]
            one_holder_works_at_a_time [lease release]
            deliveries_of_nobody_are_refused [make_hook put_subscription receive]
            a_delivery_comes_back_as_it_came [receive delivery deliveries]
            an_event_is_kept_once [receive deliveries count_events]
            what_comes_together_is_kept_and_answered_each_for_itself [receive deliveries]
            what_cannot_be_read_is_dead_and_a_gap [receive dead_events hooks count_events]
            deliveries_come_newest_first [deliveries]
            what_was_applied_is_forgotten_and_known_for_longer [receive deliveries]
            many_are_forgotten_piece_by_piece [deliveries]
            an_old_delivery_is_forgotten_when_its_last_event_is_done [settle drop_event delivery]
            a_removed_connection_shows_nothing
                [hooks subscriptions due due_events deliveries delivery dead_events count_events]
            events_are_due_in_the_order_in_which_they_became_so [due due_events]
            failed_tries_are_told [settle replay]
            an_event_waits_is_done_or_is_dead [settle due_events dead_events count_events]
            what_is_done_stays_done [settle delivery count_events]
            one_that_is_given_up_on_opens_a_gap [settle hooks]
            a_dead_event_is_replayed_or_dropped [replay drop_event dead_events delivery]
            an_unreadable_delivery_is_read_again [read_again delivery count_events]
        }
    };
}

/// Id of the connection that most of this belongs to.
const WHOSE: &str = "id-of-a";
const START_MS: u64 = START_S * 1_000;

/// With the connections `a` and `b`.
async fn open(database: &impl Database) -> Arc<dyn State> {
    let state = database.open();
    let both = ["a", "b"].map(|name| Change::PutConnection(connection(name)));
    state.commit(both.to_vec()).await.unwrap();
    state
}

async fn hook(state: &Arc<dyn State>) -> HookRow {
    let all = state.hooks().await.unwrap();
    all.into_iter().find(|hook| hook.connection == WHOSE).unwrap()
}

fn event(key: &str, effect: EventEffect) -> NewEvent {
    let mut bytes = [0; 32];
    bytes[..key.len()].copy_from_slice(key.as_bytes());
    NewEvent {
        key: bytes,
        id: Some(key.to_owned()),
        object: "orders".to_owned(),
        name: "order/updated".to_owned(),
        occurred_at: Some("2023-11-14T22:13:19Z".to_owned()),
        effect,
        asks: false,
        reason: None,
    }
}

fn upsert(key: &str) -> NewEvent {
    let record = DataRecord {
        id: format!("record of {key}"),
        updated_at: Some("2023-11-14T22:13:19Z".to_owned()),
        created_at: None,
        version: Some("W/1".to_owned()),
        data: format!(r#"{{"id":"{key}","é":1.50}}"#),
    };
    event(key, EventEffect::Upserted(record))
}

/// A delivery whose body holds the data of its events.
fn delivery(events: impl IntoIterator<Item = NewEvent>) -> NewDelivery {
    let events: Vec<NewEvent> = events.into_iter().collect();
    let said: Vec<String> =
        events.iter().map(|event| String::from_utf8_lossy(event.effect.said()).into()).collect();
    NewDelivery {
        connection: WHOSE.to_owned(),
        method: "POST".to_owned(),
        url: "https://h.example/hooks/t?a=b".to_owned(),
        headers: vec![("x-signed".to_owned(), b"\xE9\x00yes".to_vec())],
        body: format!("[{}]", said.join(", ")).into_bytes(),
        events,
        arrived: Instant::now(),
    }
}

/// So many events of a connection with a hook that could not be applied; answers whose they are.
pub(super) async fn dead(state: &Arc<dyn State>, count: usize) -> String {
    state.make_hook(WHOSE, "token").await.unwrap();
    let events = (0..count).map(|number| upsert(&format!("dead-{number}")));
    let row = kept(state, delivery(events)).await;
    let dead = row.events.iter().map(|event| settled(event, EventState::Dead));
    state.settle(dead.collect()).await.unwrap();
    WHOSE.to_owned()
}

/// Keeps a delivery, and reads it.
async fn kept(state: &Arc<dyn State>, delivery: NewDelivery) -> DeliveryRow {
    let Receipt::New { delivery, .. } = state.receive(delivery).await.unwrap() else {
        panic!("a repeat")
    };
    state.delivery(delivery).await.unwrap().unwrap()
}

fn settled(event: &EventRow, state: EventState) -> Settled {
    Settled { state, reason: None, ..Settled::of(event) }
}

/// Lets time pass, and everything be done that is due then.
async fn pass(state: &Arc<dyn State>, ms: u64) {
    tokio::time::advance(Duration::from_millis(ms)).await;
    while state.maintain().await.unwrap() {}
}
