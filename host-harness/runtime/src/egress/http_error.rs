//! Why a request has no answer, and whether anything of it was sent.

use connector_contract::http::SendError;
use thiserror::Error;

/// Why nothing came back.
#[derive(Debug, Error)]
pub enum HttpError {
    /// Nothing was sent: the network failed, and trying again may help.
    #[error("{0}")]
    NotSent(String),
    /// Nothing was sent, and the host will not send it.
    #[error("{0}")]
    Refused(String),
    /// Sent, in part or whole.
    #[error("{0}")]
    Unanswered(String),
    /// Answered with more than the host takes: asking for less may help.
    #[error("{0}")]
    TooLarge(String),
}

impl From<HttpError> for SendError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::NotSent(why) => Self::NotSent(why),
            HttpError::Refused(why) => Self::Refused(why),
            HttpError::Unanswered(why) | HttpError::TooLarge(why) => Self::Unanswered(why),
        }
    }
}

/// An error with its causes, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
