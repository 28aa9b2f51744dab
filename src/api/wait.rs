//! How long AfterShip asks us to wait.

/// Longer hints are ignored: free plans once named a reset a day away, and the host must not
/// sleep on it.
const LONGEST_MS: u64 = 3_600_000;

/// Milliseconds that the headers ask to wait, if they say so readably.
///
/// `retry-after` (seconds; AfterShip's tracking API documents none, but a gateway may send it)
/// goes before `x-ratelimit-reset` (Unix seconds). A value that is no number, lies in the past or
/// more than an hour ahead, or that comes twice, is ignored.
#[must_use]
pub fn hint_ms(headers: &[(String, String)], now_ms: u64) -> Option<u32> {
    retry_after_ms(headers).or_else(|| {
        let reset_ms = number(headers, "x-ratelimit-reset")?.checked_mul(1000)?;
        within_an_hour(reset_ms.checked_sub(now_ms)?)
    })
}

/// The part of [`hint_ms`] that comes from `retry-after`.
#[must_use]
pub fn retry_after_ms(headers: &[(String, String)]) -> Option<u32> {
    within_an_hour(number(headers, "retry-after")?.checked_mul(1000)?)
}

fn within_an_hour(ms: u64) -> Option<u32> {
    if ms == 0 || ms > LONGEST_MS {
        return None;
    }
    u32::try_from(ms).ok()
}

fn number(headers: &[(String, String)], name: &str) -> Option<u64> {
    let mut values = headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.trim().parse().ok()
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
    fn only_readable_hints_count() {
        for (headers, expected) in [
            (&[("retry-after", "2")][..], Some(2000)),
            (&[("retry-after", " 2 ")], Some(2000)),
            (&[("retry-after", "3600")], Some(3_600_000)),
            (&[("retry-after", "3601")], None),
            (&[("retry-after", "0")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "99999999999999999999")], None),
            (&[("retry-after", "Sun, 22 Nov 2026 12:00:00 GMT")], None),
            (&[("retry-after", "9, 0")], None),
            (&[("retry-after", "9"), ("retry-after", "0")], None),
            (&[("x-ratelimit-reset", "1795339801")], Some(750)),
            (&[("x-ratelimit-reset", "1795339800")], None),
            (&[("x-ratelimit-reset", "1795350000")], None),
            (&[("x-ratelimit-reset", "1795339801, 1795339801")], None),
            (&[("x-ratelimit-reset", "18446744073709551615")], None),
            (&[("x-ratelimit-reset", "1795339801"), ("retry-after", "5")], Some(5000)),
            (&[("x-ratelimit-reset", "1795339801"), ("retry-after", "later")], Some(750)),
            (&[], None),
        ] {
            assert_eq!(hint(headers), expected, "{headers:?}");
        }
    }
}
