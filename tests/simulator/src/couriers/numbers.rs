//! How tracking numbers look.

/// Only digits, so many of them.
pub(super) fn digits(number: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// A text, then so many digits.
pub(super) fn prefixed(number: &str, prefix: &str, count: std::ops::RangeInclusive<usize>) -> bool {
    number.strip_prefix(prefix).is_some_and(|rest| digits(rest, count))
}

/// A number of the Universal Postal Union: two letters, nine digits, the country.
pub(super) fn postal(number: &str, country: &str) -> bool {
    number.strip_suffix(country).and_then(|rest| rest.split_at_checked(2)).is_some_and(
        |(service, serial)| {
            service.bytes().all(|byte| byte.is_ascii_uppercase()) && digits(serial, 9..=9)
        },
    )
}
