//! Values that are not handed on.

use super::{Kind, Malformed, Reader};

/// The text with `null` in place of the value of every member that has one of these names, however
/// deep. All else stays token for token.
///
/// # Errors
/// [`Malformed`] when `text` is not one JSON value.
pub fn nulled(text: &str, names: &[&str]) -> Result<String, Malformed> {
    let mut reader = Reader::new(text);
    let mut found = Vec::new();
    find(&mut reader, names, &mut found)?;
    reader.end()?;
    let mut kept = String::with_capacity(text.len());
    let mut rest = 0;
    for (from, to) in found {
        kept.push_str(text.get(rest..from).unwrap_or_default());
        kept.push_str("null");
        rest = to;
    }
    kept.push_str(text.get(rest..).unwrap_or_default());
    Ok(kept)
}

// Recursion is bounded by the reader's `MAX_DEPTH`.
fn find(
    reader: &mut Reader<'_>,
    names: &[&str],
    found: &mut Vec<(usize, usize)>,
) -> Result<(), Malformed> {
    match reader.kind()? {
        Kind::Object => {
            reader.open_object()?;
            while let Some(name) = reader.next_member()? {
                if names.iter().any(|known| name.is(known)) {
                    let from = reader.mark();
                    found.push((from, from + reader.skip()?.len()));
                } else {
                    find(reader, names, found)?;
                }
            }
        }
        Kind::List => {
            reader.open_list()?;
            while reader.next_item()? {
                find(reader, names, found)?;
            }
        }
        _ => {
            reader.skip()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_values_go() {
        for (text, expected) in [
            (r#"{"a": 1.50, "key" : "x" , "b":[]}"#, r#"{"a": 1.50, "key" : null , "b":[]}"#),
            (
                r#"[{"key":{"deep":[1]}},{"b":{"key":"\"}"}}]"#,
                r#"[{"key":null},{"b":{"key":null}}]"#,
            ),
            (
                r#"{"k\u0065y":"x","key":[],"key":null}"#,
                r#"{"k\u0065y":null,"key":null,"key":null}"#,
            ),
            (r#" {"keys":"x","a":"key"} "#, r#" {"keys":"x","a":"key"} "#),
            (r#""key""#, r#""key""#),
        ] {
            assert_eq!(nulled(text, &["key"]).unwrap(), expected);
        }
        assert!(nulled(r#"{"key":"x"}}"#, &["key"]).is_err());
    }
}
