//! When a time that a provider wrote has passed.

use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

/// Where a day ends last: who writes no offset may have meant it.
const LAST_ZONE_H: i8 = -12;

/// The time (milliseconds since 1970) at which what a text says has passed for certain. A date has passed when its
/// day has ended everywhere, and a time without an offset when it is past everywhere: nothing is told too
/// early. `None`: it is no date and no time.
pub(super) fn passed_ms(text: &str) -> Option<u64> {
    let (date, rest) = text.trim().split_at_checked(10)?;
    let date = date_of(date)?;
    let last = || UtcOffset::from_hms(LAST_ZONE_H, 0, 0).ok();
    let at = match rest.strip_prefix(['T', 't', ' ']) {
        None if rest.is_empty() => date.next_day()?.midnight().assume_offset(last()?),
        None => return None,
        Some(rest) => {
            let (time, offset) = match rest.find(['Z', 'z', '+', '-']) {
                Some(at) => {
                    let (time, offset) = rest.split_at_checked(at)?;
                    (time, offset_of(offset)?)
                }
                None => (rest, last()?),
            };
            PrimitiveDateTime::new(date, time_of(time.trim_end())?).assume_offset(offset)
        }
    };
    u64::try_from(at.unix_timestamp()).ok()?.checked_mul(1_000)
}

fn number<T: std::str::FromStr>(text: &str, digits: usize) -> Option<T> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// `YYYY-MM-DD`.
fn date_of(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let year = number::<u16>(parts.next()?, 4)?;
    let month = Month::try_from(number::<u8>(parts.next()?, 2)?).ok()?;
    Date::from_calendar_date(year.into(), month, number(parts.next()?, 2)?).ok()
}

/// `HH:MM`, `HH:MM:SS`, and with a fraction, which is left out.
fn time_of(text: &str) -> Option<Time> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = match parts.next() {
        Some(second) => number::<u8>(second.split(['.', ',']).next()?, 2)?.min(59),
        None => 0,
    };
    Time::from_hms(hour, minute, second).ok()
}

/// `Z`, `+HH`, `+HHMM` or `+HH:MM`.
fn offset_of(text: &str) -> Option<UtcOffset> {
    if text.eq_ignore_ascii_case("z") {
        return Some(UtcOffset::UTC);
    }
    let (sign, digits) = text.split_at_checked(1)?;
    let digits = digits.replace(':', "");
    let (hours, minutes) = digits.split_at_checked(2)?;
    let hours: i8 = number(hours, 2)?;
    let minutes: i8 = if minutes.is_empty() { 0 } else { number(minutes, 2)? };
    let of = if sign == "-" { -1 } else { 1 };
    UtcOffset::from_hms(of * hours, of * minutes, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_passed_where_it_passes_last() {
        let noon = Some(1_795_867_200_000); // 2026-11-28T12:00:00Z
        for same in [
            "2026-11-28T12:00:00Z",
            "2026-11-28T12:00:00.999+00:00",
            "2026-11-28 12:00Z",
            "2026-11-28T13:30:00+01:30",
            "2026-11-28T07:00:00-0500",
            // Midnight there, and no offset: that of the last zone.
            "2026-11-28T00:00:00",
            "2026-11-28 00:00",
            // A day, until its end in the last zone.
            "2026-11-27",
        ] {
            assert_eq!(passed_ms(same), noon, "{same}");
        }
        let odd =
            ["", "soon", "2026-11-31", "2026-11-2", "2026-11-28x", "2026-11-28T25:00", "20261128"];
        for odd in
            odd.into_iter().chain(["2026-11-28T12:00+1", "1969-01-01", "2026-11-28T", "äöü-ä-ö-ü"])
        {
            assert_eq!(passed_ms(odd), None, "{odd}");
        }
    }
}
