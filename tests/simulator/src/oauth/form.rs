//! Parameters, as they stand in a query or in the body of a form.

use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::refusal::Refusal;
use crate::text::pairs;

/// Decoded parameters in their order.
#[derive(Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads parameters; `None` when they are not percent-encoded UTF-8.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        pairs(raw).map(Self)
    }

    /// The form that a client sent: a POST, with parameters in the body alone, each once (RFC 6749,
    /// 3.2).
    pub(super) fn posted(parts: &Parts, body: &[u8]) -> Result<Self, Refusal> {
        if parts.method != http::Method::POST {
            return Err(Refusal::not_a_post());
        }
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(Refusal::invalid_request("Parameters must stand in the body alone."));
        }
        if !is_form(parts) {
            let description = "The body must be of type application/x-www-form-urlencoded.";
            return Err(Refusal::invalid_request(description));
        }
        let text = std::str::from_utf8(body).ok();
        let form = text.and_then(Self::parse);
        let form = form.ok_or(Refusal::invalid_request("The body is not percent-encoded."))?;
        match form.has_repeated() {
            true => Err(Refusal::invalid_request("A parameter comes twice.")),
            false => Ok(form),
        }
    }

    /// A parameter; one without a value counts as left out (RFC 6749, 3.1).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values(name).next().filter(|value| !value.is_empty())
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or(Refusal::invalid_request("A required parameter is missing."))
    }

    /// Whether this parameter comes more than once.
    pub(super) fn repeats(&self, name: &str) -> bool {
        self.values(name).nth(1).is_some()
    }

    /// Whether any parameter comes more than once.
    pub(super) fn has_repeated(&self) -> bool {
        self.0.iter().any(|(name, _)| self.repeats(name))
    }

    fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Whether the body is said to be a form.
pub(super) fn is_form(parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
