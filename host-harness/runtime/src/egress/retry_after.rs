//! `Retry-After` (RFC 9110 section 10.2.3): how long an answer asks to be left alone.

use std::time::{Duration, SystemTime};

use super::client::HttpResponse;

/// Nobody means more than a monthly quota.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3_600);

/// The pause that `answer`, which came at `now`, asks for: seconds, also with a decimal, or a date.
/// Of a date what is left by the answer's own `Date` or by our clock counts, whichever is less,
/// because one of the two may be wrong. One that is given twice is none.
pub fn retry_after(answer: &HttpResponse, now: SystemTime) -> Option<Duration> {
    let value = answer.header("retry-after")?;
    let date = |text: &str| httpdate::parse_http_date(text.trim()).ok();
    match date(value) {
        Some(until) => {
            let clocks = [Some(now), answer.header("date").and_then(date)].into_iter().flatten();
            clocks.filter_map(|now| within_bounds(until.duration_since(now).ok()?)).min()
        }
        None => within_bounds(Duration::try_from_secs_f64(value.trim().parse().ok()?).ok()?),
    }
}

fn within_bounds(pause: Duration) -> Option<Duration> {
    (!pause.is_zero() && pause <= LONGEST).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let now = httpdate::parse_http_date("Sun, 22 Nov 2026 12:00:00 GMT").unwrap();
        let ms = Duration::from_millis;
        for (headers, expected) in [
            (&[("retry-after", "2")][..], Some(ms(2_000))),
            (&[("retry-after", " 2 ")], Some(ms(2_000))),
            (&[("retry-after", "1.5")], Some(ms(1_500))),
            (&[("retry-after", "0.25")], Some(ms(250))),
            (&[("retry-after", "21600")], Some(ms(21_600_000))),
            (&[("retry-after", "Sun, 22 Nov 2026 12:00:09 GMT")], Some(ms(9_000))),
            (&[("retry-after", "Sunday, 22-Nov-26 12:00:09 GMT")], Some(ms(9_000))),
            (
                &[
                    ("date", "Sun, 22 Nov 2026 10:00:00 GMT"),
                    ("retry-after", "Sun, 22 Nov 2026 10:00:30 GMT"),
                ],
                Some(ms(30_000)),
            ),
            (
                &[
                    ("date", "Wed, 02 Dec 2026 12:00:00 GMT"),
                    ("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT"),
                ],
                Some(ms(30_000)),
            ),
            (&[("retry-after", "Sun, 22 Nov 2026 11:59:59 GMT")], None),
            (&[("retry-after", "0")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "inf")], None),
            (&[("retry-after", "99999999999999999999")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "9"), ("retry-after", "0")], None),
            (&[("retry-after", "9, 0")], None),
            (&[], None),
        ] {
            let owned = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            let answer = HttpResponse { status: 429, headers: owned.collect(), body: Vec::new() };
            assert_eq!(retry_after(&answer, now), expected, "{headers:?}");
        }
    }
}
