//! The text that a request's signature covers.
//!
//! Source: AfterShip API 2026-07, authentication, AES and RSA.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use md5::{Digest, Md5};

use crate::text;

/// How a space in a value of the query is written: the official SDKs differ, so each is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// `%20`, as Node has it.
    Percent,
    /// `+`, as Python, Ruby and Go have it.
    Plus,
}

/// The six parts, joined by line breaks. `None` when the query is not percent-encoded.
pub(super) fn text_to_sign(parts: &Parts, body: &[u8], date: &str, space: Space) -> Option<String> {
    let content_type = parts.headers.get(CONTENT_TYPE).filter(|_| !body.is_empty());
    let content_type = content_type.map_or_else(String::new, |value| trimmed(value.as_bytes()));
    let lines = [
        parts.method.as_str().to_ascii_uppercase(),
        body_digest(body),
        content_type,
        date.to_owned(),
        canonical_headers(&parts.headers),
        canonical_resource(parts.uri.path(), parts.uri.query().unwrap_or_default(), space)?,
    ];
    Some(lines.join("\n"))
}

/// The MD5 of a body in upper-case hexadecimal; empty for none.
fn body_digest(body: &[u8]) -> String {
    if body.is_empty() {
        return String::new();
    }
    text::hex_encode(&Md5::digest(body)).to_ascii_uppercase()
}

/// The headers of AfterShip, but for the signature that is to be checked.
fn canonical_headers(headers: &HeaderMap) -> String {
    let ours = |name: &str| name.starts_with("as-") && !name.starts_with("as-signature-");
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), trimmed(value.as_bytes())))
        .filter(|(name, _)| ours(name))
        .collect();
    lines.sort_by_key(|(name, _)| *name);
    let lines: Vec<_> = lines.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    lines.join("\n")
}

/// The path as it came and the query, sorted by key, its values encoded anew.
fn canonical_resource(path: &str, query: &str, space: Space) -> Option<String> {
    let mut pairs = text::pairs(query)?;
    if pairs.is_empty() {
        return Some(path.to_owned());
    }
    pairs.sort_by(|(one, _), (other, _)| one.trim().cmp(other.trim()));
    let write = |(key, value): &(String, String)| {
        let value = text::percent_encode(value);
        let value = if space == Space::Plus { value.replace("%20", "+") } else { value };
        format!("{}={value}", key.trim())
    };
    let pairs: Vec<_> = pairs.iter().map(write).collect();
    Some(format!("{path}?{}", pairs.join("&")))
}

fn trimmed(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim().to_owned()
}
