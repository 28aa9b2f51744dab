//! What every [`Hosts`](crate::hosts::Hosts) must do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::advance;

use super::{Database, State, connection};
use crate::hosts::{AT_ONCE, HostBeat};
use crate::mirror::ScanRow;
use crate::{Change, Lease, LeaseHolder};

/// The cases, each with the methods that it is about.
#[macro_export]
#[doc(hidden)]
macro_rules! hosts_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* hosts:
            connections_are_shared_out_evenly [share hosts]
            what_a_host_leaves_is_taken_by_others [share leave hosts]
            what_a_silent_host_had_is_taken_when_its_lease_is_over [share hosts]
            a_host_that_lost_a_connection_writes_nothing_of_it [share]
            connections_that_come_and_go_change_the_shares [share]
            much_is_shared_out_in_steps [share]
        }
    };
}

/// How long a host counts as there.
const FOR: Duration = Duration::from_secs(10);

fn beat(holder: &str, name: &str) -> HostBeat {
    HostBeat {
        holder: holder.to_owned(),
        name: name.to_owned(),
        version: "1.2.3".to_owned(),
        connector: "orders".to_owned(),
        for_ms: 10_000,
    }
}

/// What a host works for after it has said that it is there.
async fn share(state: &Arc<dyn State>, holder: &str) -> BTreeSet<String> {
    state.share(beat(holder, holder)).await.unwrap().connections
}

async fn connect(state: &Arc<dyn State>, names: std::ops::Range<usize>) {
    let rows = names.map(|number| connection(&format!("{number:04}")));
    state.commit(rows.map(Change::PutConnection).collect()).await.unwrap();
}

/// How many each has.
async fn shown(state: &Arc<dyn State>) -> Vec<(String, u64)> {
    let hosts = state.hosts().await.unwrap().into_iter();
    hosts.map(|host| (host.name, host.connections)).collect()
}

pub async fn connections_are_shared_out_evenly(database: &impl Database) {
    let state = database.open();
    connect(&state, 0..10).await;
    let parcels = crate::ConnectionRow { connector: "parcels".to_owned(), ..connection("other") };
    state.commit(vec![Change::PutConnection(parcels)]).await.unwrap();
    let first = share(&state, "a").await;
    assert_eq!(first.len(), 10, "alone it has all of its connector");
    assert_eq!(share(&state, "b").await.len(), 0, "nothing is free yet");
    assert_eq!(share(&state, "a").await.len(), 5);
    let other = database.open();
    assert_eq!(share(&other, "b").await.len(), 5);
    assert_eq!(share(&other, "c").await.len(), 0);
    for _ in 0..2 {
        share(&other, "a").await;
        share(&other, "b").await;
        share(&other, "c").await;
    }
    let all = [share(&state, "a").await, share(&state, "b").await, share(&state, "c").await];
    assert_eq!(all.each_ref().map(BTreeSet::len), [4, 3, 3]);
    let together: BTreeSet<_> = all.iter().flatten().collect();
    assert_eq!(together.len(), 10, "none has two hosts");
    let wanted = [("a", 4), ("b", 3), ("c", 3)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(shown(&state).await, wanted);
    let elsewhere = HostBeat { connector: "parcels".to_owned(), ..beat("d", "A host") };
    assert_eq!(state.share(elsewhere).await.unwrap().connections.len(), 1);
    let mut shown = shown(&state).await;
    assert_eq!(shown.remove(0), ("A host".to_owned(), 1));
    assert_eq!(shown, wanted);
    let host = state.hosts().await.unwrap().remove(1);
    let row = (host.version, host.connector, host.began_ms, host.lease.attempt);
    assert_eq!(row, ("1.2.3".to_owned(), "orders".to_owned(), super::START_MS, "a".to_owned()));
}

pub async fn what_a_host_leaves_is_taken_by_others(database: &impl Database) {
    let state = database.open();
    connect(&state, 0..4).await;
    share(&state, "a").await;
    share(&state, "b").await;
    share(&state, "a").await;
    let of_b = share(&state, "b").await;
    assert_eq!(of_b.len(), 2);
    state.leave("a").await.unwrap();
    state.leave("nobody").await.unwrap();
    assert_eq!(shown(&state).await, [("b".to_owned(), 2)]);
    let all = share(&state, "b").await;
    assert!(all.len() == 4 && all.is_superset(&of_b));
    // One that has ended without a word, in a process that is known.
    state.leave("b").await.unwrap();
    let holder = LeaseHolder::new();
    assert_eq!(share(&state, holder.name()).await.len(), 4);
    drop(holder);
    assert_eq!(shown(&state).await, []);
    assert_eq!(share(&state, "b").await.len(), 4);
}

pub async fn what_a_silent_host_had_is_taken_when_its_lease_is_over(database: &impl Database) {
    let state = database.open();
    connect(&state, 0..4).await;
    share(&state, "a").await;
    share(&state, "b").await;
    share(&state, "a").await;
    share(&state, "b").await;
    advance(FOR / 2).await;
    share(&state, "b").await;
    advance(FOR / 2 - Duration::from_millis(1)).await;
    assert_eq!(share(&state, "b").await.len(), 2);
    advance(Duration::from_millis(1)).await;
    assert_eq!(shown(&state).await, [("b".to_owned(), 2)]);
    assert_eq!(share(&state, "b").await.len(), 4);
    // It comes back, and has what it is given.
    assert_eq!(share(&state, "a").await.len(), 0);
    share(&state, "b").await;
    assert_eq!(share(&state, "a").await.len(), 2);
}

pub async fn a_host_that_lost_a_connection_writes_nothing_of_it(database: &impl Database) {
    let state = database.open();
    connect(&state, 0..2).await;
    let ids = ["id-of-0000", "id-of-0001"];
    let lease = |attempt: &str| {
        let until_ms = super::START_MS + 3_600_000;
        Some(Lease { attempt: attempt.to_owned(), until_ms })
    };
    let begin = async |id: &str, attempt: &str| {
        let lease = lease(attempt);
        let begun =
            move |row: &ScanRow, _: u64| Some(ScanRow { lease: lease.clone(), ..row.clone() });
        state.change_scan(id, "orders", Box::new(begun)).await.unwrap();
    };
    let holder = async |id: &str| {
        let scan = state.scans(id).await.unwrap().remove(0);
        scan.lease.map(|lease| lease.attempt)
    };
    share(&state, "place.7-f-0").await;
    for id in ids {
        begin(id, "place.7-f-3").await;
        state.make_hook(id, &format!("token of {id}")).await.unwrap();
        assert!(state.lease(id, "place.7-f-4", 60_000).await.unwrap());
    }
    // Another process reads one object of it by hand.
    let scans = async |id: &str| state.scans(id).await.unwrap().len();
    let by_hand =
        move |row: &ScanRow, _: u64| Some(ScanRow { lease: lease("place.77-f-1"), ..row.clone() });
    state.change_scan(ids[1], "items", Box::new(by_hand)).await.unwrap();
    assert_eq!(scans(ids[1]).await, 2);

    // A second host comes: what it is given has no lease of the first.
    share(&state, "place.8-f-0").await;
    assert_eq!(share(&state, "place.7-f-0").await, [ids[0].to_owned()].into());
    assert_eq!(share(&state, "place.8-f-0").await, [ids[1].to_owned()].into());
    assert_eq!(holder(ids[0]).await.as_deref(), Some("place.7-f-3"));
    let of_second = state.scans(ids[1]).await.unwrap();
    let of_second = of_second.iter().map(|scan| (scan.object.as_str(), scan.lease.clone()));
    let held = of_second.filter_map(|(object, lease)| Some((object.to_owned(), lease?.attempt)));
    assert_eq!(held.collect::<Vec<_>>(), [("items".to_owned(), "place.77-f-1".to_owned())]);
    assert!(state.lease(ids[1], "place.8-f-1", 60_000).await.unwrap());
    assert!(!state.lease(ids[0], "place.8-f-1", 60_000).await.unwrap());

    // The first is silent for too long: neither has what the second takes any.
    advance(FOR).await;
    assert_eq!(share(&state, "place.8-f-0").await.len(), 2);
    assert_eq!(holder(ids[0]).await, None);
    assert!(state.lease(ids[0], "place.8-f-1", 60_000).await.unwrap());
}

pub async fn connections_that_come_and_go_change_the_shares(database: &impl Database) {
    let state = database.open();
    assert_eq!(share(&state, "a").await.len(), 0);
    connect(&state, 0..3).await;
    assert_eq!(share(&state, "a").await.len(), 3);
    let gone = Change::RemoveConnection { id: "id-of-0001".to_owned() };
    state.commit(vec![gone]).await.unwrap();
    assert_eq!(shown(&state).await, [("a".to_owned(), 2)]);
    assert_eq!(share(&state, "a").await.len(), 2);
    connect(&state, 1..4).await;
    assert_eq!(share(&state, "a").await.len(), 4);
}

pub async fn much_is_shared_out_in_steps(database: &impl Database) {
    let state = database.open();
    connect(&state, 0..AT_ONCE + 7).await;
    let first = state.share(beat("a", "a")).await.unwrap();
    assert_eq!((first.connections.len(), first.more), (AT_ONCE, true));
    let second = state.share(beat("a", "a")).await.unwrap();
    assert_eq!((second.connections.len(), second.more), (AT_ONCE + 7, false));
    // Nothing is free for another one, which does not ask again at once.
    connect(&state, AT_ONCE + 7..3 * AT_ONCE).await;
    while state.share(beat("a", "a")).await.unwrap().more {}
    let waiting = state.share(beat("b", "b")).await.unwrap();
    assert_eq!((waiting.connections.len(), waiting.more), (0, false));
    let given = state.share(beat("a", "a")).await.unwrap();
    assert_eq!((given.connections.len(), given.more), (2 * AT_ONCE, true));
}
