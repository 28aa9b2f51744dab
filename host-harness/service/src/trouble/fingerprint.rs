//! What troubles of the same cause have in common.

use connector_contract::hex;
use connector_runtime::digest::digest;

/// Letters of a reason that are compared.
const LONGEST: usize = 300;
/// Digits of a fingerprint: 64 bits.
const DIGITS: usize = 16;

/// Names a group of troubles: of this kind, connector and object, for reasons of the same [`shape`].
#[must_use]
pub fn fingerprint(kind: &str, connector: &str, object: &str, reason: &str) -> String {
    let mut parts = Vec::new();
    for part in [kind, connector, object, &shape(reason)] {
        parts.extend_from_slice(&(part.len() as u64).to_be_bytes());
        parts.extend_from_slice(part.as_bytes());
    }
    let mut name = hex(&digest(&[&parts]));
    name.truncate(DIGITS);
    name
}

/// A reason without what is of one record: quoted values are `…`, and words with digits (numbers, ids,
/// times) are `#`.
#[must_use]
pub fn shape(reason: &str) -> String {
    let letters: Vec<char> = reason.chars().take(LONGEST).collect();
    let (mut shape, mut at) = (String::new(), 0);
    while let Some(&letter) = letters.get(at) {
        let after_word = at.checked_sub(1).and_then(|at| letters.get(at));
        // An apostrophe within a word quotes nothing.
        let quotes = !(letter == '\'' && after_word.is_some_and(|before| before.is_alphanumeric()));
        let rest = letters.get(at + 1..).unwrap_or_default();
        let end = closing(letter)
            .filter(|_| quotes)
            .and_then(|closing| rest.iter().position(|it| *it == closing));
        if let Some(end) = end {
            shape.extend([letter, '…', letter]);
            at += end + 2;
        } else if is_of_word(letter) {
            let word: String = letters.iter().skip(at).take_while(|it| is_of_word(**it)).collect();
            at += word.chars().count();
            // A full stop or a colon after a word is none of it.
            let bare = word.trim_end_matches(['.', ':', '-']);
            let behind = word.get(bare.len()..).unwrap_or_default();
            let has_digit = bare.chars().any(char::is_numeric);
            shape.push_str(if has_digit { "#" } else { bare });
            shape.push_str(behind);
        } else {
            let is_space = letter.is_whitespace() || letter.is_control();
            if !is_space {
                shape.push(letter);
            } else if !shape.ends_with(' ') {
                shape.push(' ');
            }
            at += 1;
        }
    }
    shape.trim().to_owned()
}

fn closing(opening: char) -> Option<char> {
    match opening {
        '"' | '\'' | '`' => Some(opening),
        '“' => Some('”'),
        '‘' => Some('’'),
        '«' => Some('»'),
        _ => None,
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':' | '+' | '%' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_one_record_is_left_out() {
        for (one, other) in [
            ("not found: no tracking \"a1\"", "not found: no tracking \"b 22, 'x'\""),
            ("record 5b7658ec7c33c0e007de3c5b is gone.", "record 0123abcd is gone."),
            ("at 2026-11-24T03:29:59Z: too late", "at 2027-01-01T00:00:00+02:00: too late"),
            ("status 502, after 3 tries", "status 503, after 12 tries"),
            ("`a` does   not fit", "`b`\u{7}does\nnot fit"),
            ("the member “x” isn't 'y'", "the member “z” isn't 'w'"),
        ] {
            let one_shape = shape(one).replace(" does", "does");
            assert_eq!(one_shape, shape(other).replace(" does", "does"), "{one}");
        }
        assert_eq!(shape("record 12: no \"number\", don't. 'a"), "record #: no \"…\", don't. 'a");
        assert_ne!(shape("not found"), shape("not allowed"));
        assert_eq!(shape(&"a1 ".repeat(200)).chars().count(), 2 * LONGEST / 3 - 1);
    }

    #[test]
    fn a_fingerprint_is_of_all_of_its_parts() {
        let name = |kind, connector, object| fingerprint(kind, connector, object, "no 1");
        let one = name("a", "b", "c");
        assert_eq!(one.len(), DIGITS);
        assert_eq!(one, fingerprint("a", "b", "c", "no 2"));
        for other in [name("ab", "", "c"), name("a", "bc", ""), name("", "b", "c")] {
            assert_ne!(one, other);
        }
    }
}
