//! What several schemas say stands once, as a part.
//!
//! Schemas are the largest texts that the component carries. In a schema or a part, the member
//! `"$part": "name"` stands for all members of that part, so each file stays JSON by itself.

/// How a part is named, up to the quote before its name.
const MARK: &str = r#""$part":"#;

/// Parts stand in parts so deep at most; one that holds itself ends there.
const DEEPEST: usize = 8;

/// The schema with its parts filled in: `parts` are one JSON object each, by name.
#[must_use]
pub fn whole(schema: &str, parts: &[(&str, &str)]) -> String {
    fill(schema, parts, DEEPEST)
}

fn fill(schema: &str, parts: &[(&str, &str)], depth: usize) -> String {
    let mut whole = String::with_capacity(schema.len());
    let mut rest = schema;
    while let Some((before, name, after)) = split(rest) {
        whole.push_str(before);
        if depth > 0 {
            let part = parts.iter().find(|(known, _)| *known == name).map_or("{}", |(_, it)| it);
            let inner = part.trim().strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            whole.push_str(&fill(inner.unwrap_or_default().trim(), parts, depth - 1));
        }
        rest = after;
    }
    whole.push_str(rest);
    whole
}

/// What stands before the next part, its name, and what follows.
fn split(schema: &str) -> Option<(&str, &str, &str)> {
    let (before, named) = schema.split_once(MARK)?;
    let (name, after) = named.trim_start().strip_prefix('"')?.split_once('"')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_filled_in_between_other_members() {
        let parts = [("a", r#"{"b": 1, "$part":"c"}"#), ("c", r#"{"d": 2}"#)];
        let schema = r#"{"title": "A", "properties": {"$part":"a", "mine": {}}}"#;
        let filled = r#"{"title": "A", "properties": {"b": 1, "d": 2, "mine": {}}}"#;
        assert_eq!(whole(schema, &parts), filled);
        let itself = [("a", r#"{"$part":"a"}"#)];
        assert_eq!(whole(r#"{"$part": "a"}"#, &itself), "{}");
    }
}
