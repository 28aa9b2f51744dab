//! Where two JSON texts differ, to be read by people and programs.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// After so many differences, what differs is told as a whole.
const FINE: usize = 200;
/// Deeper values are told as a whole.
const DEPTH: usize = 32;

/// A place where two texts differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where: a JSON Pointer (RFC 6901). That of an item of an array which is gone counts in the old
    /// array, any other in the new one.
    pub pointer: String,
    /// The JSON text that stood there; `None`: nothing.
    pub before: Option<String>,
    /// The JSON text that stands there.
    pub after: Option<String>,
}

/// The places where `before` and `after` differ, in the order of their names. Values are compared by
/// their texts, so that numbers have all their digits. Of arrays, what they begin and end with alike is
/// passed over: an item that was added is one difference, wherever it was put.
#[must_use]
pub fn differences(before: &str, after: &str) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(before.trim()), Some(after.trim()), DEPTH, &mut found);
    found
}

fn compare(
    pointer: &str,
    before: Option<&str>,
    after: Option<&str>,
    depth: usize,
    found: &mut Vec<Difference>,
) {
    if before == after {
        return;
    }
    if let (Some(old), Some(new)) = (before, after)
        && depth > 0
        && found.len() < FINE
        && (members(pointer, old, new, depth, found).is_some()
            || items(pointer, old, new, depth, found).is_some())
    {
        return;
    }
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let (before, after) = (owned(before), owned(after));
    found.push(Difference { pointer: pointer.to_owned(), before, after });
}

/// Compares two objects; `None` where they are none.
fn members(
    pointer: &str,
    old: &str,
    new: &str,
    depth: usize,
    found: &mut Vec<Difference>,
) -> Option<()> {
    let old: BTreeMap<String, &RawValue> = serde_json::from_str(old).ok()?;
    let new: BTreeMap<String, &RawValue> = serde_json::from_str(new).ok()?;
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        let text =
            |of: &BTreeMap<String, &RawValue>| of.get(name).map(|value| value.get().to_owned());
        compare(&pointer, text(&old).as_deref(), text(&new).as_deref(), depth - 1, found);
    }
    Some(())
}

/// Compares two arrays; `None` where they are none.
fn items(
    pointer: &str,
    old: &str,
    new: &str,
    depth: usize,
    found: &mut Vec<Difference>,
) -> Option<()> {
    let old: Vec<&RawValue> = serde_json::from_str(old).ok()?;
    let new: Vec<&RawValue> = serde_json::from_str(new).ok()?;
    let is_same = |(old, new): &(&&RawValue, &&RawValue)| old.get() == new.get();
    let first = old.iter().zip(&new).take_while(is_same).count();
    let (old, new) = (old.get(first..)?, new.get(first..)?);
    let last = old.iter().rev().zip(new.iter().rev()).take_while(is_same).count();
    let (old, new) = (old.get(..old.len() - last)?, new.get(..new.len() - last)?);
    for index in 0..old.len().max(new.len()) {
        let pointer = format!("{pointer}/{}", first + index);
        let text = |of: &[&RawValue]| of.get(index).map(|value| value.get().to_owned());
        compare(&pointer, text(old).as_deref(), text(new).as_deref(), depth - 1, found);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As lines: pointer, before, after.
    fn lines(before: &str, after: &str) -> Vec<String> {
        let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let line =
            |one: Difference| format!("{} {} {}", one.pointer, text(one.before), text(one.after));
        differences(before, after).into_iter().map(line).collect()
    }

    #[test]
    fn differences_are_told_as_deep_as_they_are() {
        let before = r#"{"id":"1","n":0.70,"a/b":{"c~":1,"same":[1]},"gone":null,"tag":"x"}"#;
        let after = r#"{"tag":"y","id":"1","n":0.7,"a/b":{"c~":2,"same":[1]},"new":{}}"#;
        assert_eq!(
            lines(before, after),
            ["/a~1b/c~0 1 2", "/gone null -", "/n 0.70 0.7", "/new - {}", "/tag \"x\" \"y\""]
        );
        assert!(lines(before, before).is_empty());
    }

    #[test]
    fn of_arrays_only_what_is_new_or_gone_is_told() {
        assert_eq!(lines(r#"{"l":[1,2]}"#, r#"{"l":[1,2,3]}"#), ["/l/2 - 3"]);
        assert_eq!(lines(r#"{"l":[2,3]}"#, r#"{"l":[1,2,3]}"#), ["/l/0 - 1"]);
        assert_eq!(lines("[1,2,3]", "[1,3]"), ["/1 2 -"]);
        assert_eq!(lines(r#"[{"a":1},9]"#, r#"[{"a":2},9]"#), ["/0/a 1 2"]);
        assert_eq!(lines("[1]", r#"{"a":1}"#), [" [1] {\"a\":1}"]);
        assert_eq!(lines("no json", "1"), [" no json 1"]);
    }

    #[test]
    fn what_differs_without_end_ends() {
        let nested = |inner: &str| format!("{}{inner}{}", "[".repeat(500), "]".repeat(500));
        assert_eq!(differences(&nested("1"), &nested("2")).len(), 1);
        let many = |value: u32| {
            let items: Vec<String> = (0..1_000).map(|_| format!("{{\"a\":{value}}}")).collect();
            format!("[{}]", items.join(","))
        };
        let found = differences(&many(1), &many(2));
        assert_eq!(found.len(), 1_000);
        assert_eq!((&*found[0].pointer, &*found[999].pointer), ("/0/a", "/999"));
    }
}
