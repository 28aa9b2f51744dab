//! What becomes of a forward and of the changes that it hands on, decided from what is kept and what
//! its target answered.
//!
//! | the target | the change | the target is |
//! |---|---|---|
//! | takes it (2xx) | is delivered | there |
//! | refuses it (4xx, but 408, 425 and 429) | is parked at once; its record goes on | there |
//! | fails (408, 425, 429, 5xx, a redirect, silence) | waits, and later ones of its record behind it | left alone for a while after three failures in a row, or for as long as it asks |
//!
//! A change that was noticed more than [`PATIENCE_MS`] ago is parked when it is not taken; while its
//! target is left alone, without a try.

use std::time::Duration;

use connector_contract::backoff::Backoff;

use super::{ForwardRow, Outgoing, Undelivered};
use crate::StoreError;

/// Forwards of a state.
pub const MOST_FORWARDS: usize = 64;
/// Changes of a forward that wait for their next try or are parked. At this number it waits until
/// some are taken, tried again or dropped.
pub const MOST_UNDELIVERED: u64 = 10_000;
/// Changes behind which a forward may be. Older ones are forgotten, and it is told so.
pub const MOST_BEHIND: u64 = 1_000_000;
/// How long a change is tried.
pub const PATIENCE_MS: u64 = 7 * 24 * 3_600_000;
/// Pauses of a change that is not taken while others are.
pub const CHANGE_WAITS: Backoff =
    Backoff::new(&[5_000, 20_000, 80_000, 320_000, 1_280_000, 5_120_000, 4 * 3_600_000]);

/// Failures in a row after which a target is left alone.
const OPENS_AFTER: u32 = 3;
/// For how long: one message finds out whether it is back.
const TARGET_WAITS: Backoff =
    Backoff::new(&[1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000]);
/// No target is left alone for longer, whatever it asks.
const LONGEST_ASKED: Duration = Duration::from_secs(3_600);

/// Decides on a forward that is to be put, by those that are kept; answers whether it is a new one.
///
/// # Errors
/// [`StoreError::ForwardNameTaken`], [`StoreError::TooManyForwards`], and
/// [`StoreError::NoConnection`] when it is of a connection that is not there.
pub fn put(
    forward: &ForwardRow,
    kept: &[ForwardRow],
    is_connected: bool,
) -> Result<bool, StoreError> {
    if kept.iter().any(|other| other.name == forward.name && other.id != forward.id) {
        return Err(StoreError::ForwardNameTaken(forward.name.clone()));
    }
    let is_new = kept.iter().all(|other| other.id != forward.id);
    match &forward.connection {
        Some(connection) if !is_connected => Err(StoreError::NoConnection(connection.clone())),
        _ if is_new && kept.len() >= MOST_FORWARDS => Err(StoreError::TooManyForwards),
        _ => Ok(is_new),
    }
}

/// Up to which number a forward at `position` will not get a connection's changes, because they are
/// forgotten or too many; `None`: it gets all. One that is too far behind goes on in the middle of what
/// may wait, so that it is not too far behind again at once.
#[must_use]
pub fn missed_until(forgotten: u64, moment: u64, position: u64) -> Option<u64> {
    let until = match moment.saturating_sub(position) > MOST_BEHIND {
        true => forgotten.max(moment.saturating_sub(MOST_BEHIND / 2)),
        false => forgotten,
    };
    (until > position).then_some(until)
}

/// How a target took a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetAnswer {
    /// It has it.
    Taken,
    /// It does not take this one, however often it comes.
    Refused(String),
    /// It may take it later.
    Failed {
        /// For people.
        why: String,
        /// The pause that it asks for.
        pause: Option<Duration>,
    },
}

impl TargetAnswer {
    /// What an answer of this HTTP status means.
    #[must_use]
    pub fn of_status(status: u16, pause: Option<Duration>) -> Self {
        let answered = format!("it answered {status}");
        match status {
            200..=299 => Self::Taken,
            300..=399 => Self::Failed {
                why: format!(
                    "{answered}, and redirects are not followed: give the URL that it leads to"
                ),
                pause,
            },
            // Too slow, too early, too many: the same message may be taken later.
            408 | 425 | 429 => Self::Failed { why: answered, pause },
            400..=499 => Self::Refused(answered),
            _ => Self::Failed { why: answered, pause },
        }
    }
}

/// Whether a target is left alone, by its last answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetBreaker {
    failures: u32,
    asked: Duration,
}

impl TargetBreaker {
    /// Hears of an answer.
    pub fn note(&mut self, answer: &TargetAnswer) {
        let TargetAnswer::Failed { pause, .. } = answer else {
            *self = Self::default();
            return;
        };
        self.failures = self.failures.saturating_add(1);
        self.asked = pause.unwrap_or_default().min(LONGEST_ASKED);
        if pause.is_some() {
            self.failures = self.failures.max(OPENS_AFTER);
        }
    }

    /// The target is left alone; after the pause one message finds out whether it is back.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.failures >= OPENS_AFTER
    }

    /// For how long it is left alone.
    #[must_use]
    pub fn pause(&self) -> Option<Duration> {
        let pause = TARGET_WAITS.pause((self.failures + 1).saturating_sub(OPENS_AFTER));
        self.is_open().then(|| pause.max(self.asked))
    }
}

/// What becomes of a change that was not taken; `None` for one that was. `before`: what it had come
/// to. `was_open`: the target was left alone before, so the fault is not the change's.
#[must_use]
pub fn not_taken(
    outgoing: &Outgoing,
    before: Option<&Undelivered>,
    answer: &TargetAnswer,
    was_open: bool,
    now_ms: u64,
) -> Option<Undelivered> {
    let attempts = before.map_or(0, |before| before.attempts);
    let (reason, attempts, next_ms) = match answer {
        TargetAnswer::Taken => return None,
        TargetAnswer::Refused(why) => (why, attempts.saturating_add(1), None),
        TargetAnswer::Failed { why, .. } if is_old(outgoing, now_ms) => (why, attempts, None),
        TargetAnswer::Failed { why, .. } if was_open => (why, attempts, Some(now_ms)),
        TargetAnswer::Failed { why, .. } => {
            let attempts = attempts.saturating_add(1);
            (why, attempts, Some(now_ms.saturating_add(CHANGE_WAITS.pause_ms(attempts))))
        }
    };
    Some(undelivered(outgoing, attempts, next_ms, reason.clone()))
}

/// What becomes of a change behind one of its record that waits.
#[must_use]
pub fn behind(outgoing: &Outgoing, now_ms: u64) -> Undelivered {
    let reason = "a change of its record before it waits".to_owned();
    undelivered(outgoing, 0, Some(now_ms), reason)
}

/// What becomes of a change while its target is left alone: one that has waited for too long is
/// parked. `None`: it waits on.
#[must_use]
pub fn unsent(outgoing: &Outgoing, why: &str, now_ms: u64) -> Option<Undelivered> {
    is_old(outgoing, now_ms).then(|| undelivered(outgoing, 0, None, why.to_owned()))
}

fn is_old(outgoing: &Outgoing, now_ms: u64) -> bool {
    now_ms >= outgoing.change.at_ms.saturating_add(PATIENCE_MS)
}

fn undelivered(
    outgoing: &Outgoing,
    attempts: u32,
    next_ms: Option<u64>,
    reason: String,
) -> Undelivered {
    let change = &outgoing.change;
    let connection = change.connection.clone();
    Undelivered { connection, change: change.number, attempts, next_ms, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sealed;
    use crate::mirror::{ChangeKind, ChangeRow};

    const NOW: u64 = 1_700_000_000_000;

    fn outgoing(at_ms: u64) -> Outgoing {
        let change = ChangeRow {
            number: 7,
            connection: "c".to_owned(),
            object: "orders".to_owned(),
            id: "1".to_owned(),
            kind: ChangeKind::Updated,
            ours: false,
            source: None,
            delivery: None,
            at_ms,
            updated_at: None,
            previous: None,
            hash: None,
            members: vec![],
            rule: None,
        };
        Outgoing { change, connection: "shop".to_owned(), before: None, after: None }
    }

    fn failed(pause: Option<Duration>) -> TargetAnswer {
        TargetAnswer::Failed { why: "x".to_owned(), pause }
    }

    #[test]
    fn statuses_take_refuse_or_fail() {
        for (status, expected) in [
            (200, 't'),
            (204, 't'),
            (301, 'f'),
            (400, 'r'),
            (404, 'r'),
            (410, 'r'),
            (408, 'f'),
            (425, 'f'),
            (429, 'f'),
            (500, 'f'),
            (503, 'f'),
            (600, 'f'),
        ] {
            let found = match TargetAnswer::of_status(status, None) {
                TargetAnswer::Taken => 't',
                TargetAnswer::Refused(_) => 'r',
                TargetAnswer::Failed { .. } => 'f',
            };
            assert_eq!(found, expected, "{status}");
        }
    }

    #[test]
    fn a_target_is_left_alone_ever_longer_and_until_it_answers() {
        let mut breaker = TargetBreaker::default();
        let mut pauses = Vec::new();
        for _ in 0..5 {
            breaker.note(&failed(None));
            pauses.push(breaker.pause().map(|pause| pause.as_secs()));
        }
        assert_eq!(pauses, [None, None, Some(1), Some(2), Some(4)]);
        breaker.note(&TargetAnswer::Refused("no".to_owned()));
        assert_eq!(breaker.pause(), None);
        // What it asks for counts at once, within bounds.
        breaker.note(&failed(Some(Duration::from_secs(30))));
        assert_eq!(breaker.pause(), Some(Duration::from_secs(30)));
        breaker.note(&failed(Some(Duration::from_secs(1_000_000))));
        assert_eq!(breaker.pause(), Some(LONGEST_ASKED));
        breaker.note(&failed(None));
        assert_eq!(breaker.pause(), Some(Duration::from_secs(4)));
    }

    #[test]
    fn a_refused_change_is_parked_and_a_failed_one_waits_seven_days() {
        let fresh = outgoing(NOW);
        let refused = TargetAnswer::Refused("no".to_owned());
        assert_eq!(not_taken(&fresh, None, &TargetAnswer::Taken, false, NOW), None);
        let parked = not_taken(&fresh, None, &refused, false, NOW).unwrap();
        assert_eq!((parked.next_ms, parked.attempts), (None, 1));
        let first = not_taken(&fresh, None, &failed(None), false, NOW).unwrap();
        assert_eq!((first.next_ms, first.attempts), (Some(NOW + 5_000), 1));
        let second = not_taken(&fresh, Some(&first), &failed(None), false, NOW).unwrap();
        assert_eq!((second.next_ms, second.attempts), (Some(NOW + 20_000), 2));
        // The target's fault does not count as the change's.
        let away = not_taken(&fresh, Some(&second), &failed(None), true, NOW).unwrap();
        assert_eq!((away.next_ms, away.attempts), (Some(NOW), 2));
        let (early, late) = (NOW + PATIENCE_MS - 1, NOW + PATIENCE_MS);
        for was_open in [false, true] {
            let after = |now| not_taken(&fresh, Some(&second), &failed(None), was_open, now);
            assert!(after(early).unwrap().next_ms.is_some());
            assert_eq!(after(late).unwrap().next_ms, None);
        }
        assert_eq!(unsent(&fresh, "away", early), None);
        assert_eq!(unsent(&fresh, "away", late).unwrap().next_ms, None);
    }

    #[test]
    fn who_is_too_far_behind_goes_on_with_room_before_it_is_so_again() {
        assert_eq!(missed_until(0, 9, 9), None);
        assert_eq!(missed_until(5, 9, 5), None);
        assert_eq!(missed_until(6, 9, 5), Some(6));
        assert_eq!(missed_until(0, MOST_BEHIND + 3, 3), None);
        let until = missed_until(0, MOST_BEHIND + 4, 3).unwrap();
        assert_eq!(missed_until(0, MOST_BEHIND + 4 + MOST_BEHIND / 4, until), None);
    }

    #[test]
    fn forwards_have_names_of_their_own_and_are_not_too_many() {
        let row = |id: usize, name: &str| ForwardRow {
            id: id.to_string(),
            name: name.to_owned(),
            connector: "orders".to_owned(),
            connection: None,
            origin: "https://a.example".to_owned(),
            filters: vec![],
            template: None,
            is_signed: false,
            sealed: Sealed(vec![]),
            enabled: true,
            made_ms: NOW,
        };
        let kept: Vec<_> = (0..MOST_FORWARDS).map(|id| row(id, &id.to_string())).collect();
        assert_eq!(put(&row(3, "new"), &kept, false), Ok(false));
        let taken = StoreError::ForwardNameTaken("4".to_owned());
        assert_eq!(put(&row(3, "4"), &kept, false), Err(taken));
        assert_eq!(put(&row(99, "new"), &kept, false), Err(StoreError::TooManyForwards));
        assert_eq!(put(&row(99, "new"), &kept[1..], false), Ok(true));
        let of_one = ForwardRow { connection: Some("c".to_owned()), ..row(99, "new") };
        assert_eq!(put(&of_one, &[], true), Ok(true));
        assert_eq!(put(&of_one, &[], false), Err(StoreError::NoConnection("c".to_owned())));
    }
}
