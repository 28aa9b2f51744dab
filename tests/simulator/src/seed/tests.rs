//! Made-up trackings: the same, and varied.

use super::*;
use crate::Options;
use crate::clock::ManualClock;
use crate::members::{Members, compact};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

const NOW: u64 = 1_795_348_800_000;

fn filled(seed: u64, count: usize) -> State {
    let clock = Arc::new(ManualClock::new(NOW));
    let mut state = State::new(Options { clock, ..Options::default() });
    fill(&mut state, seed, count);
    state
}

fn texts(state: &State) -> Vec<&str> {
    state.store.newest_first(0..state.store.len()).map(|record| &*record.text).collect()
}

#[test]
fn the_same_seed_and_count_give_the_same_trackings() {
    let (one, two, other) = (filled(7, 50), filled(7, 50), filled(8, 50));
    assert_eq!(texts(&one), texts(&two));
    assert_ne!(texts(&one), texts(&other));
}

#[test]
fn what_is_known_of_a_tracking_is_what_its_text_says() {
    let mut state = filled(1, 300);
    let mut words = std::mem::take(&mut state.store.words);
    for record in state.store.newest_first(0..300) {
        let members = record.members();
        let read = Record::new("", record.facts.clone()).with_members(&members, &mut words);
        assert_eq!(read.unwrap().facts, record.facts);
        assert_eq!(compact(&record.text), *record.text);
        assert_eq!(members.render(), *record.text, "no name needs an escape");
    }
}

#[test]
fn trackings_are_of_the_expected_size_and_variety() {
    let state = filled(3, 2_000);
    let texts = texts(&state);
    let mean = texts.iter().map(|text| text.len()).sum::<usize>() / texts.len();
    assert!((3_200..4_000).contains(&mean), "{mean}");
    let member = |name: &str| -> HashSet<_> {
        texts.iter().filter_map(|text| Members::parse(text).unwrap().text(name)).collect()
    };
    assert_eq!(member("id").len(), 2_000);
    assert_eq!(member("legacy_id").len(), 2_000);
    assert_eq!(member("tag").len(), 9);
    assert!(member("slug").len() > 5);
    let elements = |name: &str| -> HashSet<_> {
        let member = |text: &&str| Members::parse(text).unwrap().raw(name).map(str::to_owned);
        let lists = texts.iter().filter_map(member);
        lists.map(|raw| serde_json::from_str::<Vec<Value>>(&raw).unwrap().len()).collect()
    };
    assert_eq!(elements("customers"), HashSet::from([0, 1, 2, 3]));
    assert_eq!(elements("subscribed_emails"), HashSet::from([0, 1, 2]));
    assert_eq!(elements("subscribed_smses"), HashSet::from([0, 1, 2]));
    assert_eq!(member("on_time_status").len(), 6);
    for name in [
        "order_promised_delivery_date",
        "aftership_estimated_delivery_date",
        "courier_estimated_delivery_date",
        "custom_estimated_delivery_date",
        "first_estimated_delivery",
        "latest_estimated_delivery",
        "on_time_difference",
    ] {
        let raw = |text: &&str| Members::parse(text).unwrap().raw(name).map(|raw| raw == "null");
        let seen: HashSet<_> = texts.iter().map(raw).collect();
        assert!(seen.contains(&Some(true)) && seen.contains(&Some(false)), "{name}");
    }
    for odd in ["9007199254740993", "\\ud83d", "\\/", "é", "包", "null", "\\n"] {
        assert!(texts.iter().any(|text| text.contains(odd)), "{odd}");
    }
}

#[test]
fn every_tracking_has_every_member() {
    let every: HashSet<_> = crate::trackings::member_names().collect();
    for text in texts(&filled(3, 200)) {
        let members = Members::parse(text).unwrap();
        let names: Vec<_> = members.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), every.len(), "{names:?}");
        assert_eq!(names.into_iter().collect::<HashSet<_>>(), every);
    }
}

#[test]
fn checkpoints_come_twice_out_of_order_and_with_and_without_zones() {
    let state = filled(3, 500);
    let (mut equal, mut disorder, mut naive, mut zoned) = (0, 0, 0, 0);
    for text in texts(&state) {
        let raw = Members::parse(text).unwrap().raw("checkpoints").unwrap().to_owned();
        let mut scans: Vec<Value> = serde_json::from_str(&raw).unwrap();
        let hashes: HashSet<_> = scans.iter().map(|scan| scan["hash"].to_string()).collect();
        assert_eq!(hashes.len(), scans.len(), "each scan has a hash of its own");
        for scan in &mut scans {
            let time = scan["checkpoint_time"].as_str().unwrap();
            *(if time.len() == 19 { &mut naive } else { &mut zoned }) += 1;
            scan["hash"] = Value::Null;
        }
        let mut different = HashSet::new();
        let count = scans.len();
        scans.retain(|scan| different.insert(scan.to_string()));
        equal += count - scans.len();
        let times: Vec<_> = scans.iter().map(|scan| scan["created_at"].to_string()).collect();
        disorder += usize::from(!times.is_sorted());
    }
    assert!(equal > 20 && disorder > 20 && naive > 100 && zoned > 100, "{equal} {disorder}");
}

#[test]
fn trackings_lie_within_the_retention_oldest_last() {
    let state = filled(3, 100);
    let ages: Vec<_> =
        state.store.newest_first(0..100).map(|record| NOW - record.facts.created_ms).collect();
    assert!(ages.is_sorted());
    assert!(ages.last().is_some_and(|age| *age < 120 * DAY_MS && *age > 110 * DAY_MS));
    for record in state.store.newest_first(0..100) {
        assert!((record.facts.created_ms..=NOW).contains(&record.facts.updated_ms));
    }
}
