//! What every [`Slots`] must do.

use std::time::{Duration, UNIX_EPOCH};

use connector_contract::limits::slots::{Reserved, Slot};
use connector_contract::limits::{Charge, LimitId, LimitReport, Rate, SlotRequest, Slots};
use tokio::time::{Instant, advance};

use super::{Database, START_MS};

/// The cases, each with the methods that it is about.
#[macro_export]
#[doc(hidden)]
macro_rules! slots_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* slots:
            a_slot_is_of_the_stores_time [reserve time]
            no_window_holds_more_than_the_limit_however_many_ask [reserve]
            one_slot_is_for_all_limits_of_a_request [reserve]
            nothing_is_reserved_too_far_ahead [reserve]
            limits_of_others_are_apart [reserve hold]
            a_pause_is_everybodys_and_outlives_who_made_it [hold reserve]
            what_the_provider_told_is_everybodys [report reserve]
        }
    };
}

const SECOND: Duration = Duration::from_secs(1);

fn charge(scope: &str, name: &str, requests: u32, window: Duration) -> Charge {
    let limit = LimitId { scope: scope.to_owned(), name: name.to_owned() };
    Charge { limit, rate: Rate::new(requests, window), count: 1 }
}

/// 20 a second.
fn own() -> Charge {
    charge("account", "own", 20, SECOND)
}

fn request(charges: &[Charge], slots: usize) -> SlotRequest {
    SlotRequest { charges: charges.to_vec(), slots, within: Duration::from_secs(60) }
}

async fn reserve(store: &(impl Slots + ?Sized), charges: &[Charge], slots: usize) -> Vec<Slot> {
    match store.reserve(request(charges, slots)).await.unwrap() {
        Reserved::Slots(slots) => slots,
        Reserved::NoneYet { .. } => vec![],
    }
}

/// When the next request may go.
async fn next(store: &(impl Slots + ?Sized), charges: &[Charge]) -> Instant {
    match store.reserve(request(charges, 1)).await.unwrap() {
        Reserved::Slots(slots) => slots[0].at,
        Reserved::NoneYet { at, .. } => at,
    }
}

/// In microseconds by the store's time.
fn times(slots: &[Slot]) -> Vec<u128> {
    let since = |slot: &Slot| slot.time.duration_since(UNIX_EPOCH).unwrap().as_micros();
    slots.iter().map(since).collect()
}

pub async fn a_slot_is_of_the_stores_time(database: &impl Database) {
    let store = database.open();
    advance(3 * SECOND).await;
    let time = store.time();
    assert_eq!(time, UNIX_EPOCH + Duration::from_millis(START_MS) + 3 * SECOND);
    let now = Instant::now();
    let slots = reserve(&*store, &[own()], 4).await;
    assert!(!slots.is_empty());
    for slot in &slots {
        assert_eq!(slot.time.duration_since(time).unwrap(), slot.at - now);
        assert_eq!(slot.limit, "own");
    }
    assert!(slots.is_sorted_by_key(|slot| slot.at));
}

pub async fn no_window_holds_more_than_the_limit_however_many_ask(database: &impl Database) {
    let stores = [database.open(), database.open(), database.open()];
    let mut sent = Vec::new();
    for _ in 0..30 {
        let charges = [own()];
        let asked = stores.iter().map(|store| reserve(&**store, &charges, 8));
        let [one, two, three]: [_; 3] = asked.collect::<Vec<_>>().try_into().ok().unwrap();
        let (one, two, three) = tokio::join!(one, two, three);
        sent.extend([one, two, three].iter().flat_map(|slots| times(slots)));
        advance(SECOND / 5).await;
    }
    sent.sort_unstable();
    for (index, first) in sent.iter().enumerate() {
        let within = sent[index..].iter().take_while(|at| **at - first <= 1_000_000).count();
        assert!(within <= 20, "{within} within a second");
    }
    // Six seconds' worth, and what was reserved ahead.
    assert!((100..=141).contains(&sent.len()), "{}", sent.len());
}

pub async fn one_slot_is_for_all_limits_of_a_request(database: &impl Database) {
    let store = database.open();
    let narrow = charge("account", "narrow", 1, SECOND);
    let both = [own(), narrow.clone()];
    let start = Instant::now();
    assert_eq!(next(&*store, &both).await, start);
    let second = next(&*store, &both).await;
    assert!(second >= start + SECOND, "the narrow one decides");
    // What the narrow one refused was not taken from the other.
    assert!(next(&*store, &[own()]).await < start + SECOND / 5);
}

pub async fn nothing_is_reserved_too_far_ahead(database: &impl Database) {
    let store = database.open();
    let daily = charge("account", "daily", 2, Duration::from_secs(86_400));
    let start = Instant::now();
    assert_eq!(next(&*store, std::slice::from_ref(&daily)).await, start);
    let within = Duration::from_secs(60);
    let asked = SlotRequest { charges: vec![daily], slots: 1, within };
    let Reserved::NoneYet { limit, at, ask_again } = store.reserve(asked).await.unwrap() else {
        panic!("there is room for the second one only in half a day");
    };
    assert_eq!(limit, "daily");
    assert!(at > start + within && ask_again > start && ask_again <= at);
}

pub async fn limits_of_others_are_apart(database: &impl Database) {
    let store = database.open();
    let (other_scope, other_name) =
        (charge("other", "own", 20, SECOND), charge("account", "other", 20, SECOND));
    Slots::hold(&*store, own(), 30 * SECOND).await.unwrap();
    let start = Instant::now();
    for free in [other_scope, other_name] {
        assert_eq!(next(&*store, &[free]).await, start);
    }
}

pub async fn a_pause_is_everybodys_and_outlives_who_made_it(database: &impl Database) {
    let (one, two) = (database.open(), database.open());
    let start = Instant::now();
    Slots::hold(&*one, own(), 3 * SECOND).await.unwrap();
    drop(one);
    assert!(next(&*two, &[own()]).await >= start + 3 * SECOND);
    advance(4 * SECOND).await;
    let first = next(&*two, &[own()]).await;
    let second = next(&*two, &[own()]).await;
    assert!(second - first > SECOND / 15, "52 ms is its whole rate: {:?}", second - first);
}

pub async fn what_the_provider_told_is_everybodys(database: &impl Database) {
    let (one, two) = (database.open(), database.open());
    let start = Instant::now();
    let told = LimitReport { left: 0, total: 20, full_in: 20 * SECOND };
    one.report(own(), told).await.unwrap();
    assert!(next(&*two, &[own()]).await >= start + 20 * SECOND);
}
