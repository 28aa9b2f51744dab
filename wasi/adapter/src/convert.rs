//! The generated types of the contract into its plain ones, in which the rules are written.

use connector_contract as plain;

use crate::bindings::connector::api::{catalog, objects, permissions, setup};
use crate::bindings::exports::connector::host::{http, secrets};

/// Makes a plain value out of this one.
pub trait Convert<T> {
    /// The same, plain.
    fn convert(self) -> T;
}

macro_rules! same {
    ($($type:ty),*) => { $( impl Convert<$type> for $type {
        fn convert(self) -> $type {
            self
        }
    } )* };
}

same!(bool, u32, String, Vec<u8>);

impl<A: Convert<B>, B> Convert<Option<B>> for Option<A> {
    fn convert(self) -> Option<B> {
        self.map(Convert::convert)
    }
}

impl<A: Convert<B>, B> Convert<Vec<B>> for Vec<A> {
    fn convert(self) -> Vec<B> {
        self.into_iter().map(Convert::convert).collect()
    }
}

impl Convert<(String, String)> for (String, String) {
    fn convert(self) -> (String, String) {
        self
    }
}

macro_rules! records {
    ($($interface:ident::$name:ident { $($field:ident),* })*) => { $(
        impl Convert<plain::$interface::$name> for $interface::$name {
            fn convert(self) -> plain::$interface::$name {
                plain::$interface::$name { $($field: self.$field.convert()),* }
            }
        }
    )* };
}

macro_rules! variants {
    ($($interface:ident::$name:ident { $($case:ident $(($it:ident))?),* })*) => { $(
        impl Convert<plain::$interface::$name> for $interface::$name {
            fn convert(self) -> plain::$interface::$name {
                match self {
                    $(Self::$case $(($it))? => plain::$interface::$name::$case $(($it.convert()))?),*
                }
            }
        }
    )* };
}

records! {
    permissions::Endpoint { name, method, origin, path, writes, limits, secret_uses, captures }
    permissions::Rate { amount, window_ms }
    permissions::Limit { name, measure, shared_by }
    permissions::HeaderPlace { name, prefix }
    permissions::SecretUse { name, secret, place }
    permissions::Capture { secret, place }
    permissions::KeyUse { secret, algorithm, role }
    setup::Setting { name, title, default, setter, form, required_by }
    setup::SecretField { name, title, required, setter }
    setup::Scheme { name, title, secrets, interactive }
    objects::ObjectSummary { name, title, operations }
    catalog::Manifest { name, title, version, provider_api_version, schemes, settings, endpoints, limits, secret_uses, delivery_secrets, key_uses, objects, more }
    http::Request { endpoint, path_with_query, headers, body, secret_uses, cost }
}

variants! {
    permissions::Measure { Requests(it), Points(it), AtOnce(it) }
    permissions::Sharing { Connection, Account, App }
    permissions::Place { Header(it), FormField(it), BasicPassword(it), BasicUser(it), Query(it), Json(it), Path(it), Other(it) }
    permissions::KeyRole { Sign, Verify }
    setup::Setter { Operator, Customer, Connector }
    setup::Form { Text, Label, Choice(it), Url(it), IdOf(it) }
}

impl From<plain::http::Response> for http::Response {
    fn from(it: plain::http::Response) -> Self {
        Self { status: it.status, headers: it.headers, body: it.body, captured: it.captured }
    }
}

impl From<plain::http::SendError> for http::SendError {
    fn from(why: plain::http::SendError) -> Self {
        match why {
            plain::http::SendError::NotSent(why) => Self::NotSent(why),
            plain::http::SendError::Limited(after_ms) => Self::Limited(after_ms),
            plain::http::SendError::NoSecret(why) => Self::NoSecret(why),
            plain::http::SendError::Unanswered(why) => Self::Unanswered(why),
            plain::http::SendError::Refused(why) => Self::Refused(why),
        }
    }
}

impl From<plain::secrets::SecretError> for secrets::SecretError {
    fn from(why: plain::secrets::SecretError) -> Self {
        match why {
            plain::secrets::SecretError::NotFound => Self::NotFound,
            plain::secrets::SecretError::Denied => Self::Denied,
            plain::secrets::SecretError::Unavailable => Self::Unavailable,
            plain::secrets::SecretError::Unsupported => Self::Unsupported,
        }
    }
}
