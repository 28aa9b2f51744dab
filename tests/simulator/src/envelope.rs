//! The envelope around every answer: `{"meta":{...},"data":...}`.

use crate::errors::ApiError;
use crate::members::quote;

/// A good answer: `meta` holds `code` alone, equal to the HTTP status. `data` is JSON text.
pub(crate) fn success(status: u16, data: &str) -> String {
    let mut text = String::with_capacity(data.len() + 40);
    text.push_str("{\"meta\":{\"code\":");
    text.push_str(&status.to_string());
    text.push_str("},\"data\":");
    text.push_str(data);
    text.push('}');
    text
}

/// An error answer. The gateway writes its 401 with `data` first and an empty `errors`; all others
/// come with `meta` first.
pub(crate) fn failure(error: &ApiError) -> String {
    let ApiError { status, code, kind, message, data, .. } = error;
    let message = quote(message);
    if *status == 401 {
        let meta =
            format!("{{\"type\":\"{kind}\",\"code\":{code},\"errors\":[],\"message\":{message}}}");
        return format!("{{\"data\":{data},\"meta\":{meta}}}");
    }
    let meta = format!("{{\"code\":{code},\"message\":{message},\"type\":\"{kind}\"}}");
    format!("{{\"meta\":{meta},\"data\":{data}}}")
}
