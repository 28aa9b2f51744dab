//! What several schemas say stands once, as a part.
//!
//! Schemas are the largest texts that the component carries. In a schema or a part, the member
//! `"$part": "name"` stands for all members of that part, so each file stays JSON by itself.

use crate::packed::Packed;
use crate::text::split_once;

/// How a part is named, up to the quote before its name.
const MARK: &str = r#""$part":"#;

/// Parts stand in parts so deep at most; one that holds itself ends there.
const DEEPEST: usize = 8;

/// The schema with its parts filled in: `parts` are one JSON object each, by name.
#[must_use]
pub fn whole(schema: Packed, parts: &[(&str, Packed)]) -> String {
    let mut whole = String::new();
    fill(&mut whole, &schema.unpack(), parts, DEEPEST);
    whole
}

fn fill(whole: &mut String, schema: &str, parts: &[(&str, Packed)], depth: usize) {
    let mut rest = schema;
    while let Some((before, name, after)) = split(rest) {
        whole.push_str(before);
        if depth > 0
            && let Some((_, part)) = parts.iter().find(|(known, _)| *known == name)
        {
            let part = part.unpack();
            let inner = part.trim().strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            fill(whole, inner.unwrap_or_default().trim(), parts, depth - 1);
        }
        rest = after;
    }
    whole.push_str(rest);
}

/// What stands before the next part, its name, and what follows.
fn split(schema: &str) -> Option<(&str, &str, &str)> {
    let (before, named) = split_once(schema, MARK)?;
    let (name, after) = named.trim_start().strip_prefix('"')?.split_once('"')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_filled_in_between_other_members() {
        let parts = [("a", r#"{"b": 1, "$part":"c"}"#), ("c", r#"{"d": 2}"#)];
        let parts = parts.map(|(name, part)| (name, Packed::plain(part)));
        let schema = Packed::plain(r#"{"title": "A", "properties": {"$part":"a", "mine": {}}}"#);
        let filled = r#"{"title": "A", "properties": {"b": 1, "d": 2, "mine": {}}}"#;
        assert_eq!(whole(schema, &parts), filled);
        let itself = Packed::plain(r#"{"$part": "a"}"#);
        assert_eq!(whole(itself, &[("a", itself)]), "{}");
    }
}
