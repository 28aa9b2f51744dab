//! Errors as RFC 9457 problems: what failed, whose fault it is, and what to do next.
//!
//! A problem's `kind` is one of the contract's error kinds, so that a client decides by one closed set,
//! whoever failed; its `source` tells whose fault it is.
//!
//! | kind | status |
//! |---|---|
//! | `invalid-input` | 422; 400, 413, 414, 415 or 431 where the request itself cannot be read |
//! | `unauthenticated` | 401 of the caller; 424 of the connection, whose credentials the provider refused |
//! | `forbidden` | 403 |
//! | `not-found` | 404 |
//! | `unsupported` | 405 of a route; 501 of the connector |
//! | `conflict` | 409; 412 of a version that was expected |
//! | `cursor-expired` | 410 |
//! | `rate-limited`, `quota-exhausted` | 429 |
//! | `unavailable` | 503: certainly not applied, so it may be sent again |
//! | `outcome-unknown` | 504: perhaps applied, so look first |
//! | `internal` | 500 of the host; 502 of the connector |

mod causes;

use std::ops::{Deref, DerefMut};

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as Described, SchemaObject};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

/// Media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// What a problem's `type` begins with; its kind follows.
const TYPE: &str = "urn:connector-host:problem:";

/// What went wrong, by what a client does next: the contract's error kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// Credentials are missing, wrong or revoked.
    Unauthenticated,
    /// The credentials are good, and do not allow this.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// It contradicts what is there.
    Conflict,
    /// The request is refused for its content.
    InvalidInput,
    /// Not applied: too fast.
    RateLimited,
    /// Not applied: a quota of hours or days is used up.
    QuotaExhausted,
    /// Certainly not applied, and it may pass.
    Unavailable,
    /// The answer was lost: perhaps applied.
    OutcomeUnknown,
    /// A cursor or a position is no longer accepted; begin anew.
    CursorExpired,
    /// Not offered.
    Unsupported,
    /// A fault of this program or of the connector.
    Internal,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemSource {
    /// What was asked for.
    Request,
    /// The connection's account: its credentials, rights or plan at the provider.
    Account,
    /// The provider.
    Provider,
    /// The way to the provider.
    Network,
    /// The connector.
    Connector,
    /// This host, or its state.
    Host,
}

/// One member of the input that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Violation {
    /// JSON Pointer (RFC 6901) into the input; empty for the whole of it.
    pub pointer: String,
    /// What is wrong, for people.
    pub message: String,
}

/// What the provider said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProviderAnswer {
    /// Its HTTP status.
    pub status: Option<u16>,
    /// Its own code, verbatim.
    pub code: Option<String>,
    /// Its id of the request, to quote to its support.
    pub request_id: Option<String>,
}

/// A problem, in a box: most calls have none, and it is large.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Problem(Box<ProblemDocument>);

/// A problem (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemDocument {
    /// A URN that stays: its end is the kind.
    #[serde(rename = "type")]
    pub kind_urn: String,
    /// The kind in words.
    pub title: String,
    /// The answer's status.
    pub status: u16,
    /// What failed and why, for people.
    pub detail: String,
    /// What a client does next.
    pub kind: ProblemKind,
    /// Whose fault it is.
    pub source: ProblemSource,
    /// What to do about it, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Not before so many seconds is it worth another try; also in the header `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// Changes up to this number are forgotten: take records as they are, and go on after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_after: Option<u64>,
    /// Name of the connection that this is about, where many were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Members that were refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// The record that it collides with, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing: Option<String>,
    /// What the provider said, where it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderAnswer>,
}

impl ProblemKind {
    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::InvalidInput => "invalid-input",
            Self::RateLimited => "rate-limited",
            Self::QuotaExhausted => "quota-exhausted",
            Self::Unavailable => "unavailable",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::CursorExpired => "cursor-expired",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Unauthenticated => "The credentials were refused",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::Conflict => "Conflict",
            Self::InvalidInput => "Invalid input",
            Self::RateLimited => "Too many requests",
            Self::QuotaExhausted => "The quota at the provider is used up",
            Self::Unavailable => "It cannot be done now",
            Self::OutcomeUnknown => "The answer was lost: it may or may not have been applied",
            Self::CursorExpired => "It cannot go on from here",
            Self::Unsupported => "Not offered",
            Self::Internal => "An internal fault",
        }
    }

    fn status(self, source: ProblemSource) -> StatusCode {
        match (self, source) {
            (Self::Unauthenticated, ProblemSource::Request) => StatusCode::UNAUTHORIZED,
            (Self::Unauthenticated, _) => StatusCode::FAILED_DEPENDENCY,
            (Self::Forbidden, _) => StatusCode::FORBIDDEN,
            (Self::NotFound, _) => StatusCode::NOT_FOUND,
            (Self::Conflict, _) => StatusCode::CONFLICT,
            (Self::InvalidInput, _) => StatusCode::UNPROCESSABLE_ENTITY,
            (Self::RateLimited | Self::QuotaExhausted, _) => StatusCode::TOO_MANY_REQUESTS,
            (Self::Unavailable, _) => StatusCode::SERVICE_UNAVAILABLE,
            (Self::OutcomeUnknown, _) => StatusCode::GATEWAY_TIMEOUT,
            (Self::CursorExpired, _) => StatusCode::GONE,
            (Self::Unsupported, _) => StatusCode::NOT_IMPLEMENTED,
            (Self::Internal, ProblemSource::Host) => StatusCode::INTERNAL_SERVER_ERROR,
            (Self::Internal, _) => StatusCode::BAD_GATEWAY,
        }
    }
}

impl Problem {
    /// A problem of this kind, with the status that goes with it.
    pub fn new(kind: ProblemKind, source: ProblemSource, detail: impl Into<String>) -> Self {
        Self(Box::new(ProblemDocument {
            kind_urn: format!("{TYPE}{}", kind.word()),
            title: kind.title().to_owned(),
            status: kind.status(source).as_u16(),
            detail: detail.into(),
            kind,
            source,
            next: None,
            retry_after_seconds: None,
            resume_after: None,
            connection: None,
            violations: vec![],
            existing: None,
            provider: None,
        }))
    }

    /// With something else that it says.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut ProblemDocument)) -> Self {
        change(&mut self);
        self
    }

    /// The same, said of a part of the request that is there.
    #[must_use]
    pub fn of_input(self) -> Self {
        let ProblemDocument { detail, next, .. } = *self.0;
        Self::invalid(detail).with(|problem| problem.next = next)
    }

    /// The request cannot be taken as it is.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::InvalidInput, ProblemSource::Request, detail)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::NotFound, ProblemSource::Request, detail)
    }

    /// A name that is not known: says what there is, and which one is near.
    pub fn unknown(kind: &str, word: &str, known: &[&str]) -> Self {
        const SHOWN: usize = 20;
        let mut list: Vec<&str> = known.iter().copied().take(SHOWN).collect();
        if known.len() > SHOWN {
            list.push("...");
        }
        let list = if list.is_empty() {
            "none is known".to_owned()
        } else {
            format!("known: {}", list.join(", "))
        };
        let problem = Self::not_found(format!("unknown {kind} \"{word}\"; {list}"));
        match connector_service::nearest::nearest(word, known) {
            Some(name) => problem.next(format!("did you mean \"{name}\"?")),
            None => problem,
        }
    }

    /// With another status than the usual one of its kind.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self
    }

    /// And what to do about it.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Not worth another try before so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }
}

impl Deref for Problem {
    type Target = ProblemDocument;

    fn deref(&self) -> &ProblemDocument {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut ProblemDocument {
        &mut self.0
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Texts and numbers: nothing of it can fail.
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        // For whoever notes how a request ended.
        response.extensions_mut().insert(self.kind);
        // For whoever shows it otherwise.
        response.extensions_mut().insert(self.clone());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl OperationOutput for Problem {
    type Inner = Self;

    fn operation_response(ctx: &mut GenContext, _: &mut Operation) -> Option<Described> {
        let json_schema = ctx.schema.subschema_for::<Self>();
        let schema = Some(SchemaObject { json_schema, external_docs: None, example: None });
        let media = MediaType { schema, ..MediaType::default() };
        Some(Described {
            description: "A problem (RFC 9457).".to_owned(),
            content: [(MEDIA_TYPE.to_owned(), media)].into_iter().collect(),
            ..Described::default()
        })
    }

    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Described)> {
        Self::operation_response(ctx, operation).map(|one| (None, one)).into_iter().collect()
    }
}
