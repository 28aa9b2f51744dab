//! The name that was probably meant.

/// Letters that names share at least which begin alike: these, and three quarters of the shorter.
const BEGINNING: usize = 4;

/// The name in `known` that is nearest to `word`, if one is near at all: at most a third of its
/// letters differ, or they begin alike. Case, and signs between words, do not count.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = plain(word);
    let (name, distance) = known
        .iter()
        .map(|name| (*name, strsim::levenshtein(&word, &plain(name))))
        .min_by_key(|(_, distance)| *distance)?;
    let longest = plain(name).chars().count().max(word.chars().count());
    if distance * 3 <= longest {
        return Some(name);
    }
    let begins = |name: &&&str| {
        let name = plain(name);
        let shared = name.chars().zip(word.chars()).take_while(|(one, other)| one == other).count();
        let shorter = name.chars().count().min(word.chars().count());
        shared >= BEGINNING && shared * 4 >= shorter * 3
    };
    known.iter().find(begins).copied()
}

/// A name in small letters, without the signs between its words.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = ["orders", "order-lines", "carriers"];
        assert_eq!(nearest("order", &known), Some("orders"));
        assert_eq!(nearest("Carrier", &known), Some("carriers"));
        assert_eq!(nearest("xyz", &known), None);
        assert_eq!(nearest("orders", &[]), None);
        assert_eq!(nearest("Tracking No", &["Name", "Tracking Number"]), Some("Tracking Number"));
        assert_eq!(nearest("Tracking No", &["tracking_no", "order"]), Some("tracking_no"));
    }
}
