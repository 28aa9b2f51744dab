//! The first difference between what was recorded and what comes now.

use std::fmt;

use serde_json::Value;

/// Characters shown of a longer value: some before the difference, the rest after it.
const BEFORE: usize = 40;
const SHOWN: usize = 160;

/// Where a call went another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// E.g. `import 2 (http.send)/request/path_with_query`.
    pub place: String,
    /// There, in the recording.
    pub recorded: String,
    /// There, now.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, recorded, now } = self;
        write!(f, "{place}\n  recorded: {recorded}\n  now:      {now}")
    }
}

/// The first difference of two values, found by the names and numbers of their members.
pub fn difference(place: &str, recorded: &Value, now: &Value) -> Option<Difference> {
    match (recorded, now) {
        (Value::Object(old), Value::Object(new))
            if old.len() == new.len() && old.keys().all(|name| new.contains_key(name)) =>
        {
            old.iter()
                .find_map(|(name, old)| difference(&format!("{place}/{name}"), old, new.get(name)?))
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let mut pairs = old.iter().zip(new).enumerate();
            pairs.find_map(|(at, (old, new))| difference(&format!("{place}/{at}"), old, new))
        }
        _ if recorded == now => None,
        _ => {
            let (old, new) = (recorded.to_string(), now.to_string());
            let same = old.chars().zip(new.chars()).take_while(|(old, new)| old == new).count();
            let (recorded, now) = (excerpt(&old, same), excerpt(&new, same));
            Some(Difference { place: place.to_owned(), recorded, now })
        }
    }
}

/// The part of `text` around character `at`.
fn excerpt(text: &str, at: usize) -> String {
    let from = at.saturating_sub(BEFORE);
    let mut rest = text.chars().skip(from);
    let part: String = rest.by_ref().take(SHOWN).collect();
    let dots = |is_cut| if is_cut { "…" } else { "" };
    format!("{}{part}{}", dots(from > 0), dots(rest.next().is_some()))
}

#[test]
fn the_first_difference_is_found_where_it_is() {
    use serde_json::json;
    let old = json!({ "a": [1, { "b": "same" }], "c": format!("{}x", "-".repeat(300)) });
    let mut new = old.clone();
    assert_eq!(difference("it", &old, &new), None);
    new["c"] = format!("{}y", "-".repeat(300)).into();
    let found = difference("it", &old, &new).unwrap();
    assert_eq!(found.place, "it/c");
    assert!(found.recorded.starts_with("…---") && found.recorded.ends_with("-x\""), "{found}");
    new["a"][1]["b"] = json!(7);
    let found = difference("it", &old, &new).unwrap().to_string();
    assert_eq!(found, "it/a/1/b\n  recorded: \"same\"\n  now:      7");
    new["a"] = json!([]);
    assert_eq!(difference("it", &old, &new).unwrap().place, "it/a");
}
