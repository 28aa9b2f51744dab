//! What several schemas say stands once, as a part.
//!
//! Schemas are the largest texts that the component carries. In a schema or a part, the member
//! `"$part": "name"` stands for all members of that part, so each file stays JSON by itself.

/// How a part is named, up to its name.
const MARK: &str = r#""$part":""#;

/// The schema with its parts filled in: `parts` are one JSON object each, by name.
#[must_use]
pub fn whole(schema: &str, parts: &[(&str, &str)]) -> String {
    let mut whole = String::with_capacity(schema.len());
    let mut rest = schema;
    while let Some((before, (name, after))) =
        rest.split_once(MARK).and_then(|(before, named)| Some((before, named.split_once('"')?)))
    {
        whole.push_str(before);
        whole.push_str(&members(name, parts));
        rest = after;
    }
    whole.push_str(rest);
    whole
}

/// What stands between the braces of a part.
fn members(name: &str, parts: &[(&str, &str)]) -> String {
    let part = parts.iter().find(|(known, _)| *known == name).map_or("{}", |(_, part)| part);
    let inner = part.trim().strip_prefix('{').and_then(|part| part.strip_suffix('}'));
    whole(inner.unwrap_or_default().trim(), parts)
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
    }
}
