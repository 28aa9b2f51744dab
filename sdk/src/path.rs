//! Path segments that stay one segment, and percent-encoding.

use crate::contract::Error;
use crate::signing::encode_hex;

/// Appends `text` with everything but RFC 3986's unreserved characters percent-encoded: a space
/// is `%20`, a plus `%2B`, a comma `%2C`. Many servers read an unencoded plus as a space.
pub fn push_encoded(into: &mut String, text: &str) {
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.extend(encode_hex(byte));
        }
    }
}

/// Puts `ids` in place of the template's `*` segments.
///
/// # Errors
/// Invalid-input for an id that could change the path: an empty one, `.`, `..`, or one
/// with a slash or a control character, which some servers read even when encoded. Anything else
/// is percent-encoded and so stays one segment.
pub fn fill(template: &str, ids: &[&str]) -> Result<String, Error> {
    let mut path = String::with_capacity(template.len() + 64);
    let mut ids = ids.iter();
    for segment in template.split('/').skip(1) {
        path.push('/');
        if segment == "*" {
            let id = ids.next().copied().unwrap_or_default();
            check(id)?;
            push_encoded(&mut path, id);
        } else {
            path.push_str(segment);
        }
    }
    Ok(path)
}

fn check(id: &str) -> Result<(), Error> {
    let reason = if id.is_empty() {
        "it is empty"
    } else if id == "." || id == ".." {
        "it is a path of its own"
    } else if id.contains(['/', '\\']) || id.chars().any(char::is_control) {
        "it holds a slash or a control character"
    } else {
        return Ok(());
    };
    let message =
        format!("This cannot be a record's id: {reason}. Give the id as the provider writes it.");
    Err(Error::invalid(message, Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_stays_one_segment() {
        for (id, path) in [
            ("0b02015f", "/trackings/0b02015f/retrack"),
            ("a?b#c", "/trackings/a%3Fb%23c/retrack"),
            ("..;x", "/trackings/..%3Bx/retrack"),
            ("%2e%2e", "/trackings/%252e%252e/retrack"),
            ("é", "/trackings/%C3%A9/retrack"),
        ] {
            assert_eq!(fill("/trackings/*/retrack", &[id]).unwrap(), path);
        }
        for id in ["", ".", "..", "a/b", "../couriers", "a\\b", "a\nb", "\u{7f}"] {
            assert!(
                matches!(fill("/trackings/*", &[id]), Err(error) if error.message.contains("id")),
                "{id:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_id_changes_the_path(id in any::<String>()) {
            if let Ok(path) = fill("/trackings/*", &[&id]) {
                let segment = path.strip_prefix("/trackings/").unwrap();
                prop_assert!(!segment.is_empty() && segment != "." && segment != "..");
                prop_assert!(segment.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(!segment.contains(['/', '?', '#', '\\', ';']));
            }
        }
    }
}
