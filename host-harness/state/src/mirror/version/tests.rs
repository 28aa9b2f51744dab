mod order;

use super::*;

const OLD: &str = "2023-11-14T22:13:20Z";
const SAME: &str = "2023-11-14T23:13:20+01:00";
const NEW: &str = "2023-11-14T22:13:21Z";
/// Two minutes after `OLD`.
const LATER_S: i64 = 1_700_000_120;

/// Of a record that is kept since change 5, from `OLD`.
fn decided(
    state: RecordState,
    source: Source,
    asked: u64,
    updated_at: Option<&str>,
    is_same: bool,
    now_s: i64,
) -> Decision {
    let kept = KeptVersion { state, updated_at: Some(OLD), hash: &[1; 32], change: 5 };
    let hash = if is_same { [1; 32] } else { [2; 32] };
    decide(Some(&kept), &Arrived { source, asked, updated_at, hash: &hash, now_s })
}

/// Line by line of the table.
#[test]
fn the_table_decides() {
    use Decision::{Apply, Keep, LookUp, Stale};
    use RecordState::{AgedOut, Deleted, Live};
    use Source::{Delivery, Lookup, Ours, Page};
    let sources = [Page, Lookup, Delivery, Ours];
    for source in sources {
        for updated_at in [None, Some(OLD), Some("soon")] {
            let arrived = Arrived { source, asked: 0, updated_at, hash: &[1; 32], now_s: 0 };
            assert_eq!(decide(None, &arrived), Apply);
        }
        for (asked, updated_at) in [(4, Some(NEW)), (5, Some(SAME)), (9, None), (9, Some(OLD))] {
            let state = |state| decided(state, source, asked, updated_at, true, LATER_S);
            assert_eq!(state(Live), Keep, "{source:?}");
            assert_eq!(state(AgedOut) == Keep, source != Page, "{source:?}");
        }
        for state in [Live, AgedOut, Deleted] {
            let earlier = Some("2023-11-14T22:13:19.999Z");
            assert_eq!(decided(state, source, 9, earlier, false, LATER_S), Stale);
        }
        for (asked, state) in [(4, Live), (4, AgedOut), (9, Live), (9, AgedOut)] {
            assert_eq!(decided(state, source, asked, Some(NEW), false, LATER_S), Apply);
        }
    }
    for state in [Live, AgedOut, Deleted] {
        for source in [Lookup, Ours] {
            for updated_at in [None, Some(SAME), Some("soon")] {
                assert_eq!(decided(state, source, 5, updated_at, false, 0), Apply);
                assert_eq!(decided(state, source, 4, updated_at, false, 0), LookUp);
            }
        }
    }
    for updated_at in [None, Some(SAME), Some(NEW)] {
        assert_eq!(decided(Deleted, Page, 9, updated_at, true, LATER_S), LookUp);
        assert_eq!(decided(Deleted, Delivery, 9, updated_at, true, LATER_S), LookUp);
        assert_eq!(decided(Deleted, Lookup, 5, updated_at, true, LATER_S), Apply);
        assert_eq!(decided(Deleted, Lookup, 4, updated_at, true, LATER_S), LookUp);
    }
    for state in [Live, AgedOut] {
        assert_eq!(decided(state, Page, 5, Some(SAME), false, LATER_S), Apply);
        assert_eq!(decided(state, Page, 5, Some(SAME), false, LATER_S - 1), LookUp);
        assert_eq!(decided(state, Page, 4, Some(SAME), false, LATER_S), LookUp);
        assert_eq!(decided(state, Page, 5, None, false, 0), Apply);
        assert_eq!(decided(state, Page, 4, None, false, 0), LookUp);
        assert_eq!(decided(state, Delivery, 9, Some(SAME), false, LATER_S), LookUp);
        assert_eq!(decided(state, Delivery, 9, None, false, LATER_S), LookUp);
    }
}

#[test]
fn the_word_that_a_record_is_gone_is_weighed() {
    use Decision::{Apply, Keep, LookUp};
    use Source::{Delivery, Lookup, Ours, Page};
    let kept = |state| KeptVersion { state, updated_at: None, hash: &[1; 32], change: 5 };
    for source in [Page, Lookup, Delivery, Ours] {
        let there = if source == Delivery { LookUp } else { Apply };
        for state in [RecordState::Live, RecordState::AgedOut] {
            assert_eq!(decide_gone(Some(&kept(state)), source, 5), there);
            assert_eq!(decide_gone(Some(&kept(state)), source, 4), LookUp);
        }
        assert_eq!(decide_gone(Some(&kept(RecordState::Deleted)), source, 4), Keep);
        assert_eq!(decide_gone(None, source, 0), Apply);
    }
}

#[test]
fn later_is_a_matter_of_time_and_not_of_text() {
    assert!(is_later(Some(OLD), Some(NEW)) && is_later(None, Some(OLD)));
    assert!(!is_later(Some(OLD), Some(SAME)) && !is_later(Some(NEW), Some(OLD)));
    assert!(!is_later(Some(OLD), None) && !is_later(None, None) && !is_later(None, Some("soon")));
}
