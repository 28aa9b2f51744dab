//! The two tables, line by line.

use connector_contract::auth::Account;

use super::super::schedule::{HOUR_MS, LEASE_MS, MINUTE_MS};
use super::*;

const NOW: u64 = 1_000 * HOUR_MS;
const DAY: u64 = 24 * HOUR_MS;

/// Values of settings, and an account.
pub fn learned(settings: &[(&str, &str)], account: Option<&str>) -> Learned {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let account = account.map(|id| Account { id: id.to_owned(), title: String::new() });
    Learned { settings: settings.collect(), account }
}

/// A grant whose access token lives another hour.
pub fn valid() -> GrantRow {
    let granted = SealedGrant {
        sealed: Sealed(vec![3]),
        expires_ms: Some(NOW + HOUR_MS),
        scopes: vec!["read".to_owned(), "write".to_owned()],
        learned: learned(&[("url", "https://a.example.com")], Some("a1")),
    };
    first("c1", 3, granted, NOW - HOUR_MS)
}

fn ended_token() -> GrantRow {
    GrantRow { expires_ms: Some(NOW), ..valid() }
}

fn leased(sends: u32, until_ms: u64) -> GrantRow {
    let lease = Some(Lease { attempt: "a1".to_owned(), until_ms });
    GrantRow { state: GrantState::Renewing, sends, lease, ..valid() }
}

fn wish() -> ClaimRequest<'static> {
    ClaimRequest { epoch: 3, refused: false, attempt: "a2", outwaited: None, now_ms: NOW }
}

fn mine(sends: u32, retry_ms: Option<u64>, row: &GrantRow) -> Claim {
    let lease = Some(Lease { attempt: "a2".to_owned(), until_ms: NOW + LEASE_MS });
    Claim::Mine(GrantRow { state: GrantState::Renewing, sends, lease, retry_ms, ..row.clone() })
}

#[test]
fn a_claim_is_decided_line_by_line() {
    let probe = Some(NOW + 15 * MINUTE_MS);
    let uncertain = |row: &GrantRow| GrantRow { state: GrantState::Uncertain, ..row.clone() };
    let ended = GrantRow { state: GrantState::Ended, ..valid() };
    let busy = leased(1, NOW + 1);
    let (lost, lost_twice) = (leased(1, NOW), leased(2, NOW));
    let over = GrantRow { expires_ms: Some(NOW), ..leased(2, NOW) };
    let later = GrantRow { retry_ms: Some(NOW + 1), ..valid() };
    let waited = GrantRow { retry_ms: Some(NOW), ..valid() };
    let probed = GrantRow { retry_ms: Some(NOW + 1), ..over.clone() };
    let endless = GrantRow { expires_ms: None, ..leased(2, NOW) };
    let refused = ClaimRequest { refused: true, ..wish() };
    let outwaited = ClaimRequest { outwaited: Some("a1"), ..wish() };
    let other = ClaimRequest { outwaited: Some("a0"), ..wish() };
    for (name, row, wish, expected) in [
        ("usable", valid(), wish(), mine(1, None, &valid())),
        ("older tokens meant", valid(), ClaimRequest { epoch: 2, ..wish() }, Claim::Moved),
        ("ended", ended, wish(), Claim::Ended),
        ("leased", busy.clone(), wish(), Claim::Busy { until_ms: NOW + 1 }),
        ("leased, watched", busy.clone(), outwaited, mine(2, None, &busy)),
        ("leased, another watched", busy, other, Claim::Busy { until_ms: NOW + 1 }),
        ("answer lost", lost.clone(), wish(), mine(2, None, &lost)),
        ("lost twice", lost_twice.clone(), wish(), Claim::Spent(uncertain(&lost_twice))),
        ("lost twice, 401", lost_twice.clone(), refused, Claim::Spent(uncertain(&lost_twice))),
        ("lost twice, token over", over.clone(), wish(), mine(3, probe, &over)),
        ("probed", probed, wish(), Claim::NotNow { retry_ms: NOW + 1 }),
        ("endless, lost twice", endless.clone(), wish(), Claim::Spent(uncertain(&endless))),
        ("endless, lost twice, 401", endless.clone(), refused, mine(3, probe, &endless)),
        ("failed before", later, wish(), Claim::NotNow { retry_ms: NOW + 1 }),
        ("failed long before", waited.clone(), wish(), mine(1, None, &waited)),
    ] {
        assert_eq!(claim(&row, &wish), expected, "{name}");
    }
}

#[test]
fn an_outcome_is_decided_line_by_line() {
    use GrantState::{Ended, Renewing, Uncertain, Valid};
    use RenewalOutcome::{ClientRefused, NotExecuted, Refused, Unknown, Withdrawn};
    let failed = || NotExecuted { wait_ms: None };
    let over = |sends| GrantRow { expires_ms: Some(NOW), ..leased(sends, NOW + 1) };
    let week = |sends| GrantRow { expires_ms: Some(NOW - 7 * DAY), ..leased(sends, NOW + 1) };
    let lives = |sends| leased(sends, NOW + 1);
    // Outcome, row, then state, sends, failures and whether a pause is kept.
    for (outcome, row, expected) in [
        (Withdrawn, lives(1), (Valid, 0, 0, false)),
        (Withdrawn, lives(2), (Renewing, 1, 0, false)),
        (Withdrawn, over(3), (Uncertain, 2, 0, false)),
        (failed(), lives(1), (Valid, 0, 1, true)),
        (failed(), lives(2), (Renewing, 1, 1, true)),
        (failed(), over(3), (Uncertain, 2, 1, true)),
        (failed(), week(3), (Uncertain, 2, 1, true)),
        (ClientRefused, lives(1), (Valid, 0, 1, true)),
        (ClientRefused, week(3), (Uncertain, 2, 1, true)),
        (Unknown, lives(1), (Renewing, 1, 1, false)),
        (Unknown, lives(2), (Uncertain, 2, 1, true)),
        (Unknown, over(3), (Uncertain, 3, 1, true)),
        (Unknown, week(2), (Uncertain, 2, 1, true)),
        (Unknown, week(3), (Ended, 3, 1, false)),
        (Refused, lives(1), (Ended, 1, 0, false)),
        (Refused, lives(2), (Uncertain, 2, 0, true)),
        (Refused, over(2), (Ended, 2, 0, false)),
        (Refused, over(3), (Ended, 3, 0, false)),
    ] {
        let name = format!("{outcome:?} of {row:?}");
        let after = settle(&row, 3, "a1", outcome, NOW).unwrap();
        let got = (after.state, after.sends, after.failures, after.retry_ms.is_some());
        assert_eq!(got, expected, "{name}");
        assert!(after.retry_ms.is_none_or(|retry| retry > NOW), "{name}");
        assert_eq!((after.lease, after.epoch, after.sealed_tokens.0), (None, 3, vec![3]), "{name}");
    }
}

/// What failed before does not make the tries after it rare.
#[test]
fn a_lost_answer_begins_pauses_of_its_own() {
    let row = GrantRow { failures: 6, ..leased(1, NOW + 1) };
    let lost = settle(&row, 3, "a1", RenewalOutcome::Unknown, NOW).unwrap();
    assert_eq!((lost.sends, lost.failures), (1, 1));
    let again = GrantRow { failures: lost.failures, ..leased(2, NOW + 1) };
    let refused = RenewalOutcome::NotExecuted { wait_ms: None };
    let after = settle(&again, 3, "a1", refused, NOW).unwrap();
    assert!(after.retry_ms.is_some_and(|retry| retry <= NOW + 5_000), "{after:?}");
}

#[test]
fn received_tokens_begin_an_epoch_and_keep_the_old_ones_for_a_day() {
    let row = GrantRow { failures: 4, retry_ms: Some(NOW), ..leased(2, NOW) };
    let granted = SealedGrant {
        sealed: Sealed(vec![4]),
        expires_ms: Some(NOW + DAY),
        scopes: Vec::new(),
        learned: Learned::default(),
    };
    let after = settle(&row, 3, "a1", RenewalOutcome::Received(granted.clone()), NOW).unwrap();
    let replaced = PreviousTokens { sealed: Sealed(vec![3]), until_ms: NOW + DAY };
    let granted =
        SealedGrant { scopes: row.scopes.clone(), learned: row.learned.clone(), ..granted };
    let expected = GrantRow { previous: Some(replaced), ..first("c1", 4, granted, NOW) };
    assert_eq!(after, expected);
    assert_eq!(erase_previous(&after, NOW + DAY - 1), None);
    let erased = GrantRow { previous: None, ..after.clone() };
    assert_eq!(erase_previous(&after, NOW + DAY), Some(erased.clone()));
    assert_eq!(erase_previous(&erased, NOW + DAY), None);
}

#[test]
fn a_stale_owner_changes_nothing() {
    let granted = SealedGrant {
        sealed: Sealed(vec![9]),
        expires_ms: None,
        scopes: Vec::new(),
        learned: Learned::default(),
    };
    for (row, epoch, attempt) in
        [(leased(1, NOW + 1), 3, "a0"), (leased(1, NOW + 1), 2, "a1"), (valid(), 3, "a1")]
    {
        for outcome in [
            RenewalOutcome::Received(granted.clone()),
            RenewalOutcome::Refused,
            RenewalOutcome::Unknown,
        ] {
            assert_eq!(settle(&row, epoch, attempt, outcome, NOW), None);
        }
    }
}

#[test]
fn an_owner_sends_only_when_the_request_ends_before_its_lease() {
    assert!(may_send(&leased(1, NOW + DEADLINE_MS), NOW));
    assert!(!may_send(&leased(1, NOW + DEADLINE_MS - 1), NOW));
    assert!(!may_send(&valid(), NOW));
}

#[test]
fn what_was_cut_off_is_taken_up_at_once() {
    assert!(!wants_renewal(&valid(), NOW - HOUR_MS + 1));
    assert!(wants_renewal(&ended_token(), NOW));
    assert!(wants_renewal(&leased(1, NOW), NOW));
    let uncertain = GrantRow { state: GrantState::Uncertain, sends: 2, ..valid() };
    assert!(!wants_renewal(&uncertain, NOW));
    assert!(wants_renewal(&GrantRow { expires_ms: Some(NOW), ..uncertain.clone() }, NOW));
    assert!(!wants_renewal(&GrantRow { state: GrantState::Ended, ..valid() }, NOW + DAY));
}
