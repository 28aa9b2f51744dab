//! From an answer that did not work to an error.
//!
//! | came | kind |
//! |---|---|
//! | HTTP status other than 200 | as [`fault::status_kind`] |
//! | 200, not JSON or without `data` and `errors` | internal; of a write, outcome-unknown |
//! | `THROTTLED` | rate-limited, until the points that it costs are back |
//! | `ACCESS_DENIED`, `SHOP_INACTIVE` | forbidden |
//! | `INVALID_VARIABLE`, `BAD_REQUEST`, `MAX_COST_EXCEEDED` | invalid-input: nothing was done |
//! | `INTERNAL_SERVER_ERROR`, `TIMEOUT` | unavailable; of a write, outcome-unknown |
//! | any other code | internal: nothing was done |
//! | `userErrors` in a mutation's payload | invalid-input, each as a violation |

use connector_sdk::json::{self, Reader, Value, pointer_token};
use connector_sdk::{Error, ErrorKind, Response, Violation, fault};

use crate::api::{Operation, Throttle};

/// The error of an answer.
pub fn error(
    operation: &Operation<'_>,
    response: &Response,
    text: &str,
    throttle: Option<&Throttle>,
) -> Error {
    let writes = operation.endpoint.writes;
    let first = json::member(text, "errors").and_then(first);
    let (code, words) = first.unwrap_or_default();
    let kind = match code.as_deref() {
        _ if response.status != 200 => fault::status_kind(response.status, writes, None),
        Some("THROTTLED") => ErrorKind::RateLimited(throttle.map(Throttle::wait_ms)),
        Some("ACCESS_DENIED" | "SHOP_INACTIVE") => ErrorKind::Forbidden,
        Some("INVALID_VARIABLE" | "BAD_REQUEST" | "MAX_COST_EXCEEDED") => {
            ErrorKind::InvalidInput(Vec::new())
        }
        Some("INTERNAL_SERVER_ERROR" | "TIMEOUT") => fault::lost(writes),
        Some(_) => ErrorKind::Internal,
        None => fault::status_kind(200, writes, None),
    };
    let why = match words.as_str() {
        "" => format!("the shop answers {} without a word", response.status),
        words => format!("the shop says \"{}\"", fault::quote(words)),
    };
    let request_id = response.first("x-request-id").map(str::to_owned);
    let message = fault::message(operation.what, &why, fault::next_step(&kind));
    Error::new(kind, message).answered(response.status, code, request_id)
}

/// Code and words of the first error; `errors` is a list, or a text where no query was read.
fn first(errors: &str) -> Option<(Option<String>, String)> {
    if let Ok(Some(words)) = Reader::new(errors).text_or_skip() {
        return Some((None, words.into_owned()));
    }
    let items = Reader::new(errors).items().ok()?;
    let first = items.first()?;
    let code = json::member(first, "extensions").and_then(|more| json::text_member(more, "code"));
    Some((code, json::text_member(first, "message").unwrap_or_default()))
}

/// What a mutation's payload refuses of its input. `argument` is the name under which the input was
/// sent.
pub fn violations(payload: &str, argument: &str) -> Vec<Violation> {
    let errors = json::member(payload, "userErrors").and_then(|text| Value::parse(text).ok());
    let errors = errors.iter().flat_map(Value::items);
    let violation = |error: &Value<'_>| {
        let fields = error.get("field").map_or(&[][..], Value::items).iter();
        let fields = fields.filter_map(Value::text).filter(|field| *field != argument);
        let pointer = fields.map(|field| format!("/{}", pointer_token(field))).collect();
        let words = error.get("message").and_then(Value::text).unwrap_or("is refused");
        Violation { pointer, message: fault::quote(words) }
    };
    errors.map(violation).collect()
}

/// The error of a mutation whose payload holds these.
pub fn refused_input(what: &str, violations: Vec<Violation>) -> Error {
    let words = violations.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; ");
    let kind = ErrorKind::InvalidInput(violations);
    let why = format!("the shop says \"{words}\"");
    Error::new(kind.clone(), fault::message(what, &why, fault::next_step(&kind)))
        .answered(200, None, None)
}
