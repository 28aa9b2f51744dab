//! Faults on demand: everything that goes wrong between an API and its clients, by name.
//!
//! A fault is a scripted [`Answer`], or is rolled for each request by a [`FaultPlan`]. It is
//! honest: what it performs is performed on the account, and what it does not is not. The
//! journal tells which fault each request met.

mod body;
mod bomb;
mod plan;

use std::time::Duration;

use http::request::Parts;

pub(crate) use self::body::{Change, change, with_members};
pub use self::plan::{BadPlan, FaultPlan};
pub(crate) use self::plan::{chance, read};
use crate::script::{Answer, Content, Ending, HeaderText};

/// Something that goes wrong with one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 500 in the API's envelope.
    ServerError,
    /// 502 as plain text, as the gateway has been seen to answer.
    BadGateway,
    /// 503 without a word on when to come back.
    Unavailable,
    /// 503 with `retry-after: 2`.
    UnavailableFor,
    /// 504.
    GatewayTimeout,
    /// 408.
    RequestTimeout,
    /// 429 that names the next second as its end.
    TooMany,
    /// 429 without any header on when to come back.
    TooManySilent,
    /// 429 whose end lies in the past.
    TooManyPast,
    /// 429 whose end lies a day and more ahead.
    TooManyHuge,
    /// 429 with each header twice, and contradicting values.
    TooManyDoubled,
    /// 429 whose `retry-after` is the date in 2 s.
    TooManyUntilDate,
    /// 429 with `retry-after: 1.5`, which HTTP does not allow.
    TooManyDecimal,
    /// 429 of a daily quota that is used up, with 6 hours to go.
    DailyQuota,
    /// 401 as a page of HTML, as of a gateway that wants a login of its own.
    GatewayUnauthorized,
    /// 403 as a page of HTML, as of a firewall.
    GatewayForbidden,
    /// 404 as a page of HTML, as of a gateway that has lost its way.
    GatewayNotFound,
    /// 200 as a page of HTML, as of a network that wants a login first.
    GatewayPage,
    /// 404 of an unknown URI in the API's envelope, as of a gateway without its routes.
    UnknownUri,
    /// The true answer, 5 s late.
    Latency,
    /// The true answer, 4 bytes of its body in a second.
    SlowBody,
    /// The connection closes without an answer.
    Reset,
    /// No answer, and the connection stays open.
    Hang,
    /// The first 40 bytes of the true answer's body, then the connection closes.
    Truncated,
    /// The true answer under a `content-length` of 20 bytes more.
    LengthTooLong,
    /// The true answer under a `content-length` of 20 bytes less.
    LengthTooShort,
    /// The true answer as `text/html`.
    ContentType,
    /// The true answer with a byte that is no UTF-8.
    BadUtf8,
    /// The true answer with one more member, nested 200 levels deep.
    DeepJson,
    /// The true answer with one more member of 9 MiB.
    HugeJson,
    /// 16 MiB of white space, packed with gzip into 16 KB.
    GzipBomb,
    /// A page that names the cursor which asked for it as the next one. Pages after the first only.
    RepeatedPage,
    /// A page without elements, whose cursor leads on to all that it left out. Lists with pages only.
    EmptyPage,
    /// A page whose `total` is not true. Lists with pages only.
    WrongTotal,
}

impl Fault {
    /// Every fault that is over when the request is repeated in a little while.
    pub const PASSING: [Self; 26] = [
        Self::ServerError,
        Self::BadGateway,
        Self::Unavailable,
        Self::UnavailableFor,
        Self::GatewayTimeout,
        Self::RequestTimeout,
        Self::TooMany,
        Self::TooManySilent,
        Self::TooManyPast,
        Self::TooManyHuge,
        Self::TooManyDoubled,
        Self::Latency,
        Self::SlowBody,
        Self::Reset,
        Self::Hang,
        Self::Truncated,
        Self::LengthTooLong,
        Self::LengthTooShort,
        Self::ContentType,
        Self::BadUtf8,
        Self::DeepJson,
        Self::HugeJson,
        Self::GzipBomb,
        Self::RepeatedPage,
        Self::EmptyPage,
        Self::WrongTotal,
    ];

    /// The other faults: what stands between the API and its clients refuses, or does so for hours.
    pub const STANDING: [Self; 8] = [
        Self::TooManyUntilDate,
        Self::TooManyDecimal,
        Self::DailyQuota,
        Self::GatewayUnauthorized,
        Self::GatewayForbidden,
        Self::GatewayNotFound,
        Self::GatewayPage,
        Self::UnknownUri,
    ];

    /// Whether a client cannot tell from it if the request was performed, so that both must be
    /// tried. The other faults leave no doubt: a 429 performs nothing, a changed true answer is one.
    pub fn leaves_open(self) -> bool {
        matches!(
            self,
            Self::ServerError
                | Self::BadGateway
                | Self::Unavailable
                | Self::UnavailableFor
                | Self::GatewayTimeout
                | Self::RequestTimeout
                | Self::Reset
                | Self::Hang
                | Self::GzipBomb
        )
    }

    /// Whether it can happen to this request.
    pub(super) fn fits(self, request: &Parts) -> bool {
        match self {
            Self::RepeatedPage => body::is_paged(request) && body::cursor(request).is_some(),
            Self::EmptyPage | Self::WrongTotal => body::is_paged(request),
            _ => true,
        }
    }

    fn content(self) -> Answer {
        let far = 4_000_000_000_u64;
        match self {
            Self::ServerError => json(500, "InternalError"),
            Self::BadGateway => {
                Answer::new(502, "Interal Error").header("content-type", "text/plain")
            }
            Self::Unavailable => json(503, "InternalError"),
            Self::UnavailableFor => json(503, "InternalError").header("retry-after", "2"),
            Self::GatewayTimeout => json(504, "InternalError"),
            Self::RequestTimeout => json(408, "BadRequest"),
            Self::TooMany => json(429, TOO_MANY).header("retry-after", "1"),
            Self::TooManySilent => json(429, TOO_MANY),
            Self::TooManyPast => {
                json(429, TOO_MANY).header("retry-after", "-5").header("x-ratelimit-reset", "1")
            }
            Self::TooManyHuge => json(429, TOO_MANY)
                .header("retry-after", &u64::MAX.to_string())
                .header("x-ratelimit-reset", &far.to_string()),
            Self::TooManyDoubled => json(429, TOO_MANY)
                .header("retry-after", "86400")
                .header("retry-after", "0")
                .header("x-ratelimit-reset", "1")
                .header("x-ratelimit-reset", &far.to_string()),
            Self::TooManyUntilDate => json(429, TOO_MANY).header_date("retry-after", 2),
            Self::TooManyDecimal => json(429, TOO_MANY).header("retry-after", "1.5"),
            Self::DailyQuota => json(429, TOO_MANY)
                .header("retry-after", "21600")
                .header_text("x-ratelimit-reset", HeaderText::Unix(21_600)),
            Self::GatewayUnauthorized => html(401, "Authorization Required"),
            Self::GatewayForbidden => html(403, "Forbidden"),
            Self::GatewayNotFound => html(404, "Not Found"),
            Self::GatewayPage => html(200, "Sign in to this network"),
            Self::UnknownUri => json(404, "NotFound"),
            Self::Latency => Answer::real().delayed(Duration::from_secs(5)),
            Self::SlowBody => Answer::real().slow(4),
            Self::Reset => Answer::reset(),
            Self::Hang => Answer::hang(),
            Self::Truncated => Answer::real().truncated(40),
            Self::LengthTooLong => Answer::real().ending(Ending::LengthOff(20)),
            Self::LengthTooShort => Answer::real().ending(Ending::LengthOff(-20)),
            Self::ContentType => Answer::real().changed(Change::ContentType),
            Self::BadUtf8 => Answer::real().changed(Change::BadUtf8),
            Self::DeepJson => Answer::real().changed(Change::Deep),
            Self::HugeJson => Answer::real().changed(Change::Huge),
            Self::GzipBomb => Answer::of(Content { status: 200, body: bomb::bytes() })
                .header("content-type", "application/json")
                .header("content-encoding", "gzip"),
            Self::RepeatedPage => Answer::real().changed(Change::RepeatedPage),
            Self::EmptyPage => Answer::real().changed(Change::EmptyPage),
            Self::WrongTotal => Answer::real().changed(Change::WrongTotal),
        }
    }
}

/// The fault as an answer. Where it [leaves open](Fault::leaves_open) whether the request was
/// performed it was not, unless [`Answer::executed`] says so.
impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        fault.content().called(fault)
    }
}

const TOO_MANY: &str = "TooManyRequests";

fn html(status: u16, words: &str) -> Answer {
    let body = format!(
        "<html><head><title>{status} {words}</title></head><body><h1>{words}</h1></body></html>"
    );
    Answer::new(status, body).header("content-type", "text/html; charset=utf-8")
}

fn json(status: u16, kind: &str) -> Answer {
    let meta = format!("{{\"code\":{status},\"message\":\"On demand.\",\"type\":\"{kind}\"}}");
    Answer::new(status, format!("{{\"meta\":{meta},\"data\":{{}}}}"))
        .header("content-type", "application/json")
}
