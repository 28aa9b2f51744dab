//! What the host is asked, and its answers.

use super::super::bindings::connector::host::{http, log, secrets};
use super::convert_all;
use crate::host::{Level, Part, Place, Request, SecretError, SecretPart, SendError};

impl From<Request> for http::Request {
    fn from(request: Request) -> Self {
        Self {
            method: request.method.to_owned(),
            url: request.url,
            headers: request.headers,
            body: request.body,
            secrets: convert_all(request.secrets),
        }
    }
}

impl From<SecretPart> for http::SecretPart {
    fn from(part: SecretPart) -> Self {
        Self { secret: part.secret.to_owned(), place: part.place.into() }
    }
}

impl From<Place> for http::Place {
    fn from(place: Place) -> Self {
        match place {
            Place::Header { name, prefix } => {
                Self::Header(http::HeaderPlace { name: name.to_owned(), prefix: prefix.to_owned() })
            }
            Place::FormField(name) => Self::FormField(name.to_owned()),
            Place::Basic(user) => Self::Basic(user),
        }
    }
}

impl From<http::SendError> for SendError {
    fn from(error: http::SendError) -> Self {
        match error {
            http::SendError::NotSent(why) => Self::NotSent(why),
            http::SendError::Limited(ms) => Self::Limited(ms),
            http::SendError::Unanswered(why) => Self::Unanswered(why),
            http::SendError::Refused(why) => Self::Refused(why),
        }
    }
}

impl From<Part> for secrets::Part {
    fn from(part: Part) -> Self {
        match part {
            Part::Bytes(bytes) => Self::Bytes(bytes),
            Part::Secret(name) => Self::Secret(name.to_owned()),
        }
    }
}

/// Each case becomes the one of the same name, so that none can be taken for another: no host that
/// the tests have answers all of them.
macro_rules! by_name {
    ($from:ty, $into:ty: $($case:ident)*) => {
        impl From<$from> for $into {
            fn from(case: $from) -> Self {
                type Case = $from;
                match case {
                    $(Case::$case => Self::$case,)*
                }
            }
        }
    };
}

by_name!(secrets::SecretError, SecretError: NotFound Denied Unavailable Unsupported);
by_name!(Level, log::Level: Debug Info Warn Error);
