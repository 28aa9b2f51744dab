//! Scans lose nothing and repeat nothing.

use std::collections::BTreeSet;

use aftership_simulator::{Answer, Matcher};
use host_harness::contract::records::{ListRequest, Start};
use host_harness::contract::types::{DataRecord, ErrorKind};
use host_harness::runtime::ScanError;
use serde_json::Value;

use crate::support::world::{NOW_MS, TRACKINGS, World, kind, list};

fn id(tracking: &str) -> String {
    let tracking: Value = serde_json::from_str(tracking).unwrap();
    tracking["id"].as_str().unwrap().to_owned()
}

fn truth(world: &World) -> Vec<String> {
    world.simulator.trackings().iter().map(|tracking| id(tracking)).collect()
}

fn once(records: &[DataRecord]) -> BTreeSet<String> {
    let ids: BTreeSet<String> = records.iter().map(|record| record.id.clone()).collect();
    assert_eq!(ids.len(), records.len(), "a record came twice");
    ids
}

#[tokio::test(start_paused = true)]
async fn every_size_of_account_comes_whole() {
    for (trackings, page_size) in [
        (0, None),
        (1, None),
        (199, None),
        (200, None),
        (201, None),
        (201, Some(1)),
        (201, Some(100)),
        (201, Some(201)),
        (401, Some(200)),
        (20_000, None),
    ] {
        let world = World::new().await;
        world.simulator.seed(3, trackings);
        let records = world.scan(list(None, page_size)).await;
        let expected: BTreeSet<String> = truth(&world).into_iter().collect();
        assert_eq!(once(&records), expected, "{trackings} in pages of {page_size:?}");
    }
}

/// Records pass as the provider wrote them.
#[tokio::test(start_paused = true)]
async fn a_record_comes_token_for_token() {
    let world = World::new().await;
    let odd = r#"{"zeta":1,"id":"0b02015fc7fd4f3c8d5490cece4d124d","tracking_number":"A-1","slug":"dhl","created_at":"2026-11-20T08:00:00+00:00","updated_at":"2026-11-21T08:00:00+00:00","weight":0.70,"huge":123456789012345678901234567890,"exp":1E+2,"text":"\u00e9\/\ud83d\ude00 \"q\"","nested":{"b":[1,2.50,null],"a":{}},"unknown_member":true}"#;
    world.simulator.insert(odd).unwrap();
    let records = world.scan(list(None, None)).await;
    assert_eq!(records[0].data, odd);
    assert_eq!(records[0].updated_at.as_deref(), Some("2026-11-21T08:00:00+00:00"));
    let got = world.connection.get("trackings", "0b02015fc7fd4f3c8d5490cece4d124d").await.unwrap();
    assert_eq!(got.data, odd);
}

#[tokio::test(start_paused = true)]
async fn records_that_come_and_go_during_a_scan_cost_no_other_record() {
    let world = World::new().await;
    world.simulator.seed(5, 500);
    let before: BTreeSet<String> = truth(&world).into_iter().collect();
    let mut scan = world.connection.scan(list(None, Some(50)));
    let mut seen = Vec::new();
    let mut removed = BTreeSet::new();
    let mut page_number = 0;
    while let Some(page) = scan.next().await.unwrap() {
        seen.extend(page.records);
        page_number += 1;
        let number = format!("NEW-{page_number:04}");
        world.create(&number, "dhl").await;
        let gone = seen[page_number].id.clone();
        world.simulator.remove(&gone);
        removed.insert(gone);
        world.simulator.touch(&truth(&world)[300]).unwrap();
    }
    let seen = once(&seen);
    assert!(before.difference(&removed).all(|id| seen.contains(id)));
}

#[tokio::test(start_paused = true)]
async fn an_incremental_scan_brings_what_changed_since() {
    let world = World::new().await;
    world.simulator.seed(5, 300);
    let mut scan = world.connection.scan(list(None, None));
    let mut bookmark = None;
    while let Some(page) = scan.next().await.unwrap() {
        bookmark = page.bookmark.or(bookmark);
    }
    let since = |bookmark: Option<String>| ListRequest {
        start: Start::Since(bookmark.expect("a scan ends with a bookmark")),
        ..list(None, None)
    };
    tokio::time::sleep(std::time::Duration::from_secs(3_600)).await;
    let changed = truth(&world)[123].clone();
    world.simulator.touch(&changed).unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    world.simulator.clear_journal();
    let page = world.connection.list(&since(bookmark)).await.unwrap();
    assert!(page.records.iter().any(|record| record.id == changed));
    assert!(page.records.len() < 20, "{} of 300", page.records.len());
    let (_, window) = page.more.iter().find(|(name, _)| name == "window").unwrap();
    let window: serde_json::Value = serde_json::from_str(window).unwrap();
    let (from, until) = (window["since"].as_str().unwrap(), window["until"].as_str().unwrap());
    assert!(from < until && until.ends_with("+00:00"), "{from} {until}");
    let query = world.simulator.journal()[0].query.clone().unwrap();
    for bound in ["created_at_min=", "updated_at_min=", "updated_at_max="] {
        assert!(query.contains(bound), "{query}");
    }
    assert!(!query.contains('Z') && query.matches("%2B00%3A00").count() == 3, "{query}");
}

#[tokio::test(start_paused = true)]
async fn a_page_whose_cursor_repeats_ends_the_scan_with_an_error() {
    let world = World::new().await;
    let page = |cursor: &str| {
        let record = r#"{"id":"0b02015f","created_at":"2026-11-20T08:00:00+00:00"}"#;
        format!(
            r#"{{"meta":{{"code":200}},"data":{{"pagination":{{"total":9,"next_cursor":"{cursor}","has_next_page":true}},"trackings":[{record}]}}}}"#
        )
    };
    for _ in 0..3 {
        let answer = Answer::new(200, page("c2FtZQ==")).header("content-type", "application/json");
        world.simulator.answer_next(Matcher::new("GET", TRACKINGS), answer);
    }
    let mut scan = world.connection.scan(list(None, None));
    scan.next().await.unwrap().unwrap();
    let error = scan.next().await.unwrap_err();
    assert!(matches!(&error, ScanError::Call(_)), "{error}");
    assert!(error.to_string().contains("repeat"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_is_not_ours_or_too_old_expires() {
    let world = World::new().await;
    world.simulator.seed(5, 300);
    let page = world.connection.list(&list(None, None)).await.unwrap();
    let at = |cursor: &str| ListRequest { start: Start::At(cursor.to_owned()), ..list(None, None) };
    for foreign in ["", "x", "eyJ2IjoxfQ==", "\u{0}"] {
        assert_eq!(
            kind(world.connection.list(&at(foreign)).await),
            ErrorKind::CursorExpired,
            "{foreign:?}"
        );
    }
    tokio::time::sleep(std::time::Duration::from_secs(25 * 3_600)).await;
    let old = world.connection.list(&at(&page.next.unwrap())).await;
    assert_eq!(kind(old), ErrorKind::CursorExpired);
    assert_eq!(world.requests().len(), 1, "none of these cost a request");
}

/// One record that cannot be read costs none of the others.
#[tokio::test(start_paused = true)]
async fn an_unreadable_record_is_set_aside() {
    let world = World::new().await;
    let body = r#"{"data":{"pagination":{"total":3,"has_next_page":false},"trackings":[{"id":"a"},{"slug":"no id"},{"id":"b"},7]},"meta":{"code":200}}"#;
    let answer = Answer::new(200, body).header("content-type", "application/json");
    world.simulator.answer_next(Matcher::any(), answer);
    let page = world.connection.list(&list(None, None)).await.unwrap();
    let ids: Vec<&str> = page.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    let raw: Vec<&str> = page.unreadable.iter().map(|item| item.raw.as_str()).collect();
    assert_eq!(raw, [r#"{"slug":"no id"}"#, "7"]);
}

/// An answer that is too large is asked for in smaller pages.
#[tokio::test(start_paused = true)]
async fn an_oversized_page_is_halved() {
    let world = World::new().await;
    for number in 0..200 {
        let note = "x".repeat(64 * 1024);
        let created = NOW_MS / 1_000 - number;
        let created = time(created);
        world
            .simulator
            .insert(&format!(r#"{{"id":"{number:032x}","tracking_number":"N-{number:04}","slug":"dhl","created_at":"{created}","updated_at":"{created}","note":"{note}"}}"#))
            .unwrap();
    }
    let records = world.scan(list(None, None)).await;
    assert_eq!(once(&records).len(), 200);
    assert!(world.requests()[1].contains("limit=100"), "{:?}", world.requests());
}

fn time(seconds: u64) -> String {
    let day = seconds / 86_400 - (NOW_MS / 86_400_000);
    assert!(day == 0, "the test's trackings are of one day");
    let of_day = seconds % 86_400;
    format!("2026-11-22T{:02}:{:02}:{:02}+00:00", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}
