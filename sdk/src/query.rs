//! Query strings.

use crate::path::push_encoded;

/// Parameters of a request, in the order in which they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// No parameters.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter. The value is encoded when the query is.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.pairs.push((name.into(), value.into()));
    }

    /// Names and values, not encoded.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// `a=1&b=2`, percent-encoded after RFC 3986; empty without parameters.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut encoded = String::new();
        for (name, value) in &self.pairs {
            if !encoded.is_empty() {
                encoded.push('&');
            }
            push_encoded(&mut encoded, name);
            encoded.push('=');
            push_encoded(&mut encoded, value);
        }
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_characters_are_encoded() {
        let mut query = Query::new();
        query.add("created_at_min", "2026-11-01T00:00:00+00:00");
        query.add("slug", "dhl,ups");
        query.add("keyword", "a b&c=d");
        assert_eq!(
            query.encode(),
            "created_at_min=2026-11-01T00%3A00%3A00%2B00%3A00&slug=dhl%2Cups&keyword=a%20b%26c%3Dd"
        );
    }
}
