//! What the host is asked, and its answers.

use super::super::bindings::connector::host::{http, log, secrets};
use super::catalog::owned;
use crate::host::{Level, Part, Request, SecretError, SendError};

impl From<Request> for http::Request {
    fn from(request: Request) -> Self {
        Self {
            endpoint: request.endpoint.to_owned(),
            path_with_query: request.path_with_query,
            headers: request.headers,
            body: request.body,
            secret_uses: owned(&request.secret_uses),
            // No limit of AfterShip's is measured in points.
            cost: 0,
        }
    }
}

impl From<http::SendError> for SendError {
    fn from(error: http::SendError) -> Self {
        match error {
            http::SendError::NotSent(why) => Self::NotSent(why),
            http::SendError::Limited(ms) => Self::Limited(ms),
            http::SendError::NoSecret(name) => Self::NoSecret(name),
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
