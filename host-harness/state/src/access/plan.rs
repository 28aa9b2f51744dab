//! What is decided of tokens and writes.
//!
//! | what is kept under a key | what follows |
//! |---|---|
//! | nothing | the write begins |
//! | another request | it is refused |
//! | an attempt that has its lease | it is under way |
//! | an attempt whose lease is over, without outcome | it begins again, and is told that it does |
//! | an outcome that leaves open whether it was done | the same as without one |
//! | an outcome and an answer | the answer |
//! | an outcome, and no answer any more | it is told so: to do it again might do it twice |

use super::{
    CANCELLED, EndedWrite, LinkRow, NewLink, NewToken, NewWrite, OUTCOME_UNKNOWN, StoredAnswer,
    TokenRow, WriteKey, WriteStart,
};
use crate::Lease;

/// What a database keeps of a write beside [`super::WriteRow`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptWrite {
    /// Its number.
    pub number: u64,
    /// By what it is known.
    pub key: Option<WriteKey>,
    /// Who is at it.
    pub lease: Option<Lease>,
    /// How it ended.
    pub outcome: Option<String>,
    /// What was answered.
    pub answer: Option<StoredAnswer>,
}

/// The row of a token.
#[must_use]
pub fn token(new: NewToken, now_ms: u64) -> TokenRow {
    let NewToken { name, digest, scope, connections, for_ms } = new;
    let until_ms = now_ms.saturating_add(for_ms);
    TokenRow { name, digest, scope, connections, made_ms: now_ms, until_ms, revoked_ms: None }
}

/// Whether a token may be used.
#[must_use]
pub fn is_good(token: &TokenRow, now_ms: u64) -> bool {
    now_ms < token.until_ms
}

/// The row of a link.
#[must_use]
pub fn link(new: NewLink, now_ms: u64) -> LinkRow {
    let NewLink { digest, connection, scheme, scopes, label, caller, return_to, for_ms } = new;
    let until_ms = now_ms.saturating_add(for_ms);
    LinkRow { digest, connection, scheme, scopes, label, caller, return_to, until_ms }
}

/// The lease that a write asks for.
#[must_use]
pub fn lease(write: &NewWrite, now_ms: u64) -> Lease {
    Lease { attempt: write.attempt.clone(), until_ms: now_ms.saturating_add(write.for_ms) }
}

/// What is to be done with a write, where this is kept under its key. [`WriteStart::Go`]: it has
/// [`lease`] from now on.
#[must_use]
pub fn begin(kept: &KeptWrite, write: &NewWrite, now_ms: u64) -> WriteStart {
    let request = |key: &Option<WriteKey>| key.as_ref().map(|key| key.request);
    if request(&kept.key) != request(&write.key) {
        return WriteStart::OtherRequest;
    }
    match (kept.outcome.as_deref().filter(|it| !is_open(it)), &kept.answer) {
        (Some(_), Some(answer)) => WriteStart::Answered(answer.clone()),
        (Some(_), None) => WriteStart::Forgotten,
        (None, _)
            if kept.lease.as_ref().is_some_and(|it| it.blocks(&lease(write, now_ms), now_ms)) =>
        {
            WriteStart::UnderWay
        }
        (None, _) => WriteStart::Go { number: kept.number, is_again: true },
    }
}

/// What is kept of a write that ended; `None`: another attempt has it.
#[must_use]
pub fn end(kept: KeptWrite, ended: EndedWrite) -> Option<KeptWrite> {
    let is_his = kept.lease.as_ref().is_some_and(|lease| lease.attempt == ended.attempt);
    if !is_his || kept.outcome.as_deref().is_some_and(|it| !is_open(it)) {
        return None;
    }
    let leaves_open = is_open(&ended.outcome);
    // Without an answer the key is free again, unless something may have been done under it.
    let key = kept.key.filter(|_| ended.answer.is_some() || leaves_open);
    // An answer that nobody can ask for is not kept.
    let answer = ended.answer.filter(|_| key.is_some() && !leaves_open);
    Some(KeptWrite { key, lease: None, outcome: Some(ended.outcome), answer, ..kept })
}

/// Whether an outcome leaves open if the write was done.
fn is_open(outcome: &str) -> bool {
    [OUTCOME_UNKNOWN, CANCELLED].contains(&outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sealed;

    const NOW: u64 = 1_000_000;

    fn write(attempt: &str, request: u8) -> NewWrite {
        NewWrite {
            caller: "shop".to_owned(),
            action: "POST /v1/forwards".to_owned(),
            connection: None,
            target: String::new(),
            key: Some(WriteKey { key: [1; 32], request: [request; 32] }),
            attempt: attempt.to_owned(),
            for_ms: 1_000,
        }
    }

    fn kept() -> KeptWrite {
        let first = write("a", 1);
        let lease = Some(lease(&first, NOW));
        KeptWrite { number: 7, key: first.key, lease, outcome: None, answer: None }
    }

    fn ended(attempt: &str) -> EndedWrite {
        let answer = Some(StoredAnswer { status: 201, sealed: Sealed(vec![1]) });
        let (attempt, outcome) = (attempt.to_owned(), "ok".to_owned());
        EndedWrite { number: 7, attempt, outcome, target: None, answer }
    }

    #[test]
    fn a_write_is_done_by_one_at_a_time_and_once() {
        let kept = kept();
        assert_eq!(begin(&kept, &write("b", 1), NOW + 999), WriteStart::UnderWay);
        let again = WriteStart::Go { number: 7, is_again: true };
        assert_eq!(begin(&kept, &write("b", 1), NOW + 1_000), again);
        assert_eq!(begin(&kept, &write("a", 1), NOW), again, "its own lease is extended");
        assert_eq!(begin(&kept, &write("a", 2), NOW), WriteStart::OtherRequest);
        assert_eq!(end(kept.clone(), ended("b")), None);
        let done = end(kept, ended("a")).unwrap();
        let answered = begin(&done, &write("b", 1), NOW + 5_000);
        assert_eq!(answered, WriteStart::Answered(ended("a").answer.unwrap()));
        assert_eq!(begin(&done, &write("b", 2), NOW), WriteStart::OtherRequest);
        assert_eq!(end(done.clone(), ended("a")), None, "an outcome stays");
        let old = KeptWrite { answer: None, ..done };
        assert_eq!(begin(&old, &write("b", 1), NOW), WriteStart::Forgotten);
    }

    #[test]
    fn what_was_not_done_leaves_its_key_free() {
        let refused = EndedWrite { answer: None, outcome: "rate-limited".to_owned(), ..ended("a") };
        let done = end(kept(), refused).unwrap();
        assert_eq!((done.key, done.answer), (None, None));
        assert_eq!(done.outcome.as_deref(), Some("rate-limited"));
    }

    #[test]
    fn what_may_have_been_done_is_begun_again_and_told_so() {
        for outcome in [OUTCOME_UNKNOWN, CANCELLED] {
            let lost = EndedWrite { outcome: outcome.to_owned(), ..ended("a") };
            let open = end(kept(), lost).unwrap();
            assert_eq!((&open.lease, &open.answer), (&None, &None));
            let again = WriteStart::Go { number: 7, is_again: true };
            assert_eq!(begin(&open, &write("b", 1), NOW), again);
            assert_eq!(begin(&open, &write("b", 2), NOW), WriteStart::OtherRequest);
            let taken = KeptWrite { lease: Some(lease(&write("b", 1), NOW)), ..open };
            assert_eq!(begin(&taken, &write("c", 1), NOW), WriteStart::UnderWay);
            assert_eq!(end(taken.clone(), ended("a")), None, "another attempt has it");
            assert_eq!(end(taken, ended("b")).unwrap().outcome.as_deref(), Some("ok"));
        }
    }

    #[test]
    fn an_answer_without_a_key_is_not_kept() {
        let done = end(KeptWrite { key: None, ..kept() }, ended("a")).unwrap();
        assert_eq!(done.answer, None);
    }
}
