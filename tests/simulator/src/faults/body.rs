//! True answers, changed on their way.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Response};

use crate::members::Members;
use crate::router;
use crate::text::{base64_decode, base64_encode, percent_decode};

/// How a true answer is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It says `text/html`.
    ContentType,
    /// It holds a byte that is no UTF-8.
    BadUtf8,
    /// It holds one more member, nested too deep for most readers.
    Deep,
    /// It holds one more member of 9 MiB.
    Huge,
    /// Its next cursor is the one that asked for it.
    RepeatedPage,
    /// Its elements are left out; its cursor leads on to them.
    EmptyPage,
    /// Its total is not true.
    WrongTotal,
}

/// Levels of [`Change::Deep`].
const LEVELS: usize = 200;
/// Bytes of [`Change::Huge`].
const HUGE: usize = 9 * 1024 * 1024;

/// The answer to `request`, changed. Pages that failed stay as they are.
pub(crate) fn change(
    how: Change,
    request: &Parts,
    mut response: Response<Bytes>,
) -> Response<Bytes> {
    match how {
        Change::ContentType => {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
            response
        }
        Change::BadUtf8 => response.map(|body| {
            let (before, after) = body.split_at(body.len() / 2);
            [before, b"\xff", after].concat().into()
        }),
        Change::Deep => {
            response.map(|body| widened(&body, &("[".repeat(LEVELS) + &"]".repeat(LEVELS))))
        }
        Change::Huge => response.map(|body| widened(&body, &format!("\"{}\"", "x".repeat(HUGE)))),
        Change::RepeatedPage | Change::EmptyPage | Change::WrongTotal
            if !response.status().is_success() =>
        {
            response
        }
        Change::RepeatedPage => {
            let Some(cursor) = cursor(request) else { return response };
            paged(response, |page| page.lead_to(&cursor))
        }
        Change::EmptyPage => {
            let here = here(cursor(request).as_deref());
            paged(response, |page| {
                page.elements = "[]".to_owned();
                page.lead_to(&here);
            })
        }
        Change::WrongTotal => paged(response, |page| {
            page.pagination = page.pagination.replacen("\"total\":", "\"total\":9", 1);
        }),
    }
}

/// The answer with other members in its JSON object.
pub(crate) fn with_members(
    members: &[(String, Option<String>)],
    response: Response<Bytes>,
) -> Response<Bytes> {
    response.map(|body| {
        let text = String::from_utf8_lossy(&body);
        let Some(mut object) = Members::parse(&text) else { return body.clone() };
        for (name, json) in members {
            match json {
                Some(json) => object.set(name, json.as_str()),
                None => object.keep(|known| known != name),
            }
        }
        object.render().into()
    })
}

/// Whether this asks for a list that comes in pages.
pub(super) fn is_paged(request: &Parts) -> bool {
    router::route(request.method.as_str(), request.uri.path())
        .is_some_and(|found| found.endpoint.query.contains(&"cursor"))
}

/// The cursor in the query.
pub(super) fn cursor(request: &Parts) -> Option<String> {
    let mut pairs = request.uri.query()?.split('&');
    percent_decode(pairs.find_map(|pair| pair.strip_prefix("cursor="))?, true)
}

/// A cursor to the same place as `cursor` that is not the same text: a client which is asked to
/// go on with what it just sent would be right to stop.
fn here(cursor: Option<&str>) -> String {
    let text = cursor.and_then(base64_decode).and_then(|bytes| String::from_utf8(bytes).ok());
    // No id ends so, and none lies between.
    let moved = text.and_then(|text| Some(format!("{}!\"]", text.strip_suffix("\"]")?)));
    base64_encode(moved.unwrap_or_else(|| format!("[{},\"\"]", u64::MAX)).as_bytes())
}

/// A list's `data`.
struct Page {
    pagination: String,
    elements: String,
}

impl Page {
    fn lead_to(&mut self, cursor: &str) {
        let mut pagination = Members::parse(&self.pagination).unwrap_or_default();
        pagination.set_text("next_cursor", cursor);
        pagination.set("has_next_page", "true");
        self.pagination = pagination.render();
    }
}

fn paged(response: Response<Bytes>, change: impl FnOnce(&mut Page)) -> Response<Bytes> {
    response.map(|body| {
        let text = String::from_utf8_lossy(&body);
        changed_page(&text, change).map_or_else(|| body.clone(), Bytes::from)
    })
}

fn changed_page(text: &str, change: impl FnOnce(&mut Page)) -> Option<String> {
    let mut envelope = Members::parse(text)?;
    let data = envelope.raw("data")?.to_owned();
    let mut data = Members::parse(&data)?;
    let pagination = data.raw("pagination")?.to_owned();
    let (name, elements) = data.iter().find(|(name, _)| *name != "pagination")?;
    let (name, elements) = (name.to_owned(), elements.to_owned());
    let mut page = Page { pagination, elements };
    change(&mut page);
    data.set("pagination", page.pagination);
    data.set(&name, page.elements);
    envelope.set("data", data.render());
    Some(envelope.render())
}

/// The same object with one more member in front.
fn widened(body: &Bytes, member: &str) -> Bytes {
    let Some(rest) = body.strip_prefix(b"{") else { return body.clone() };
    let mut text = String::with_capacity(body.len() + member.len() + 16);
    // Writing to a text cannot fail.
    let _ = write!(text, "{{\"on_demand\":{member},{}", String::from_utf8_lossy(rest));
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_to_the_same_place_is_another_text() {
        let cursor = base64_encode(b"[5,\"a\"]");
        assert_eq!(here(Some(&cursor)), base64_encode(b"[5,\"a!\"]"));
        assert_eq!(here(None), base64_encode(b"[18446744073709551615,\"\"]"));
    }
}
