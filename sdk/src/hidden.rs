//! Secrets of an input, kept out of errors: a provider may quote what it refuses.

use std::borrow::Cow;

use crate::contract::Violation;
use crate::json;

/// What stands in place of a value.
const INSTEAD: &str = "[credential]";

/// Values that no text of an error may hold.
#[derive(Clone, Default)]
pub struct Hidden(Vec<String>);

impl Hidden {
    /// Hides these values; an empty one would be everywhere and is none.
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        Self(values.into_iter().filter(|value| !value.is_empty()).collect())
    }

    /// The text with `[credential]` for each value, written plainly or with JSON's escapes.
    #[must_use]
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.0.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if let Some(after) = self.strip(rest) {
                shown.push_str(INSTEAD);
                rest = after;
            } else {
                shown.push(character);
                rest = rest.strip_prefix(character).unwrap_or_default();
            }
        }
        Cow::Owned(shown)
    }

    /// The same of violations. One whose pointer holds a value, or was read from what stands in its
    /// place, points nowhere and is left out.
    #[must_use]
    pub fn hide_in(&self, mut violations: Vec<Violation>) -> Vec<Violation> {
        if self.0.is_empty() {
            return violations;
        }
        let no_member = INSTEAD.trim_matches(['[', ']']);
        violations.retain(|Violation { pointer, .. }| {
            self.hide(pointer) == pointer.as_str() && pointer.strip_prefix('/') != Some(no_member)
        });
        for violation in &mut violations {
            violation.message = self.hide(&violation.message).into_owned();
        }
        violations
    }

    /// What follows the longest value at the start of `text`.
    fn strip<'t>(&self, text: &'t str) -> Option<&'t str> {
        let plain = self.0.iter().filter_map(|value| text.strip_prefix(value.as_str()));
        let escaped = self.0.iter().filter_map(|value| json::strip_escaped(text, value));
        plain.chain(escaped).min_by_key(|rest| rest.len())
    }
}

/// Only how many there are.
impl std::fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Hidden({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_however_they_are_written() {
        let hidden = Hidden::new(["ab", "abc", "q\"\\/\n\u{e9}", ""].map(str::to_owned));
        for (text, shown) in [
            ("key abc, then ab and a", "key [credential], then [credential] and a"),
            ("ababc", "[credential][credential]"),
            ("<q\"\\/\n\u{e9}>", "<[credential]>"),
            (r#"{"k":"q\"\\/\n\u00e9"}"#, r#"{"k":"[credential]"}"#),
            (r#"{"k":"q\"\\\/\u000a\u00E9"}"#, r#"{"k":"[credential]"}"#),
            (r"\u0061b", "[credential]"),
            ("", ""),
        ] {
            assert_eq!(hidden.hide(text), shown);
        }
        assert_eq!(format!("{hidden:?}"), "Hidden(3)");
    }
}
