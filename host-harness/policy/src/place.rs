//! Places inside queries, forms, paths and JSON: found where they stand, filled without touching
//! what is around them.

use std::ops::Range;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use url::form_urlencoded;

/// Whether a form body or a query holds a member of this name.
pub fn has_field(form: &[u8], name: &str) -> bool {
    form_urlencoded::parse(form).any(|(given, _)| given == name)
}

/// Appends `name=value` to a query, percent-encoded (RFC 3986 section 2.1).
pub fn append_to_query(query: &mut String, name: &str, value: &[u8]) {
    if !query.is_empty() {
        query.push('&');
    }
    encode(query, name.as_bytes(), "-._~");
    query.push('=');
    encode(query, value, "-._~");
}

/// A segment of a path: fixed text, then a value. `None` when a server would read a dot segment.
pub fn encode_segment(before: &str, value: &[u8]) -> Option<String> {
    let mut segment = String::new();
    encode(&mut segment, before.as_bytes(), "-._~!$&'()*+,;=:@");
    encode(&mut segment, value, "-._~!$&'()*+,;=:@");
    (!matches!(segment.as_str(), "" | "." | "..")).then_some(segment)
}

fn encode(out: &mut String, bytes: &[u8], plain: &str) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(byte) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// Finds the value at a JSON Pointer (RFC 6901): its bytes in the document. `None`: there is none.
///
/// # Errors
/// When it is no JSON, or a member on the way is there twice: readers differ in which they take.
pub fn find_member(document: &[u8], pointer: &str) -> Result<Option<Range<usize>>, String> {
    let text = std::str::from_utf8(document).map_err(|_| "it is no UTF-8".to_owned())?;
    let mut value: &RawValue = serde_json::from_str(text).map_err(|why| why.to_string())?;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let children = children(value)?;
        let mut fits = children.into_iter().filter(|(name, _)| *name == token);
        match (fits.next(), fits.next()) {
            (None, _) => return Ok(None),
            (Some((_, child)), None) => value = child,
            (Some(_), Some(_)) => return Err(format!("the member \"{token}\" is there twice")),
        }
    }
    // A piece of the text itself, so the difference of their places is where it begins.
    let begin = (value.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    Ok(Some(begin..begin + value.get().len()))
}

/// The members of an object by name, the items of an array by index, nothing of anything else.
fn children(value: &RawValue) -> Result<Vec<(String, &RawValue)>, String> {
    if !value.get().starts_with(['{', '[']) {
        return Ok(vec![]);
    }
    let mut json = serde_json::Deserializer::from_str(value.get());
    json.deserialize_any(Children).map_err(|why| why.to_string())
}

struct Children;

impl<'de> Visitor<'de> for Children {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = map.next_entry()? {
            all.push(entry);
        }
        Ok(all)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push((all.len().to_string(), item));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_finds_bytes() {
        let document = br#" {"a/b": [ 1.50, {"~": null } ], "s":"x", "twice":1, "twice":2}"#;
        let at = |pointer: &str| match find_member(document, pointer) {
            Ok(Some(range)) => std::str::from_utf8(&document[range]).unwrap().to_owned(),
            Ok(None) => "Nothing".to_owned(),
            Err(why) => why,
        };
        assert_eq!(at("/a~1b/1/~0"), "null");
        assert_eq!(at("/a~1b/0"), "1.50");
        assert_eq!(at("/s"), "\"x\"");
        assert_eq!(at("/s/0"), "Nothing");
        assert_eq!(at("/a~1b/7"), "Nothing");
        assert!(find_member(document, "/twice").is_err());
        assert!(find_member(b"no json", "/a").is_err() && find_member(b"\xff", "/a").is_err());
    }

    #[test]
    fn values_are_encoded_for_their_place() {
        let mut query = "a=b".to_owned();
        append_to_query(&mut query, "ke y", b"s&c=r/t+\xff");
        assert_eq!(query, "a=b&ke%20y=s%26c%3Dr%2Ft%2B%FF");
        assert_eq!(encode_segment("bot", b"12:a/b?").as_deref(), Some("bot12:a%2Fb%3F"));
        for dots in ["", ".", ".."] {
            assert_eq!(encode_segment("", dots.as_bytes()), None);
        }
        assert!(has_field(b"client%5Fsecret=x", "client_secret") && !has_field(b"a=b", "b"));
    }
}
