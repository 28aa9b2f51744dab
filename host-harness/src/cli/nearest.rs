//! The name that was probably meant.

use super::errors::Usage;

/// A name that is not known: says which ones are, and which one is near.
pub fn unknown(kind: &str, word: &str, known: &[&str]) -> Usage {
    let list = if known.is_empty() {
        "none is known".to_owned()
    } else {
        format!("known: {}", known.join(", "))
    };
    let usage = Usage::new(format!("unknown {kind} \"{word}\"; {list}"));
    match nearest(word, known) {
        Some(name) => usage.next(format!("did you mean \"{name}\"?")),
        None => usage,
    }
}

/// The name in `known` that is nearest to `word`, if one is near at all: at most a
/// third of its letters differ.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let (name, distance) = known
        .iter()
        .map(|name| (*name, distance(&word.to_lowercase(), &name.to_lowercase())))
        .min_by_key(|(_, distance)| *distance)?;
    let longest = name.chars().count().max(word.chars().count());
    (distance * 3 <= longest).then_some(name)
}

/// Levenshtein's distance, row by row.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (index, left) in a.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        let mut next = vec![before];
        for (right, above) in b.chars().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(left != right);
            before = changed.min(before + 1).min(above + 1);
            next.push(before);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshteins() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("orders", "orders", 0),
            ("ordres", "orders", 2),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} to {b}");
        }
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = ["orders", "order-lines", "carriers"];
        assert_eq!(nearest("order", &known), Some("orders"));
        assert_eq!(nearest("Carrier", &known), Some("carriers"));
        assert_eq!(nearest("xyz", &known), None);
        assert_eq!(nearest("orders", &[]), None);
        assert_eq!(
            unknown("object", "ordes", &known).to_string(),
            "unknown object \"ordes\"; known: orders, order-lines, carriers"
        );
    }
}
