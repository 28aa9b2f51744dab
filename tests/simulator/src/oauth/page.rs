//! The pages that people see.

use std::fmt::Write as _;

use bytes::Bytes;
use http::Response;

use super::answer;
use crate::scopes::Scope;

/// The page that asks for consent. Its forms go back to the query that asked; it presses Allow
/// itself when `press` says so.
pub(super) fn ask(name: &str, scopes: &[Scope], query: &str, press: bool) -> Response<Bytes> {
    let (name, query) = (escaped(name), escaped(query));
    let mut list = String::new();
    for scope in scopes {
        // Writing to a text cannot fail.
        let _ = writeln!(list, "<li><code>{}</code></li>", scope.name());
    }
    let form = |decision: &str, label: &str| {
        format!(
            "<form id=\"{decision}\" method=\"post\" action=\"/oauth/authorize?{query}\">\
             <input type=\"hidden\" name=\"decision\" value=\"{decision}\">\
             <button>{label}</button></form>\n"
        )
    };
    let (allow, deny) = (form("allow", "Allow"), form("deny", "Deny"));
    let script = match press {
        true => "<script>document.getElementById(\"allow\").submit()</script>\n",
        false => "",
    };
    let body = format!("<h1>{name} asks for access</h1>\n<ul>\n{list}</ul>\n{allow}{deny}{script}");
    answer::html(200, page(&format!("Allow {name}?"), &body))
}

/// The page that tells why a request leads nowhere: with a wrong client or redirect URI no browser
/// is sent on (RFC 6749, 4.1.2.1).
pub(super) fn refuse(status: u16, reason: &str) -> Response<Bytes> {
    let body = format!("<h1>This request cannot be answered</h1>\n<p>{}</p>\n", escaped(reason));
    answer::html(status, page("Refused", &body))
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         {body}</html>\n"
    )
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
