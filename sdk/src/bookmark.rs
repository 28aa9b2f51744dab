//! The position between scans.
//!
//! A small JSON object, opaque to the host: version, object, time, and a digest of the filter it
//! was reached with. "Everything changed up to here" is true only of what that filter lets
//! through, so with another one the bookmark is refused and the host scans anew. Bounds on change
//! times are left out of the digest: see the connector's own rules.

use crate::contract::Error;
use crate::dates;
use crate::json::{self, Writer};

const VERSION: &str = "1";

/// A decoded bookmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// Everything changed up to here, in seconds since 1970, has been handed over.
    pub until: i64,
    /// [`digest`] of the filter.
    pub filter: u64,
}

impl Bookmark {
    /// The text handed to the host.
    #[must_use]
    pub fn encode(&self, object: &str) -> String {
        let mut writer = Writer::new();
        writer.raw("v", VERSION);
        writer.text("object", object);
        writer.text("until", &dates::format(self.until));
        writer.text("filter", &format!("{:x}", self.filter));
        writer.finish()
    }

    /// Reads what [`Bookmark::encode`] wrote.
    ///
    /// # Errors
    /// Cursor-expired for a bookmark of another version, object or filter, or none at
    /// all.
    pub fn decode(object: &str, text: &str, filter: u64) -> Result<Self, Error> {
        let expired = |why| {
            Error::cursor_expired(format!(
                "The bookmark cannot be used: {why}. Scan from the start."
            ))
        };
        if json::member(text, "v") != Some(VERSION) {
            return Err(expired("this version of the connector did not write it"));
        }
        if json::text_member(text, "object").as_deref() != Some(object) {
            return Err(expired("it is of another object"));
        }
        if json::text_member(text, "filter") != Some(format!("{filter:x}")) {
            return Err(expired("it was reached with another filter"));
        }
        let until = json::text_member(text, "until").and_then(|time| dates::parse(&time));
        let until = until.ok_or_else(|| expired("it tells no time"))?.floor();
        Ok(Self { until, filter })
    }
}

/// FNV-1a over names and values: equal filters give equal digests in every build. It guards
/// against mistakes, not against forgery.
#[must_use]
pub fn digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for text in texts {
        // The byte after each text keeps ("a", "b") from ("ab", ""); UTF-8 never holds 0xff.
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let bookmark = Bookmark { until: 1_795_339_740, filter: 7 };
        let text = bookmark.encode("trackings");
        assert_eq!(
            text,
            r#"{"v":1,"object":"trackings","until":"2026-11-22T09:29:00+00:00","filter":"7"}"#
        );
        assert_eq!(Bookmark::decode("trackings", &text, 7), Ok(bookmark));
    }

    #[test]
    fn anything_else_starts_a_new_scan() {
        let good = Bookmark { until: 0, filter: 7 }.encode("trackings");
        for (object, text, filter) in [
            ("trackings", "", 7),
            ("trackings", "2026-11-22T09:29:00+00:00", 7),
            ("trackings", r#"{"v":2,"object":"trackings"}"#, 7),
            ("trackings", r#"{"v":1,"object":"trackings","filter":"7","until":"soon"}"#, 7),
            ("couriers", good.as_str(), 7),
            ("trackings", good.as_str(), 8),
        ] {
            let decoded = Bookmark::decode(object, text, filter);
            assert!(
                matches!(decoded, Err(error) if error.kind == crate::ErrorKind::CursorExpired),
                "{object} {text} {filter}"
            );
        }
    }

    #[test]
    fn digests_keep_texts_apart() {
        assert_ne!(digest(["a", "b"]), digest(["ab", ""]));
        assert_ne!(digest(["a", "b"]), digest(["a", "b", ""]));
        assert_eq!(digest([]), 0xcbf2_9ce4_8422_2325);
    }
}
