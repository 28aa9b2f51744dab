//! The text that a request's signature covers.
//!
//! Source: AfterShip API 2026-07, authentication, AES and RSA.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use md5::{Digest, Md5};

use crate::text::{percent_decode, percent_encode};

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
    crate::text::hex_encode(&Md5::digest(body)).to_ascii_uppercase()
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
    let mut pairs = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let (key, value) = (percent_decode(key, true)?, percent_decode(value, true)?);
        let value = percent_encode(&value);
        let value = match space {
            Space::Percent => value,
            Space::Plus => value.replace("%20", "+"),
        };
        pairs.push((key.trim().to_owned(), value));
    }
    if pairs.is_empty() {
        return Some(path.to_owned());
    }
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Some(format!("{path}?{}", pairs.join("&")))
}

fn trimmed(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_digested_as_the_official_vector_says() {
        assert_eq!(body_digest(br#"{"key1":"value1"}"#), "1530ACCF30CAB891D759FA3CB8322250");
        assert_eq!(body_digest(b""), "");
    }

    #[test]
    fn headers_are_sorted_as_the_official_vector_says() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("as-header2", "  ThisIsHeader2 "),
            ("aftership-client", "not one of them"),
            ("as-signature-hmac-sha256", "not signed"),
            ("as-header1", "this-is-header-1"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let expected = "as-header1:this-is-header-1\nas-header2:ThisIsHeader2";
        assert_eq!(canonical_headers(&headers), expected);
    }

    #[test]
    fn queries_are_sorted_as_the_official_vector_says() {
        let resource = |query| canonical_resource("/tracking", query, Space::Percent).unwrap();
        assert_eq!(
            resource("3key=111&2key=222&key=333&1key=000"),
            "/tracking?1key=000&2key=222&3key=111&key=333"
        );
        assert_eq!(resource(""), "/tracking");
    }

    #[test]
    fn values_are_encoded_anew_and_empty_ones_stay() {
        let resource = |query, space| canonical_resource("/t", query, space);
        let raw = "b=2026-11-01T00:00:00%2B00:00&a=x%20y,z&c";
        let rest = "b=2026-11-01T00%3A00%3A00%2B00%3A00&c=";
        let percent = format!("/t?a=x%20y%2Cz&{rest}");
        assert_eq!(resource(raw, Space::Percent).unwrap(), percent);
        let plus = format!("/t?a=x+y%2Cz&{rest}");
        assert_eq!(resource(raw, Space::Plus).unwrap(), plus);
        assert_eq!(resource("a=%zz", Space::Plus), None);
    }
}
