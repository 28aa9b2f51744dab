//! Between the types of WIT and the crate's own: moves only, nothing is decided here.

mod catalog;
mod host;

use super::bindings::connector::api::{setup, types as wit};
use super::bindings::exports::connector::api::{
    actions as wit_actions, auth as wit_auth, records as wit_records,
    subscriptions as wit_subscriptions,
};
use crate::auth::{BeginRequest, Grant, Step};
use crate::error::{Error, Failure, Violation};
use crate::json::Writer;
use crate::setup::{SecretField, Setter};
use crate::subscriptions::Refusal;
use crate::types;

/// Converts each item of a list.
pub(super) fn convert_all<A: Into<B>, B>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(Into::into).collect()
}

// Types that every interface shares.

impl From<types::DataRecord> for wit::DataRecord {
    fn from(record: types::DataRecord) -> Self {
        let types::DataRecord { id, updated_at, created_at, data } = record;
        // AfterShip gives its records no versions.
        Self { id, updated_at, created_at, version: None, data }
    }
}

impl From<wit::DataRecord> for types::DataRecord {
    fn from(record: wit::DataRecord) -> Self {
        let wit::DataRecord { id, updated_at, created_at, data, .. } = record;
        Self { id, updated_at, created_at, data }
    }
}

impl From<types::ObjectRecord> for wit::ObjectRecord {
    fn from(types::ObjectRecord { object, record }: types::ObjectRecord) -> Self {
        let item = wit::WrittenRecord::Whole(record.into());
        Self { object: object.to_owned(), item }
    }
}

impl From<types::Written> for wit::Written {
    fn from(types::Written { item, also }: types::Written) -> Self {
        Self { item: wit::WrittenRecord::Whole(item.into()), also: convert_all(also) }
    }
}

impl From<SecretField> for setup::SecretField {
    fn from(SecretField { name, title, required, setter }: SecretField) -> Self {
        let (name, title) = (name.to_owned(), title.to_owned());
        Self { name, title, required, setter: setter.into() }
    }
}

impl From<Setter> for setup::Setter {
    fn from(setter: Setter) -> Self {
        match setter {
            Setter::Operator => Self::Operator,
            Setter::Customer => Self::Customer,
        }
    }
}

impl From<Violation> for wit::Violation {
    fn from(Violation { pointer, message }: Violation) -> Self {
        Self { pointer, message }
    }
}

impl From<Error> for wit::Error {
    fn from(error: Error) -> Self {
        let failure = error.failure().cloned().unwrap_or_else(|| Failure::new(error.to_string()));
        let kind = match error {
            Error::Unauthenticated(_) => wit::ErrorKind::Unauthenticated,
            Error::Forbidden(_) => wit::ErrorKind::Forbidden,
            Error::NotFound(_) => wit::ErrorKind::NotFound,
            Error::Conflict { existing, .. } => wit::ErrorKind::Conflict(existing),
            Error::InvalidInput { violations, .. } => {
                wit::ErrorKind::InvalidInput(convert_all(violations))
            }
            Error::RateLimited { retry_after_ms, .. } => {
                wit::ErrorKind::RateLimited(retry_after_ms)
            }
            Error::QuotaExhausted { retry_after_ms, .. } => {
                wit::ErrorKind::QuotaExhausted(retry_after_ms)
            }
            Error::Unavailable(_) => wit::ErrorKind::Unavailable,
            Error::OutcomeUnknown(_) => wit::ErrorKind::OutcomeUnknown,
            Error::CursorExpired(_) => wit::ErrorKind::CursorExpired,
            Error::Unsupported(_) => wit::ErrorKind::Unsupported,
            Error::Internal(_) => wit::ErrorKind::Internal,
        };
        let Failure { message, http_status, provider_code, request_id } = failure;
        Self { kind, message, http_status, provider_code, request_id }
    }
}

// auth

impl From<wit_auth::BeginRequest> for BeginRequest {
    fn from(request: wit_auth::BeginRequest) -> Self {
        let wit_auth::BeginRequest { scheme, callback_url, scopes, state, code_challenge } =
            request;
        Self { scheme, callback_url, scopes, state, code_challenge }
    }
}

impl From<Step> for wit_auth::Step {
    fn from(step: Step) -> Self {
        match step {
            Step::Redirect { url, session } => Self::Redirect(wit_auth::Redirect { url, session }),
            Step::Ready(grant) => Self::Ready(grant.into()),
        }
    }
}

impl From<Grant> for wit_auth::Grant {
    fn from(Grant { expires_at, scopes }: Grant) -> Self {
        Self { expires_at, scopes, settings: Vec::new(), account: None }
    }
}

// records

impl From<wit_records::ListRequest> for types::ListRequest {
    fn from(request: wit_records::ListRequest) -> Self {
        let start = match request.start {
            wit_records::Start::Beginning => types::Start::Beginning,
            wit_records::Start::Since(bookmark) => types::Start::Since(bookmark),
            wit_records::Start::At(cursor) => types::Start::At(cursor),
        };
        let wit_records::ListRequest { object, page_size, filter, view, .. } = request;
        Self { object, start, page_size, filter, view: view.into() }
    }
}

impl From<wit_records::View> for types::View {
    fn from(wit_records::View { fields, options }: wit_records::View) -> Self {
        Self { fields, options }
    }
}

impl From<types::Page> for wit_records::Page {
    fn from(page: types::Page) -> Self {
        let window = page.window.map(|window| ("window".to_owned(), written(window)));
        Self {
            records: convert_all(page.records),
            deleted: page.deleted,
            unreadable: convert_all(page.unreadable),
            next: page.next,
            not_before_ms: None,
            bookmark: page.bookmark,
            total: page.total,
            more: window.into_iter().collect(),
        }
    }
}

/// The change times that a scan covers, as JSON.
fn written(types::Window { since, until }: types::Window) -> String {
    let mut written = Writer::new();
    for (name, bound) in [("since", since), ("until", until)] {
        if let Some(bound) = bound {
            written.text(name, &bound);
        }
    }
    written.finish()
}

impl From<types::Unreadable> for wit_records::Unreadable {
    fn from(types::Unreadable { id, raw, reason }: types::Unreadable) -> Self {
        Self { id, raw, reason }
    }
}

// actions

impl From<wit_actions::Invocation> for types::Invocation {
    fn from(invocation: wit_actions::Invocation) -> Self {
        let wit_actions::Invocation { object, action, id, input, attempt } = invocation;
        Self { object, action, id, input, again: attempt.again }
    }
}

impl From<types::Outcome> for wit_actions::Outcome {
    fn from(types::Outcome { output, written }: types::Outcome) -> Self {
        Self { output, written: convert_all(written) }
    }
}

// subscriptions

impl From<wit_subscriptions::SubscriptionRequest> for types::SubscriptionRequest {
    fn from(request: wit_subscriptions::SubscriptionRequest) -> Self {
        let wit_subscriptions::SubscriptionRequest { object, events, target_url, renews, .. } =
            request;
        Self { object, events, target_url, renews }
    }
}

impl From<types::ManualSteps> for wit_subscriptions::ManualSteps {
    fn from(manual: types::ManualSteps) -> Self {
        let secrets = manual.secrets.iter().map(|&field| field.into()).collect();
        Self { steps: manual.steps, secrets }
    }
}

impl From<wit_subscriptions::Delivery> for types::Delivery {
    fn from(delivery: wit_subscriptions::Delivery) -> Self {
        Self { headers: delivery.headers, body: delivery.body }
    }
}

impl From<types::Event> for wit_subscriptions::Reception {
    fn from(event: types::Event) -> Self {
        let types::Event { id, object, name, occurred_at, effect } = event;
        let effect = match effect {
            types::Effect::Upserted(record) => wit_subscriptions::Effect::Upserted(record.into()),
            types::Effect::Changed(input) => wit_subscriptions::Effect::Changed(input),
            types::Effect::Nothing => wit_subscriptions::Effect::Nothing,
        };
        let object = object.to_owned();
        let event = wit_subscriptions::Event { id, object, name, occurred_at, effect };
        Self { events: vec![event], answer: None }
    }
}

impl From<Refusal> for wit_subscriptions::Refusal {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unverified => Self::Unverified,
            Refusal::Unreadable(why) => Self::Unreadable(why),
            Refusal::TryAgain(why) => Self::TryAgain(why),
        }
    }
}
