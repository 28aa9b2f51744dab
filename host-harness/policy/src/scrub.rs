//! Removes live secret values from bytes and texts on their way out.
//!
//! A provider may echo a key, and an error may quote a header. So answers,
//! errors and log lines are searched for every secret of the connection, as it
//! is and in the encodings in which it could stand there.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind, packed};

use crate::forms::forms;
use crate::secret::Secret;

/// What stands where a secret stood.
pub const REDACTED: &str = "[redacted]";

/// Shorter values are not searched for: they would tear holes into ordinary text.
const SHORTEST: usize = 6;

/// Knows the secrets of one connection.
#[derive(Default)]
pub struct Scrubber {
    forms: Vec<Vec<u8>>,
    /// Made when they are needed first: that takes long, each connection has its own, and nearly no
    /// answer holds a secret.
    patterns: OnceLock<Option<AhoCorasick>>,
    /// Finds the same forms about thirty times as fast where the machine has vector
    /// instructions for it.
    quick: Option<packed::Searcher>,
}

impl Scrubber {
    /// A scrubber for these values.
    #[must_use]
    pub fn new(secrets: &[&Secret]) -> Self {
        let values = secrets.iter().map(|secret| secret.expose());
        let long = values.filter(|value| value.len() >= SHORTEST);
        let mut forms: Vec<Vec<u8>> = long.flat_map(forms).collect();
        forms.sort();
        forms.dedup();
        let quick = packed::Searcher::new(&forms);
        Self { forms, patterns: OnceLock::new(), quick }
    }

    /// `bytes` without secrets. Costs no copy when there are none in it.
    #[must_use]
    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.forms.is_empty() || self.quick.as_ref().is_some_and(|it| it.find(&bytes).is_none())
        {
            return bytes;
        }
        // Longest first, so that a padded encoding goes as a whole.
        let build =
            || AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&self.forms);
        let Some(patterns) = self.patterns.get_or_init(|| build().ok()) else { return bytes };
        if !patterns.is_match(&bytes) {
            return bytes;
        }
        patterns.replace_all_bytes(&bytes, &vec![REDACTED.as_bytes(); patterns.patterns_len()])
    }

    /// `text` without secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes().to_vec())).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_goes() {
        let value = "s3cr\"t/ k+y<é>~";
        let scrubber = Scrubber::new(&[&Secret::new(value), &Secret::new("short")]);
        for form in [
            value,
            r#"s3cr\"t/ k+y<é>~"#,
            r#"s3cr\\\"t/ k+y<é>~"#,
            r#"s3cr\"t\/ k+y<\u00e9>~"#,
            r#"s3cr\"t/ k+y\u003C\u00E9\u003E~"#,
            "s3cr\"t/ k+y<Ã©>~",
            "s3cr%22t%2F+k%2By%3C%C3%A9%3E%7E",
            "s3cr%22t%2f%20k%2by%3c%c3%a9%3e~",
            "s3cr%22t/%20k%2By%3C%C3%A9%3E~",
            "s3cr%22t%2F%20k+y%3C%C3%A9%3E~",
            "czNjciJ0LyBrK3k8w6k+fg==",
            "czNjciJ0LyBrK3k8w6k+fg",
            "czNjciJ0LyBrK3k8w6k-fg==",
            "czNjciJ0LyBrK3k8w6k-fg",
            "7333637222742f206b2b793cc3a93e7e",
            "7333637222742F206B2B793CC3A93E7E",
        ] {
            let text = format!("before {form} after");
            assert_eq!(scrubber.text(&text), "before [redacted] after");
        }
        assert_eq!(scrubber.text("a short word stays"), "a short word stays");
    }

    /// A provider that quotes `authorization: Basic ...` quotes more than the password.
    #[test]
    fn a_secret_inside_longer_base64_goes() {
        let scrubber = Scrubber::new(&[&Secret::new("correct horse")]);
        for (whole, expected) in [
            // "a:", "ab:" and "abc:" before it.
            ("YTpjb3JyZWN0IGhvcnNl", "YTp"),
            ("YWI6Y29ycmVjdCBob3JzZQ==", "YWI6"),
            ("YWJjOmNvcnJlY3QgaG9yc2U=", "YWJjOm"),
        ] {
            let left = scrubber.text(whole);
            assert!(left.starts_with(&format!("{expected}[redacted]")), "{left}");
            assert!(left.len() <= expected.len() + REDACTED.len() + 3, "{left}");
        }
    }

    /// The quote at its end is the secret's own, not that of the text around it.
    #[test]
    fn json_stays_json() {
        let secret = "\"quoted\"";
        let scrubber = Scrubber::new(&[&Secret::new(secret)]);
        let text = serde_json::json!({ "a": secret, "b": format!("{secret}{secret}") }).to_string();
        assert_eq!(scrubber.text(&text), r#"{"a":"[redacted]","b":"[redacted][redacted]"}"#);
    }

    /// What reads a header as UTF-8 puts a mark where it is none.
    #[test]
    fn a_secret_that_is_no_text_goes() {
        let secret = b"caf\xe9-0123456789";
        let scrubber = Scrubber::new(&[&Secret::new(&secret[..])]);
        for read in [String::from_utf8_lossy(secret).as_ref(), "café-0123456789"] {
            assert_eq!(scrubber.text(read), REDACTED);
        }
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        let scrubber = Scrubber::new(&[&Secret::new("asat_0123456789")]);
        let body = vec![0, 159, 146, 150, b'a'];
        assert_eq!(scrubber.bytes(body.clone()), body);
    }
}
