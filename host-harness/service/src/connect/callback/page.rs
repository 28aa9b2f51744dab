//! What a browser shows when its customer comes back to this machine.

use http::StatusCode;

use crate::connect::page::outcome;
use crate::connect::{ConnectError, texts};
use crate::listener::Page;

/// The page for a callback that ended so.
pub fn page<T>(ended: Result<&T, &ConnectError>) -> Page {
    match ended {
        Ok(_) => outcome(StatusCode::OK, texts::CONNECTED, texts::CLOSE_PROGRAM),
        Err(why @ ConnectError::Denied(_)) => {
            outcome(StatusCode::OK, texts::DENIED, &why.to_string())
        }
        Err(why) => outcome(StatusCode::BAD_REQUEST, texts::NOT_CONNECTED, &why.to_string()),
    }
}

/// The page for everything else.
pub fn nothing_here() -> Page {
    outcome(StatusCode::NOT_FOUND, texts::NOTHING, texts::AGAIN_PROGRAM)
}
