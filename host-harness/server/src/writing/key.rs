//! What a write is known by when it is sent again: its caller's key, and what is asked.

use connector_runtime::digest::digest;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::problem::Problem;

/// By which a caller may send a write again.
const KEY: &str = "idempotency-key";
/// Bytes of a key.
const LONGEST_KEY: usize = 255;

/// What a caller sends a write again by.
///
/// # Errors
/// [`Problem`] for what is no key.
pub fn key(headers: &HeaderMap) -> Result<Option<[u8; 32]>, Problem> {
    let mut all = headers.get_all(KEY).iter();
    let (Some(key), more) = (all.next(), all.next()) else { return Ok(None) };
    let is_text = key.to_str().is_ok() && !key.as_bytes().contains(&b'\t');
    if more.is_some() || key.is_empty() || key.len() > LONGEST_KEY || !is_text {
        let text =
            format!("Idempotency-Key is one text of 1 to {LONGEST_KEY} visible ASCII characters");
        return Err(Problem::invalid(text)
            .with_status(StatusCode::BAD_REQUEST)
            .next("send a random one, such as a UUID, with each write that is another"));
    }
    Ok(Some(digest(&[key.as_bytes()])))
}

/// What is asked, but for the body.
pub fn head_of(parts: &Parts) -> [u8; 32] {
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let text = |name| parts.headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
    let (content, condition) = (text(header::CONTENT_TYPE), text(header::IF_MATCH));
    digest(&[parts.method.as_str().as_bytes(), path.as_bytes(), content, condition])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_text_of_a_bounded_length() {
        let with = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(KEY, HeaderValue::from_bytes(value).unwrap());
            }
            key(&headers).map(|key| key.is_some()).map_err(|problem| problem.status)
        };
        assert_eq!(with(&[]), Ok(false));
        assert_eq!(with(&[b"a"]), Ok(true));
        assert_eq!(with(&[&[b'a'; 255]]), Ok(true));
        for wrong in
            [&[&b""[..]][..], &[&[b'a'; 256]], &[b"a\tb"], &["ä".as_bytes()], &[b"a", b"a"]]
        {
            assert_eq!(with(wrong), Err(400), "{wrong:?}");
        }
    }

    #[test]
    fn a_request_is_known_by_all_that_it_asks() {
        let of = |method: &str, path: &str, condition: &str| {
            let request = http::Request::builder().method(method).uri(path);
            head_of(&request.header(header::IF_MATCH, condition).body(()).unwrap().into_parts().0)
        };
        let one = of("POST", "/a?b=c", "x");
        assert_eq!(one, of("POST", "/a?b=c", "x"));
        for other in [of("PUT", "/a?b=c", "x"), of("POST", "/a", "x"), of("POST", "/a?b=c", "y")] {
            assert_ne!(one, other);
        }
    }
}
