//! The name that was probably meant.

use host_harness::nearest::nearest;

use super::usage::Usage;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_names_are_told() {
        assert_eq!(
            unknown("object", "ordes", &["orders", "carriers"]).to_string(),
            "unknown object \"ordes\"; known: orders, carriers"
        );
    }
}
