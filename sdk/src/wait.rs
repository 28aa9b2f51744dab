//! How long a provider asks to wait.
//!
//! `retry-after` goes before `x-ratelimit-reset` (Unix seconds). Where a
//! provider documents none, a gateway may send one, in each form of RFC 9110 section 10.2.3 and with
//! decimals. What a quota of a day or month asks for is told as it is: whether to wait so long is
//! the host's to decide.
//!
//! Times of day are compared with the `date` of the same answer and with the host's clock, and the
//! shorter wait counts: one of the two clocks may be wrong.

use crate::contract::first_header as header;
use crate::dates;

/// No limit is of more than a month, so a longer wait is a mistake.
const LONGEST_MS: u64 = 31 * 86_400_000;

/// Milliseconds that the headers ask to wait, if they say so readably.
#[must_use]
pub fn hint_ms(headers: &[(String, String)], now_ms: u64) -> Option<u32> {
    retry_after_ms(headers, now_ms).or_else(|| {
        let reset: u64 = header(headers, "x-ratelimit-reset")?.trim().parse().ok()?;
        until(reset.checked_mul(1000)?, headers, now_ms)
    })
}

/// The part of [`hint_ms`] that comes from `retry-after`. Several that contradict each other say
/// nothing.
#[must_use]
pub fn retry_after_ms(headers: &[(String, String)], now_ms: u64) -> Option<u32> {
    let mut values = headers.iter().filter(|(name, _)| name == "retry-after");
    let (_, value) = values.next()?;
    if values.any(|(_, other)| other != value) {
        return None;
    }
    match dates::parse_http(value.trim()) {
        Some(seconds) => until(u64::try_from(seconds).ok()?.checked_mul(1000)?, headers, now_ms),
        None => decimal_ms(value.trim()),
    }
}

/// From now to this time, by the clock that makes it shorter.
fn until(ms: u64, headers: &[(String, String)], now_ms: u64) -> Option<u32> {
    let date = header(headers, "date").and_then(dates::parse_http);
    let date = date.and_then(|seconds| u64::try_from(seconds).ok()?.checked_mul(1000));
    let waits = [Some(now_ms), date].into_iter().flatten().filter_map(|now| ms.checked_sub(now));
    waits.filter_map(in_bounds).min()
}

/// `2` or `2.5` seconds; what is finer than a millisecond is rounded up.
fn decimal_ms(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let digits = fraction.bytes().map(|digit| u64::from(digit - b'0')).chain([0, 0, 0]);
    let thousandths = digits.clone().take(3).fold(0, |sum, digit| sum * 10 + digit);
    let rest = u64::from(digits.skip(3).any(|digit| digit > 0));
    in_bounds(whole.parse::<u64>().ok()?.checked_mul(1000)? + thousandths + rest)
}

fn in_bounds(ms: u64) -> Option<u32> {
    u32::try_from(ms).ok().filter(|_| (1..=LONGEST_MS).contains(&ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_795_339_800_250;

    fn hint(headers: &[(&str, &str)]) -> Option<u32> {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        hint_ms(&headers, NOW_MS)
    }

    #[test]
    fn every_form_of_a_hint_counts() {
        for (headers, expected) in [
            (&[("retry-after", "2")][..], Some(2000)),
            (&[("retry-after", " 2 ")], Some(2000)),
            (&[("retry-after", "2.5")], Some(2500)),
            (&[("retry-after", "0.0001")], Some(1)),
            (&[("retry-after", "1.00049")], Some(1001)),
            // The hours of a daily quota.
            (&[("retry-after", "40000")], Some(40_000_000)),
            (&[("retry-after", "2678400")], Some(2_678_400_000)),
            (&[("retry-after", "2678401")], None),
            (&[("retry-after", "0")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "1.")], None),
            (&[("retry-after", ".5")], None),
            (&[("retry-after", "1e3")], None),
            (&[("retry-after", "99999999999999999999")], None),
            // 2026-11-22T09:30:00.250Z is now.
            (&[("retry-after", "Sun, 22 Nov 2026 09:30:07 GMT")], Some(6750)),
            (&[("retry-after", "Sunday, 22-Nov-26 12:30:00 GMT")], Some(10_799_750)),
            (&[("retry-after", "Sun Nov 22 09:30:07 2026")], Some(6750)),
            (&[("retry-after", "Sun, 22 Nov 2026 09:29:00 GMT")], None),
            // What comes twice, or was joined by a proxy, must not contradict itself.
            (&[("retry-after", "9"), ("retry-after", "9")], Some(9000)),
            (&[("retry-after", "9, 0")], None),
            (&[("retry-after", "0"), ("retry-after", "86400")], None),
            (&[("x-ratelimit-reset", "1795339801")], Some(750)),
            (&[("x-ratelimit-reset", "1795339800")], None),
            (&[("x-ratelimit-reset", "1795350000")], Some(10_199_750)),
            (&[("x-ratelimit-reset", "1795339801, 1795339801")], None),
            (&[("x-ratelimit-reset", "18446744073709551615")], None),
            (&[("x-ratelimit-reset", "1795339801"), ("retry-after", "5")], Some(5000)),
            (&[("x-ratelimit-reset", "1795339801"), ("retry-after", "later")], Some(750)),
            (&[], None),
        ] {
            assert_eq!(hint(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_wrong_clock_makes_no_wait_longer() {
        let at = |date: &str, value: &str| hint(&[("date", date), ("retry-after", value)]);
        let in_ten = |minute| format!("Sun, 22 Nov 2026 09:{minute}:10 GMT");
        for (date, retry_after, expected) in [
            // The host is half an hour ahead, or behind.
            ("Sun, 22 Nov 2026 09:00:00 GMT", in_ten("00"), Some(10_000)),
            ("Sun, 22 Nov 2026 09:59:00 GMT", in_ten("59"), Some(10_000)),
            // The answer's date is ten days ahead, or behind.
            ("Wed, 02 Dec 2026 09:30:00 GMT", in_ten("30"), Some(9750)),
            ("Thu, 12 Nov 2026 09:30:00 GMT", in_ten("30"), Some(9750)),
            ("yesterday", in_ten("30"), Some(9750)),
        ] {
            assert_eq!(at(date, &retry_after), expected, "{date}");
        }
        let reset =
            [("date", "Sun, 22 Nov 2026 09:00:00 GMT"), ("x-ratelimit-reset", "1795338003")];
        assert_eq!(hint(&reset), Some(3000));
    }
}
