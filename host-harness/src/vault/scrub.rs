//! Removes live secret values from bytes and texts on their way out.
//!
//! A provider may echo a key, and an error may quote a header. So answers,
//! errors and log lines are searched for every secret of the connection, as it
//! is and in the encodings in which it could stand there.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use url::form_urlencoded;

use super::Secret;

/// What stands where a secret stood.
pub const REDACTED: &str = "[redacted]";

/// Shorter values are not searched for: they would tear holes into ordinary text.
const SHORTEST: usize = 6;

/// Knows the secrets of one connection.
#[derive(Default)]
pub struct Scrubber {
    patterns: Option<AhoCorasick>,
}

impl Scrubber {
    /// A scrubber for these values.
    #[must_use]
    pub fn new(secrets: &[&Secret]) -> Self {
        let mut forms: Vec<Vec<u8>> = Vec::new();
        for secret in secrets {
            let value = secret.expose();
            if value.len() >= SHORTEST {
                forms.extend(encodings(value));
            }
        }
        forms.sort();
        forms.dedup();
        if forms.is_empty() {
            return Self::default();
        }
        // Longest first, so that a padded encoding goes as a whole.
        let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms);
        Self { patterns: built.ok() }
    }

    /// `bytes` without secrets. Costs no copy when there are none in it.
    #[must_use]
    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        match &self.patterns {
            Some(patterns) if patterns.is_match(&bytes) => {
                let replacements = vec![REDACTED.as_bytes(); patterns.patterns_len()];
                patterns.replace_all_bytes(&bytes, &replacements)
            }
            _ => bytes,
        }
    }

    /// `text` without secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes().to_vec())).into_owned()
    }
}

fn encodings(value: &[u8]) -> Vec<Vec<u8>> {
    let percent: String = form_urlencoded::byte_serialize(value).collect();
    let mut forms = vec![
        value.to_vec(),
        STANDARD.encode(value).into_bytes(),
        STANDARD_NO_PAD.encode(value).into_bytes(),
        URL_SAFE.encode(value).into_bytes(),
        URL_SAFE_NO_PAD.encode(value).into_bytes(),
        percent.replace('+', "%20").into_bytes(),
        percent.into_bytes(),
        hex(value, false),
        hex(value, true),
    ];
    if let Ok(text) = std::str::from_utf8(value)
        && let Ok(quoted) = serde_json::to_string(text)
    {
        forms.push(quoted.trim_matches('"').as_bytes().to_vec());
    }
    forms
}

fn hex(value: &[u8], upper: bool) -> Vec<u8> {
    let text: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    if upper { text.to_uppercase().into_bytes() } else { text.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_of_a_secret_goes() {
        let value = "s3cr\"t/ k+y";
        let scrubber = Scrubber::new(&[&Secret::new(value), &Secret::new("short")]);
        for form in encodings(value.as_bytes()) {
            let text = format!("before {} after", String::from_utf8(form).unwrap());
            assert_eq!(scrubber.text(&text), "before [redacted] after");
        }
        assert_eq!(scrubber.text("a short word stays"), "a short word stays");
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        let scrubber = Scrubber::new(&[&Secret::new("asat_0123456789")]);
        let body = vec![0, 159, 146, 150, b'a'];
        assert_eq!(scrubber.bytes(body.clone()), body);
    }
}
