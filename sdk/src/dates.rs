//! Times, in and out.
//!
//! Read in any form of RFC 3339 or HTTP; written in one form each. [`format()`] writes UTC as
//! `+00:00`, since some providers refuse a `Z` or a fraction.

const DAY: i64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A time as somebody wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    seconds: i64,
    fraction: bool,
}

impl Instant {
    /// The last whole second that is not after it, in seconds since 1970: for lower bounds.
    #[must_use]
    pub fn floor(self) -> i64 {
        self.seconds
    }

    /// The first whole second that is not before it, in seconds since 1970: for upper bounds.
    #[must_use]
    pub fn ceil(self) -> i64 {
        self.seconds + i64::from(self.fraction)
    }
}

/// Reads RFC 3339: any offset, any fraction, `Z`, and a leap second (as the second after it).
#[must_use]
pub fn parse(text: &str) -> Option<Instant> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T' | b't' | b' ', time @ ..] =
        text.as_bytes()
    else {
        return None;
    };
    let [h0, h1, b':', n0, n1, b':', s0, s1, rest @ ..] = time else { return None };
    let (year, month, day) =
        (number(&[*y0, *y1, *y2, *y3])?, number(&[*m0, *m1])?, number(&[*d0, *d1])?);
    let (hour, minute, second) = (number(&[*h0, *h1])?, number(&[*n0, *n1])?, number(&[*s0, *s1])?);
    let (fraction, rest) = fraction(rest)?;
    let offset = offset(rest)?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !in_range {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    Some(Instant { seconds: seconds - offset, fraction })
}

/// Writes seconds since 1970 as `YYYY-MM-DDTHH:MM:SS+00:00`. Years outside 0 to 9999 have no such
/// form and are held at its ends.
#[must_use]
pub fn format(seconds: i64) -> String {
    let [year, month, day, hour, minute, second] = civil(held(seconds));
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00")
}

/// Writes seconds since 1970 as HTTP does, `Sun, 22 Nov 2026 12:00:00 GMT` (RFC 9110 section
/// 5.6.7). Years outside 0 to 9999 are held at the ends.
#[must_use]
pub fn http(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let seconds = held(seconds);
    let [year, month, day, hour, minute, second] = civil(seconds);
    // 1970-01-01 was a Thursday.
    let weekday = name(&DAYS, seconds.div_euclid(DAY).rem_euclid(7));
    let month = name(&MONTHS, month - 1);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads a time as HTTP writes it, in seconds since 1970: each of the three forms that RFC 9110
/// section 5.6.7 lets stand. The name of the day says nothing, and is not looked at.
#[must_use]
pub fn parse_http(text: &str) -> Option<i64> {
    let (day_name, rest) = text.split_once([',', ' '])?;
    if !day_name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let fields: Vec<&str> = rest.split([' ', '-']).filter(|field| !field.is_empty()).collect();
    let [day, month, year, time] = match *fields.as_slice() {
        [day, month, year, time, "GMT"] => [day, month, year, time],
        // As C writes it: `Nov  6 08:49:37 1994`.
        [month, day, time, year] => [day, month, year, time],
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
    let year = match year.len() {
        // Two digits are the year of that ending nearest to now, which is in this century.
        2 => format!("20{year}"),
        _ => year.to_owned(),
    };
    parse(&format!("{year}-{month:02}-{day:0>2}T{time}Z")).map(Instant::floor)
}

fn name(names: &[&'static str], index: i64) -> &'static str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default()
}

/// The nearest time of the years 0 to 9999.
fn held(seconds: i64) -> i64 {
    seconds.clamp(days_from_civil(0, 1, 1) * DAY, days_from_civil(10_000, 1, 1) * DAY - 1)
}

/// Year, month, day, hour, minute, second.
fn civil(seconds: i64) -> [i64; 6] {
    let (year, month, day) = civil_from_days(seconds.div_euclid(DAY));
    let time = seconds.rem_euclid(DAY);
    [year, month, day, time / 3600, time / 60 % 60, time % 60]
}

fn number(digits: &[u8]) -> Option<i64> {
    let mut value = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(value)
}

/// Whether a fraction other than zero stands there, and what follows.
fn fraction(text: &[u8]) -> Option<(bool, &[u8])> {
    let [b'.', digits @ ..] = text else { return Some((false, text)) };
    let end = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(end)?;
    (end > 0).then(|| (digits.iter().any(|digit| *digit != b'0'), rest))
}

/// Seconds east of UTC.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, h0, h1, m0, m1) = match text {
        [b'Z' | b'z'] => return Some(0),
        [b'+', h0, h1, b':', m0, m1] => (1, h0, h1, m0, m1),
        [b'-', h0, h1, b':', m0, m1] => (-1, h0, h1, m0, m1),
        _ => return None,
    };
    let (hours, minutes) = (number(&[*h0, *h1])?, number(&[*m0, *m1])?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years are counted from March, so that the leap day is a year's last
/// day and months have a closed formula; 146,097 days are 400 years.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_that_people_write() {
        for (text, floor, ceil) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("2026-11-22T09:30:00+00:00", 1_795_339_800, 1_795_339_800),
            ("2026-11-22T17:30:00+08:00", 1_795_339_800, 1_795_339_800),
            ("2026-11-22T04:30:00-05:00", 1_795_339_800, 1_795_339_800),
            ("2026-11-22t09:30:00.000z", 1_795_339_800, 1_795_339_800),
            ("2026-11-22 09:30:00.001Z", 1_795_339_800, 1_795_339_801),
            ("2000-02-29T00:00:00Z", 951_782_400, 951_782_400),
            ("2016-12-31T23:59:60Z", 1_483_228_800, 1_483_228_800),
            ("1969-12-31T23:59:59.5Z", -1, 0),
        ] {
            let instant = parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((instant.floor(), instant.ceil()), (floor, ceil), "{text}");
        }
    }

    #[test]
    fn http_dates() {
        for (seconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            // The example of RFC 9110 section 5.6.7.
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_795_348_800, "Sun, 22 Nov 2026 12:00:00 GMT"),
        ] {
            assert_eq!(http(seconds), expected);
            assert_eq!(parse_http(expected), Some(seconds));
        }
        for (text, expected) in [
            // The other examples of RFC 9110 section 5.6.7, the first in this century.
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(3_939_871_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("sun, 06 nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("Sun, 31 Feb 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
            ("Sun, 06 Now 1994 08:49:37 GMT", None),
            ("1994-11-06T08:49:37Z", None),
            ("120", None),
            ("", None),
        ] {
            assert_eq!(parse_http(text), expected, "{text}");
        }
    }

    #[test]
    fn forms_that_are_no_time() {
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T09:30:00",
            "2026-11-22T09:30Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T09:60:00Z",
            "2026-11-22T09:30:61Z",
            "2026-11-22T09:30:00.Z",
            "2026-11-22T09:30:00+0800",
            "2026-11-22T09:30:00+24:00",
            "2026-11-22T09:30:00Z ",
            "+026-11-22T09:30:00Z",
            "2026-11-22T09:30:00+00:00x",
            "２０２６-11-22T09:30:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(seconds in -62_135_596_800_i64..253_402_300_800) {
            let text = format(seconds);
            prop_assert_eq!(text.len(), 25);
            prop_assert!(text.ends_with("+00:00"));
            prop_assert_eq!(parse(&text), Some(Instant { seconds, fraction: false }));
        }

        #[test]
        fn an_offset_names_the_same_instant(
            seconds in -62_135_000_000_i64..253_402_000_000, hours in -23_i64..=23, minutes in 0_i64..60,
        ) {
            let sign = if hours < 0 { '-' } else { '+' };
            let east = hours * 3600 + hours.signum() * minutes * 60;
            let local = format(seconds + east).replace("+00:00", "");
            let minutes = if hours == 0 { 0 } else { minutes };
            let text = format!("{local}{sign}{:02}:{minutes:02}", hours.abs());
            prop_assert_eq!(parse(&text).map(Instant::floor), Some(seconds));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = (1599, 12, 31);
        for days in days_from_civil(1600, 1, 1)..days_from_civil(2401, 1, 1) {
            let (year, month, day) = expected;
            expected = if day < days_in(year, month) {
                (year, month, day + 1)
            } else if month < 12 {
                (year, month + 1, 1)
            } else {
                (year + 1, 1, 1)
            };
            assert_eq!(civil_from_days(days), expected);
        }
    }
}
