//! The query of a request: decoded pairs and the readers of their values. Every malformed value is
//! a 400 with code 400.

use crate::body::is_slug;
use crate::dates;
use crate::errors::ApiError;

/// The decoded pairs of a query.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a raw query. Unless `lenient`, a name outside `known` or one that comes twice is
    /// refused.
    pub(crate) fn parse(raw: &str, known: &[&str], lenient: bool) -> Result<Self, ApiError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let given = crate::text::pairs(raw);
        for (name, value) in given.ok_or_else(|| refused(raw, "is not percent-encoded"))? {
            if !known.contains(&name.as_str()) {
                if lenient {
                    continue;
                }
                return Err(refused(&name, "is not a parameter of this endpoint"));
            }
            match pairs.iter_mut().find(|(earlier, _)| *earlier == name) {
                Some((_, earlier)) if lenient => *earlier = value,
                Some(_) => return Err(refused(&name, "comes twice")),
                None => pairs.push((name, value)),
            }
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// An integer within bounds.
    pub(crate) fn integer(
        &self,
        name: &str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<i64>, ApiError> {
        let read = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|number| digits && bounds.contains(number));
            let rule = format!("must be an integer from {} to {}", bounds.start(), bounds.end());
            number.ok_or_else(|| refused(name, &rule))
        };
        self.get(name).map(read).transpose()
    }

    /// A time in the one form that filters take; Unix seconds.
    pub(crate) fn time(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let rule = "must be a time like 2026-11-01T00:00:00+00:00, its plus sent as %2B";
        let read = |text| dates::parse_filter(text).ok_or_else(|| refused(name, rule));
        self.get(name).map(read).transpose()
    }

    /// A comma list whose items all pass; empty when the parameter is absent.
    pub(crate) fn list(
        &self,
        name: &str,
        rule: &str,
        passes: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(Vec::new()) };
        let items: Vec<_> = text.split(',').map(str::to_owned).collect();
        match items.iter().all(|item| passes(item)) {
            true => Ok(items),
            false => Err(refused(name, rule)),
        }
    }

    /// A comma list of slugs.
    pub(crate) fn slugs(&self, name: &str) -> Result<Vec<String>, ApiError> {
        self.list(name, "must be a comma list of slugs", is_slug)
    }

    /// A comma list of words out of a closed set.
    pub(crate) fn choices(&self, name: &str, choices: &[&str]) -> Result<Vec<String>, ApiError> {
        let rule = format!("must be a comma list of {}", choices.join(", "));
        self.list(name, &rule, |item| choices.contains(&item))
    }
}

/// The refusal of a parameter, with its name and the rule it breaks.
pub(crate) fn refused(name: &str, rule: &str) -> ApiError {
    ApiError::invalid_request(&format!("`{name}` {rule}."))
}
