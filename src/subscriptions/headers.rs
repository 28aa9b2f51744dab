//! Headers of a delivery, whose names come in any case (RFC 9110 section 5.1).

/// The value of a header that stands there exactly once.
pub(super) fn only<'h>(headers: &'h [(String, Vec<u8>)], name: &str) -> Option<&'h [u8]> {
    let mut values = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    values.next().is_none().then_some(value.as_slice())
}
