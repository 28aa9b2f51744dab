//! JSON text, read where it lies.
//!
//! Records pass through a connector untouched: unknown members survive and numbers keep their
//! digits. So nothing here turns a record into values. [`Reader`] walks the text once, checks all
//! of it against RFC 8259, and hands out slices.
//!
//! It is a crate of its own because it runs once for each byte of an answer and is compiled for
//! speed: the rest of a component is compiled for size.
//!
//! ```
//! let answer = r#"{"id": "t1", "weight": 0.70, "courier": {"slug": "dhl"}}"#;
//! assert_eq!(connector_json::text_member(answer, "id").as_deref(), Some("t1"));
//! assert_eq!(connector_json::member(answer, "weight"), Some("0.70"));
//! ```

mod members;
mod reader;
mod skip;
mod stops;
mod text;

pub use members::Member;
pub use reader::{Kind, MAX_DEPTH, Malformed, Reader};
pub use text::{Text, strip_escaped};

/// The text of one member of an object, or `None` when `object` is no object or lacks it.
///
/// Of a name that comes twice the last one counts, as in [`Reader`]'s other users.
#[must_use]
pub fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut reader = Reader::new(object);
    let mut found = None;
    reader.open_object().ok()?;
    while let Some(key) = reader.next_member().ok()? {
        let value = reader.skip().ok()?;
        if key.is(name) {
            found = Some(value);
        }
    }
    found
}

/// [`member`], when it is a string: decoded.
#[must_use]
pub fn text_member(object: &str, name: &str) -> Option<String> {
    let value = member(object, name)?;
    Reader::new(value).text_or_skip().ok()?.map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_equal_members_counts() {
        assert_eq!(member(r#"{"a":1,"b":[2],"a":3.10}"#, "a"), Some("3.10"));
        assert_eq!(text_member(r#"{"a":"x\u0041"}"#, "a"), Some("xA".into()));
        assert_eq!(text_member(r#"{"a":1}"#, "a"), None);
        assert_eq!(member("[1]", "a"), None);
    }
}
