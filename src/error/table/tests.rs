//! Every row of AfterShip's error table ("Request errors") and of the transport faults, once.

use super::*;
use Case::{
    Conflict, CursorExpired, Done, Forbidden, InvalidInput, NotFound, OutcomeUnknown, RateLimited,
    Unauthenticated, Unavailable,
};

fn answer(status: u16, code: Option<u32>, body: Body) -> Outcome {
    Outcome::Answered(Answer { status, code, body, retry_after: false })
}

fn coded(status: u16, code: u32) -> Outcome {
    answer(status, Some(code), Body::Json)
}

/// A body without a code, such as AfterShip's plain-text 502.
fn bare(status: u16) -> Outcome {
    answer(status, None, Body::Unreadable)
}

fn asking_to_wait(status: u16) -> Outcome {
    Outcome::Answered(Answer { status, code: None, body: Body::Json, retry_after: true })
}

/// Outcome, and the case for a read, a repeatable write and a write.
const fn row(outcome: Outcome, read: Case, repeatable: Case, write: Case) -> (Outcome, [Case; 3]) {
    (outcome, [read, repeatable, write])
}

const fn same(outcome: Outcome, case: Case) -> (Outcome, [Case; 3]) {
    row(outcome, case, case, case)
}

fn lost(outcome: Outcome) -> (Outcome, [Case; 3]) {
    row(outcome, Unavailable, OutcomeUnknown, OutcomeUnknown)
}

#[test]
fn every_row() {
    let rows = [
        // No answer.
        same(Outcome::NotSent, Unavailable),
        same(Outcome::Limited, RateLimited),
        same(Outcome::Refused, Case::Internal),
        lost(Outcome::Unanswered),
        // It worked, or seems so.
        same(coded(200, 200), Done),
        same(coded(201, 201), Done),
        same(answer(200, None, Body::Json), Done),
        lost(bare(200)),
        lost(bare(201)),
        row(
            answer(200, Some(200), Body::OtherShape),
            Case::Internal,
            OutcomeUnknown,
            OutcomeUnknown,
        ),
        // AfterShip's codes.
        same(coded(400, 400), InvalidInput),
        same(coded(400, 4001), InvalidInput),
        same(coded(400, 4002), InvalidInput),
        same(coded(400, 4003), Conflict),
        same(coded(404, 4004), NotFound),
        same(coded(400, 4005), InvalidInput),
        same(coded(400, 4006), InvalidInput),
        same(coded(400, 4007), InvalidInput),
        same(coded(400, 4008), InvalidInput),
        same(coded(400, 4009), InvalidInput),
        same(coded(400, 4010), InvalidInput),
        same(coded(400, 4011), InvalidInput),
        same(coded(400, 4012), InvalidInput),
        same(coded(400, 4013), Conflict),
        same(coded(400, 4014), InvalidInput),
        same(coded(400, 4015), InvalidInput),
        same(coded(400, 4016), Conflict),
        same(coded(400, 4017), InvalidInput),
        same(coded(400, 4999), InvalidInput),
        same(coded(401, 401), Unauthenticated),
        same(coded(403, 403), Forbidden),
        same(coded(404, 404), NotFound),
        same(coded(429, 429), RateLimited),
        lost(coded(500, 500)),
        lost(coded(502, 502)),
        lost(coded(503, 503)),
        lost(coded(504, 504)),
        // The code goes before the status.
        same(coded(200, 401), Unauthenticated),
        same(coded(200, 4004), NotFound),
        same(coded(400, 4004), NotFound),
        same(coded(400, 429), RateLimited),
        lost(coded(200, 500)),
        // Statuses without a readable body.
        same(bare(301), Case::Internal),
        same(bare(304), Case::Internal),
        same(bare(400), InvalidInput),
        same(bare(401), Unauthenticated),
        same(bare(402), Forbidden),
        same(bare(403), Forbidden),
        same(bare(404), NotFound),
        same(bare(405), Case::Internal),
        lost(bare(408)),
        same(bare(409), Conflict),
        same(bare(410), NotFound),
        same(bare(414), Case::Internal),
        same(bare(415), Case::Internal),
        same(bare(422), InvalidInput),
        same(bare(429), RateLimited),
        lost(bare(500)),
        lost(bare(502)),
        lost(bare(503)),
        lost(bare(504)),
        lost(bare(599)),
        row(asking_to_wait(503), RateLimited, OutcomeUnknown, OutcomeUnknown),
        lost(asking_to_wait(502)),
        same(asking_to_wait(429), RateLimited),
        same(bare(0), Case::Internal),
        same(bare(600), Case::Internal),
    ];
    for (outcome, expected) in rows {
        let effects = [Effect::Read, Effect::RepeatableWrite, Effect::Write];
        assert_eq!(effects.map(|effect| case(outcome, effect, false)), expected, "{outcome:?}");
    }
}

#[test]
fn a_cursor_is_blamed_for_a_400_only() {
    for (outcome, expected) in [
        (coded(400, 400), CursorExpired),
        (coded(400, 4008), CursorExpired),
        (bare(400), CursorExpired),
        (coded(401, 401), Unauthenticated),
        (coded(404, 404), NotFound),
        (coded(429, 429), RateLimited),
        (bare(502), Unavailable),
        (coded(200, 200), Done),
    ] {
        assert_eq!(case(outcome, Effect::Read, true), expected, "{outcome:?}");
    }
}
