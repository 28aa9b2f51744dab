//! The types of the contract, under one roof. They are generated from `wit/`, whose words say what
//! each member means.

pub use crate::bindings::actions::exports::connector::api::actions::{Invocation, Outcome};
pub use crate::bindings::batches::exports::connector::api::batches::{
    Item, Operation, Patch, Removal,
};
pub use crate::bindings::connector::api::objects::{Action, Descriptor, ObjectSummary};
pub use crate::bindings::connector::api::permissions::{
    Capture, Endpoint, HeaderPlace, KeyRole, KeyUse, Limit, Measure, Place, Rate, SecretUse,
    Sharing,
};
pub use crate::bindings::connector::api::setup::{Form, Scheme, SecretField, Setter, Setting};
pub use crate::bindings::connector::api::types::{
    Attempt, DataRecord, Error, ErrorKind, ObjectRecord, Violation, Written, WrittenRecord,
};
pub use crate::bindings::connector::host::http::{Request, Response, SendError};
pub use crate::bindings::connector::host::log::Level;
pub use crate::bindings::connector::host::secrets::{Part, SecretError};
pub use crate::bindings::exports::connector::api::auth::{
    Account, BeginRequest, Grant, Redirect, Step,
};
pub use crate::bindings::exports::connector::api::catalog::Manifest;
pub use crate::bindings::exports::connector::api::records::{
    ListRequest, Page, Start, Unreadable, View,
};
pub use crate::bindings::subscriptions::exports::connector::api::subscriptions::{
    Answer, Delivery, Effect, Event, ManualSteps, Reception, Refusal, Subscription,
    SubscriptionOutcome, SubscriptionRequest,
};

impl DataRecord {
    /// A record without times or version. `data` is one JSON value.
    #[must_use]
    pub fn new(id: impl Into<String>, data: impl Into<String>) -> Self {
        let (id, data) = (id.into(), data.into());
        Self { id, updated_at: None, created_at: None, version: None, data }
    }
}

impl Written {
    /// The record as it is now, and no other that changed with it.
    #[must_use]
    pub fn whole(record: DataRecord) -> Self {
        Self { item: WrittenRecord::Whole(record), also: Vec::new() }
    }
}

impl View {
    /// All of each record, in its usual form.
    #[must_use]
    pub fn whole() -> Self {
        Self { fields: Vec::new(), options: None }
    }
}

impl Page {
    /// A page without records, and no page after it.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            records: Vec::new(),
            deleted: Vec::new(),
            unreadable: Vec::new(),
            next: None,
            not_before_ms: None,
            bookmark: None,
            total: None,
            more: Vec::new(),
        }
    }
}

impl Grant {
    /// A grant that does not end and says nothing of itself.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { expires_at: None, scopes: Vec::new(), settings: Vec::new(), account: None }
    }
}

impl Request {
    /// A request without headers, body and secrets, of cost 1. `path_with_query` is empty where the
    /// endpoint's path is.
    #[must_use]
    pub fn new(endpoint: &str, path_with_query: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            path_with_query: path_with_query.into(),
            headers: Vec::new(),
            body: None,
            secret_uses: Vec::new(),
            cost: 1,
        }
    }

    /// The same with one header more. `name` is in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with this body. `content_type` is a media type.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = Some(body.into());
        Self { body, ..self.header("content-type", content_type) }
    }

    /// The same, into which the host puts the secret of this use.
    #[must_use]
    pub fn secret(mut self, secret_use: &str) -> Self {
        self.secret_uses.push(secret_use.to_owned());
        self
    }
}

impl Delivery {
    /// A POST with these headers and this body, of no subscription in particular.
    #[must_use]
    pub fn post(headers: Vec<(String, Vec<u8>)>, body: impl Into<Vec<u8>>) -> Self {
        let (method, url, received_at) = ("POST".to_owned(), String::new(), String::new());
        Self { subscription: None, method, url, headers, body: body.into(), received_at }
    }
}

impl Response {
    /// An answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: &str) -> Self {
        let headers = vec![("content-type".into(), "application/json".into())];
        Self { status, headers, body: body.into(), captured: Vec::new() }
    }

    /// The same, out of which the host took these secrets.
    #[must_use]
    pub fn captured(mut self, secrets: &[&str]) -> Self {
        self.captured = secrets.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// The same with one header more. `name` is in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The first value of this header; `name` is in lower case.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        first_header(&self.headers, name)
    }
}

/// The first value of this header; `name` is in lower case.
#[must_use]
pub fn first_header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The value of a delivery's header that stands there exactly once; `name` in any case.
#[must_use]
pub fn only_header<'h>(headers: &'h [(String, Vec<u8>)], name: &str) -> Option<&'h [u8]> {
    let mut values = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    values.next().is_none().then_some(value.as_slice())
}
