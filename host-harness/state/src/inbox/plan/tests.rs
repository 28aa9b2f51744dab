//! Whatever comes in whatever order, and however often.

use proptest::prelude::*;

use super::*;

const NOW_MS: u64 = 1_700_000_000_000;

fn event(key: u8, effect: EventEffect) -> NewEvent {
    NewEvent {
        key: [key; 32],
        id: None,
        object: format!("object-{}", key % 3),
        name: String::new(),
        occurred_at: None,
        effect,
        asks: false,
        reason: None,
    }
}

fn effects() -> impl Strategy<Value = EventEffect> {
    prop_oneof![
        Just(EventEffect::Deleted("r".to_owned())),
        Just(EventEffect::Changed("{}".to_owned())),
        Just(EventEffect::Nothing),
        Just(EventEffect::Unreadable),
    ]
}

/// Deliveries of events with few keys, so that many are repeats.
fn deliveries() -> impl Strategy<Value = Vec<Vec<NewEvent>>> {
    let events = prop::collection::vec((0_u8..12, effects()), 0..5);
    let events = events.prop_map(|all| all.into_iter().map(|(k, e)| event(k, e)).collect());
    prop::collection::vec(events, 0..20)
}

fn hook() -> HookRow {
    HookRow { alive_ms: Some(NOW_MS), ..HookRow::default() }
}

proptest! {
    #[test]
    fn each_event_is_kept_once_by_whatever_delivery(all in deliveries()) {
        let (mut known, mut numbers) = (BTreeSet::new(), Numbers::default());
        let (mut kept, mut given) = (0, Vec::new());
        for events in &all {
            let before = numbers;
            let arrival = arrival(events, &known, &mut numbers, NOW_MS);
            let new: BTreeSet<EventKey> = events.iter().map(key).collect();
            let new: BTreeSet<EventKey> = new.difference(&known).copied().collect();
            prop_assert_eq!(arrival.events.iter().map(|event| event.key).collect::<BTreeSet<_>>(), new);
            given.extend(arrival.events.iter().map(|event| event.number));
            let dead = arrival.events.iter().find(|event| event.state == EventState::Dead);
            let dead = dead.map(|event| event.number);
            match arrival.receipt {
                Receipt::Repeat => {
                    prop_assert!(arrival.events.is_empty());
                    prop_assert_eq!(numbers, before);
                }
                Receipt::New { delivery, dead: told } => {
                    kept += 1;
                    prop_assert_eq!((delivery, told), (kept, dead));
                }
            }
            prop_assert_eq!(arrival.opens_gap, dead.is_some());
            for event in &arrival.events {
                prop_assert_eq!(event.next_ms.is_some(), event.state == EventState::Waiting);
            }
            known.extend(arrival.events.iter().map(|event| event.key));
            // The same delivery once more.
            let again = super::arrival(events, &known, &mut numbers, NOW_MS);
            prop_assert_eq!(again.receipt, Receipt::Repeat);
        }
        prop_assert_eq!(given, (1..=numbers.event).collect::<Vec<_>>());
        // In one delivery or in many, in whatever order, the same events are kept.
        let whole: Vec<NewEvent> = all.iter().rev().flatten().cloned().collect();
        let whole = new_events(&whole, &BTreeSet::new(), &mut Numbers::default(), NOW_MS);
        prop_assert_eq!(whole.into_iter().map(|event| event.key).collect::<BTreeSet<_>>(), known);
    }

    #[test]
    fn a_delivery_proves_something_where_there_is_anything(
        events in prop::collection::vec((0_u8..12, effects()), 1..5),
        subscribed in prop::collection::btree_set("object-[0-5]", 0..4),
    ) {
        let events: Vec<_> = events.into_iter().map(|(k, e)| event(k, e)).collect();
        let subscribed: Vec<String> = subscribed.into_iter().collect();
        let meant: Vec<usize> = subscribed.iter().enumerate()
            .filter(|(_, object)| events.iter().any(|event| event.object == **object))
            .map(|(place, _)| place).collect();
        let works: Vec<usize> = works(&events, &subscribed).collect();
        let expected = if meant.is_empty() { (0..subscribed.len()).collect() } else { meant };
        prop_assert_eq!(works, expected);
    }

    #[test]
    fn counts_follow_the_states_through_whatever_settles_them(
        states in prop::collection::vec(0_u8..3, 1..12),
    ) {
        let states = states.into_iter().map(|state| match state {
            0 => EventState::Waiting,
            1 => EventState::Done,
            _ => EventState::Dead,
        });
        let (mut was, mut waiting, mut dead) = (EventState::Waiting, 1, 0);
        for state in states {
            let settled = Settled {
                event: 1, state, attempts: 0, again_after_ms: Some(5), asks: false, reason: None,
                missed: state == EventState::Dead,
            };
            let Some(change) = settle(was, 7, settled, NOW_MS) else {
                prop_assert_eq!(was, EventState::Done);
                continue;
            };
            prop_assert!(was != EventState::Done);
            waiting += change.counts.waiting;
            dead += change.counts.dead;
            was = state;
            prop_assert_eq!(waiting, i64::from(state == EventState::Waiting));
            prop_assert_eq!(dead, i64::from(state == EventState::Dead));
            let next_ms = (state != EventState::Done).then_some(NOW_MS + 5);
            prop_assert_eq!(change.next_ms, next_ms);
            prop_assert_eq!(change.gap_ms, (state == EventState::Dead).then_some(7));
        }
    }

    /// Gaps that open in any order are one, and only a scan that overlaps all of it ends it.
    #[test]
    fn a_gap_covers_all_that_was_missed(
        since in prop::collection::vec(0_u64..100, 1..6), gap in 0_u64..100, until in 0_u64..120,
    ) {
        let mut hook = hook();
        since.iter().for_each(|since_ms| open_gap(&mut hook, *since_ms));
        let (first, last) = (*since.iter().min().unwrap(), *since.iter().max().unwrap());
        prop_assert_eq!((hook.gap_ms, hook.gap_end_ms), (Some(first), Some(last)));
        let none_left = close_gap(&mut hook, gap, until);
        prop_assert_eq!(none_left, first >= gap && last < until);
        prop_assert_eq!(none_left, hook.gap_ms.is_none());
        prop_assert_eq!(none_left, hook.gap_end_ms.is_none());
        if !none_left {
            prop_assert_eq!(hook.gap_end_ms, Some(last));
            let began = if first < gap { first } else { first.max(until) };
            prop_assert_eq!(hook.gap_ms, Some(began));
        }
    }
}

#[test]
fn an_absence_is_a_gap_when_it_was_long() {
    let mut served = hook();
    beat(&mut served, 0, 900, NOW_MS + 900);
    assert_eq!((served.gap_ms, served.alive_ms), (None, Some(NOW_MS + 900)));
    beat(&mut served, 2, 900, NOW_MS + 1_801);
    assert_eq!((served.gap_ms, served.gap_end_ms), (Some(NOW_MS + 900), Some(NOW_MS + 1_801)));
    assert_eq!((served.refused, served.refused_ms), (2, Some(NOW_MS + 1_801)));
    // One that was never served has missed nothing.
    let mut new = HookRow::default();
    beat(&mut new, 0, 900, NOW_MS);
    assert_eq!((new.gap_ms, new.alive_ms, new.refused_ms), (None, Some(NOW_MS), None));
}

#[test]
fn a_delivery_is_over_when_it_is_old_and_all_is_done() {
    let over = |states: &[EventState], age| is_over(NOW_MS, states.iter().copied(), NOW_MS + age);
    assert!(over(&[EventState::Done, EventState::Done], DELIVERIES_MS));
    assert!(over(&[], DELIVERIES_MS));
    assert!(!over(&[EventState::Done], DELIVERIES_MS - 1));
    for open in [EventState::Waiting, EventState::Dead] {
        assert!(!over(&[EventState::Done, open], DELIVERIES_MS));
    }
}
