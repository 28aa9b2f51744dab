//! Rules that come true, and no longer hold.

use super::*;

/// Noon of some day.
const NOON: u64 = 20_000 * DAY_MS + DAY_MS / 2;
const HOUR: u64 = 3_600_000;

fn due<const N: usize>(all: [(&str, u64); N]) -> BTreeMap<String, u64> {
    all.into_iter().map(|(name, due_ms)| (name.to_owned(), due_ms)).collect()
}

/// What is told, and what is written beside it.
fn told(followed: &Followed) -> Vec<(&str, bool, u64)> {
    followed.told.iter().map(|told| (told.rule.as_str(), told.raised, told.due_ms)).collect()
}

fn woken(kept: &KeptRules, now_ms: u64) -> Followed {
    match wake(Some(kept), kept.wake_ms.unwrap(), now_ms) {
        Woken::Followed(followed) => followed,
        Woken::Stray => panic!("{kept:?}"),
    }
}

#[test]
fn a_rule_is_raised_when_it_is_due_and_not_before() {
    let new = follow(
        &KeptRules::default(),
        &due([("late", NOON + DAY_MS), ("old", NOON + 9 * DAY_MS)]),
        NOON,
    );
    assert_eq!(told(&new), []);
    // The day's row, then the time's.
    assert_eq!(new.moves.wake_ms, Some(NOON / DAY_MS * DAY_MS + DAY_MS));
    let day = woken(&new.after, NOON + DAY_MS - HOUR);
    assert_eq!((told(&day), day.moves.wake_ms), (vec![], Some(NOON + DAY_MS)));
    let at = woken(&day.after, NOON + DAY_MS);
    assert_eq!(told(&at), [("late", true, NOON + DAY_MS)]);
    assert_eq!(at.moves.raised, [("late".to_owned(), None, Some(NOON + DAY_MS))]);
    assert_eq!(at.after.wake_ms, at.moves.wake_ms);
    // A clock that has gone back tells nothing again, nor does a row that is there twice.
    assert_eq!(wake(Some(&at.after), NOON + DAY_MS, NOON), Woken::Stray);
    let same = follow(&at.after, &due([("late", NOON + DAY_MS), ("old", NOON + 9 * DAY_MS)]), NOON);
    assert_eq!((told(&same), same.changes(&at.after)), (vec![], false));
    assert_eq!(wake(None, NOON, NOON), Woken::Stray);
}

#[test]
fn what_is_overdue_from_the_start_is_woken_at_once() {
    let new = follow(&KeptRules::default(), &due([("late", NOON - 3 * DAY_MS)]), NOON);
    assert!(new.moves.wake_ms.is_some_and(|wake_ms| wake_ms <= NOON));
    let at = woken(&new.after, NOON);
    assert_eq!(told(&at), [("late", true, NOON - 3 * DAY_MS)]);
    assert_eq!((at.after.wake_ms, at.moves.wake_ms), (None, None));
}

#[test]
fn a_record_that_changes_clears_what_no_longer_holds() {
    let raised = |due_ms| KeptRules {
        wake_ms: None,
        rules: [("late".to_owned(), KeptRule { due_ms, raised: true })].into(),
    };
    let was = raised(NOON - HOUR);
    let gone = follow(&was, &due([]), NOON);
    assert_eq!((told(&gone), gone.after.encode()), (vec![("late", false, NOON - HOUR)], None));
    let later = follow(&was, &due([("late", NOON + HOUR)]), NOON);
    assert_eq!(told(&later), [("late", false, NOON - HOUR)]);
    assert_eq!(later.moves.wake_ms, Some(NOON + HOUR));
    // Another due time that has passed as well is told anew, and nothing is cleared.
    let other = follow(&was, &due([("late", NOON - 1)]), NOON);
    assert_eq!(told(&other), [("late", true, NOON - 1)]);
    assert_eq!(other.moves.raised, [("late".to_owned(), Some(NOON - HOUR), Some(NOON - 1))]);
    assert_eq!(KeptRules::decode(&other.after.encode().unwrap()), Ok(other.after));
}

#[test]
fn a_rule_that_is_due_later_keeps_its_row_until_that_comes() {
    let new = follow(&KeptRules::default(), &due([("old", NOON + DAY_MS)]), NOON);
    let later = follow(&new.after, &due([("old", NOON + 5 * DAY_MS)]), NOON);
    assert_eq!((later.moves.is_empty(), later.after.wake_ms), (true, new.after.wake_ms));
    let day = woken(&later.after, NOON + DAY_MS);
    assert_eq!((told(&day), day.moves.wake_ms.map(|it| it / DAY_MS)), (vec![], Some(20_005)));
    let sooner = follow(&later.after, &due([("old", NOON + HOUR)]), NOON);
    assert_eq!(sooner.moves.wake_ms, Some(NOON + HOUR));
}
