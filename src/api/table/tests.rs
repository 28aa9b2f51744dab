//! Every row of AfterShip's error table ("Request errors") and of the transport faults, once.

use super::*;
use Case::{
    Conflict, CursorExpired, Done, Forbidden, InvalidInput, NotFound, OutcomeUnknown,
    QuotaExhausted, RateLimited, Unauthenticated, Unavailable,
};

/// A kind without what it carries; [`Done`] for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Conflict,
    CursorExpired,
    Done,
    Forbidden,
    Internal,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    Unauthenticated,
    Unavailable,
}

fn case(answer: Answer, writes: bool, cursor_sent: bool) -> Case {
    match kind(answer, writes, cursor_sent) {
        None => Done,
        Some(ErrorKind::Conflict(None)) => Conflict,
        Some(ErrorKind::CursorExpired) => CursorExpired,
        Some(ErrorKind::Forbidden) => Forbidden,
        Some(ErrorKind::Internal) => Case::Internal,
        Some(ErrorKind::InvalidInput(violations)) if violations.is_empty() => InvalidInput,
        Some(ErrorKind::NotFound) => NotFound,
        Some(ErrorKind::OutcomeUnknown) => OutcomeUnknown,
        Some(ErrorKind::QuotaExhausted(wait_ms)) if wait_ms == answer.wait_ms => QuotaExhausted,
        Some(ErrorKind::RateLimited(wait_ms)) if wait_ms == answer.wait_ms => RateLimited,
        Some(ErrorKind::Unauthenticated) => Unauthenticated,
        Some(ErrorKind::Unavailable) => Unavailable,
        Some(other) => panic!("{other:?}"),
    }
}

fn answer(status: u16, code: Option<u32>, body: Body) -> Answer {
    Answer { status, code, record_404: false, body, wait_ms: None, retry_after: false }
}

fn coded(status: u16, code: u32) -> Answer {
    answer(status, Some(code), Body::Json)
}

/// A body without a code, such as AfterShip's plain-text 502, or a firewall's page.
fn bare(status: u16) -> Answer {
    answer(status, None, Body::Unreadable)
}

fn asking_to_wait(status: u16) -> Answer {
    let (code, record_404, body) = (None, false, Body::Json);
    Answer { status, code, record_404, body, wait_ms: Some(1000), retry_after: true }
}

/// AfterShip's code 429, with a wait.
fn slow_down(status: u16, wait_ms: u32) -> Answer {
    let (code, record_404, body) = (Some(429), false, Body::Json);
    let wait_ms = Some(wait_ms);
    Answer { status, code, record_404, body, wait_ms, retry_after: true }
}

/// An answer, and the case for a read and a write.
const fn row(answer: Answer, read: Case, write: Case) -> (Answer, [Case; 2]) {
    (answer, [read, write])
}

const fn same(answer: Answer, case: Case) -> (Answer, [Case; 2]) {
    row(answer, case, case)
}

fn lost(answer: Answer) -> (Answer, [Case; 2]) {
    row(answer, Unavailable, OutcomeUnknown)
}

#[test]
fn every_row() {
    let rows = [
        // It worked, or seems so.
        same(coded(200, 200), Done),
        same(coded(201, 201), Done),
        same(answer(200, None, Body::Json), Done),
        lost(bare(200)),
        lost(bare(201)),
        row(answer(200, Some(200), Body::OtherShape), Case::Internal, OutcomeUnknown),
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
        // The address is unknown, not the record.
        same(coded(404, 404), Case::Internal),
        same(coded(410, 410), Case::Internal),
        same(coded(405, 405), Case::Internal),
        same(coded(409, 409), Conflict),
        same(coded(429, 429), RateLimited),
        lost(coded(500, 500)),
        lost(coded(502, 502)),
        lost(coded(503, 503)),
        lost(coded(504, 504)),
        // The code goes before a status of 2xx or 4xx ...
        same(coded(200, 401), Unauthenticated),
        same(coded(200, 4004), NotFound),
        same(coded(200, 404), Case::Internal),
        same(coded(400, 4004), NotFound),
        same(coded(400, 429), RateLimited),
        same(coded(400, 5001), InvalidInput),
        lost(coded(200, 500)),
        lost(coded(200, 408)),
        lost(coded(400, 500)),
        row(coded(200, 600), Case::Internal, OutcomeUnknown),
        row(coded(201, 5001), Case::Internal, OutcomeUnknown),
        row(coded(200, 70_000), Case::Internal, OutcomeUnknown),
        // ... and makes nothing else of a 429 or a 5xx.
        same(coded(429, 4008), RateLimited),
        same(coded(429, 4003), RateLimited),
        same(coded(429, 500), RateLimited),
        lost(coded(500, 4008)),
        lost(coded(502, 4003)),
        lost(coded(503, 4004)),
        lost(coded(500, 401)),
        lost(coded(500, 429)),
        lost(coded(408, 4008)),
        same(coded(302, 4004), Case::Internal),
        same(coded(302, 302), Case::Internal),
        // Without a code it is not AfterShip that answers.
        same(bare(301), Unavailable),
        same(bare(302), Unavailable),
        lost(bare(303)),
        same(bare(304), Case::Internal),
        same(bare(307), Unavailable),
        same(bare(308), Unavailable),
        same(bare(400), Unavailable),
        same(bare(401), Unavailable),
        same(bare(402), Unavailable),
        same(bare(403), Unavailable),
        same(bare(404), Unavailable),
        same(bare(405), Unavailable),
        same(bare(407), Unavailable),
        lost(bare(408)),
        same(bare(409), Unavailable),
        same(bare(410), Unavailable),
        same(bare(413), InvalidInput),
        same(bare(414), Case::Internal),
        same(bare(415), Case::Internal),
        same(bare(422), Unavailable),
        same(bare(429), RateLimited),
        same(bare(451), Unavailable),
        lost(bare(500)),
        lost(bare(502)),
        lost(bare(503)),
        lost(bare(504)),
        lost(bare(599)),
        row(asking_to_wait(503), RateLimited, OutcomeUnknown),
        lost(asking_to_wait(502)),
        same(asking_to_wait(429), RateLimited),
        same(slow_down(429, 3_599_999), RateLimited),
        same(slow_down(429, 3_600_000), QuotaExhausted),
        same(slow_down(400, 3_600_000), QuotaExhausted),
        same(bare(0), Case::Internal),
        same(bare(600), Case::Internal),
    ];
    for (outcome, expected) in rows {
        let cases = [false, true].map(|writes| case(outcome, writes, false));
        assert_eq!(cases, expected, "{outcome:?}");
    }
}

#[test]
fn a_cursor_is_blamed_for_a_400_only() {
    for (outcome, expected) in [
        (coded(400, 400), CursorExpired),
        (coded(400, 4008), CursorExpired),
        (bare(400), CursorExpired),
        (coded(401, 401), Unauthenticated),
        (coded(200, 400), CursorExpired),
        (coded(404, 4004), NotFound),
        (coded(429, 429), RateLimited),
        (bare(502), Unavailable),
        (coded(200, 200), Done),
    ] {
        assert_eq!(case(outcome, false, true), expected, "{outcome:?}");
    }
}

/// Courier connections have no code of their own for a record that is not there.
#[test]
fn a_404_means_the_record_where_there_is_no_other_code() {
    let of = |status, code| {
        let (record_404, body) = (true, Body::Json);
        Answer { status, code, record_404, body, wait_ms: None, retry_after: false }
    };
    for (outcome, expected) in [
        (of(404, Some(404)), NotFound),
        (of(404, Some(4004)), NotFound),
        (of(404, None), Unavailable),
        (of(400, Some(400)), InvalidInput),
    ] {
        assert_eq!(case(outcome, false, false), expected, "{outcome:?}");
    }
}
