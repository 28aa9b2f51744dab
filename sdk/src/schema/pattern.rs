//! The one form of `pattern` that our schemas use: `^[...]+$`, a set of characters.

/// Whether `text` matches; `None` when `pattern` has another form. In the set, a `-` between two
/// characters is a range, and one at the end stands for itself.
pub(super) fn matches(pattern: &str, text: &str) -> Option<bool> {
    let set = pattern.strip_prefix("^[")?.strip_suffix("]+$")?;
    if set.is_empty() || set.contains(['[', ']', '\\', '^']) {
        return None;
    }
    Some(!text.is_empty() && text.chars().all(|character| in_set(set, character)))
}

/// Whether `pattern` has the one form that is checked.
pub(super) fn is_pattern(pattern: &str) -> bool {
    matches(pattern, "").is_some()
}

fn in_set(set: &str, character: char) -> bool {
    let mut rest = set.chars();
    while let Some(first) = rest.next() {
        let mut ahead = rest.clone();
        let last = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) => {
                rest = ahead;
                last
            }
            _ => first,
        };
        if (first..=last).contains(&character) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_characters() {
        for (pattern, text, expected) in [
            ("^[a-z0-9-]+$", "dhl-germany2", Some(true)),
            ("^[a-z0-9-]+$", "DHL", Some(false)),
            ("^[a-z0-9-]+$", "", Some(false)),
            ("^[A-Z,]+$", "CHN,USA", Some(true)),
            ("^[A-Za-z0-9._/-]+$", "AB-1.2/3_x", Some(true)),
            ("^[A-Za-z0-9._/-]+$", "AB 1", Some(false)),
            ("^a+$", "a", None),
            ("[a-z]+", "a", None),
            (r"^[\d]+$", "1", None),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text:?}");
        }
    }
}
