//! The forms of date and time that the API writes and accepts.

use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// Milliseconds in a day.
pub(crate) const DAY_MS: u64 = 86_400_000;

/// `2026-11-22T12:00:00+00:00`: how the API writes its own times, in whole seconds UTC.
pub(crate) fn format_utc(ms: u64) -> String {
    format!("{}+00:00", format_naive(ms))
}

/// `2026-11-22T12:00:00`: a time without a zone, as many couriers report it.
pub(crate) fn format_naive(ms: u64) -> String {
    let at = moment(ms);
    format!("{}T{}", format_date(at.date()), format_clock(at.time()))
}

/// `2026-11-22`.
pub(crate) fn format_day(ms: u64) -> String {
    format_date(moment(ms).date())
}

/// `Sun, 22 Nov 2026 12:00:00 GMT`: the `date` header.
pub(crate) fn format_http(ms: u64) -> String {
    let at = moment(ms);
    let mut weekday = at.weekday().to_string();
    let mut month = at.month().to_string();
    weekday.truncate(3);
    month.truncate(3);
    let clock = format_clock(at.time());
    format!("{weekday}, {:02} {month} {} {clock} GMT", at.day(), at.year())
}

/// Reads the one form that list filters take: `YYYY-MM-DDTHH:MM:SS+HH:MM`, with a plus offset, no
/// `Z`, no fraction. Answers Unix seconds.
///
/// Source: AfterShip API 2026-07, GET /trackings, `created_at_min` and its like.
pub(crate) fn parse_filter(text: &str) -> Option<i64> {
    let at = parse_zoned(text)?;
    (text.len() == 25 && text.as_bytes().get(19) == Some(&b'+')).then(|| at.unix_timestamp())
}

/// Reads any RFC 3339 time, as the `created_at` and `updated_at` of stored trackings. Answers
/// milliseconds since 1970, not below.
pub(crate) fn parse_stored(text: &str) -> Option<u64> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// Reads the one form that [`format_http`] writes. Answers milliseconds since 1970, not below.
pub(crate) fn parse_http(text: &str) -> Option<u64> {
    let at = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    let ms = u64::try_from(at.unix_timestamp()).ok()? * 1000;
    (format_http(ms) == text).then_some(ms)
}

/// Reads `YYYY-MM-DD HH:mm:ss`, a time of the place where a parcel starts; also with a `T`, without
/// seconds, and with a zone, which does not matter.
pub(crate) fn parse_local(text: &str) -> Option<PrimitiveDateTime> {
    let (day, rest) = text.split_at_checked(10)?;
    let clock = rest.strip_prefix([' ', 'T'])?;
    let clock = clock.split(['Z', '+', '-', '.']).next()?;
    Some(parse_day(day)?.with_time(parse_clock(clock)?))
}

/// Writes what [`parse_local`] reads.
pub(crate) fn format_local(at: PrimitiveDateTime) -> String {
    format!("{} {}", format_date(at.date()), format_clock(at.time()))
}

/// Reads `HH:mm:ss`, or `HH:mm`.
pub(crate) fn parse_clock(text: &str) -> Option<Time> {
    let whole = numbers(text, "##:##:##");
    let [hour, minute, second] =
        whole.or_else(|| numbers(text, "##:##").map(|[hour, minute]| [hour, minute, 0]))?;
    Time::from_hms(u8::try_from(hour).ok()?, u8::try_from(minute).ok()?, u8::try_from(second).ok()?)
        .ok()
}

/// Whether the text is `YYYYMMDD`.
pub(crate) fn is_compact_day(text: &str) -> bool {
    let parts = text.split_at_checked(4).and_then(|(year, rest)| {
        let (month, day) = rest.split_at_checked(2)?;
        parse_day(&format!("{year}-{month}-{day}"))
    });
    parts.is_some()
}

/// Whether the text is `YYYY-MM-DD`, `YYYY-MM-DDTHH:mm:ss` or that with a zone.
pub(crate) fn is_date_or_time(text: &str) -> bool {
    parse_day(text).is_some() || parse_naive(text).is_some() || parse_zoned(text).is_some()
}

/// Whether the text is `YYYY-MM-DDTHH:mm:ss` with a zone (`Z` or `+HH:MM` or `-HH:MM`).
pub(crate) fn is_zoned(text: &str) -> bool {
    parse_zoned(text).is_some()
}

fn moment(ms: u64) -> OffsetDateTime {
    let seconds = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// `2026-11-22`.
pub(crate) fn format_date(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

/// `12:00:00`.
pub(crate) fn format_clock(time: Time) -> String {
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

fn parse_day(text: &str) -> Option<Date> {
    let [year, month, day] = numbers(text, "####-##-##")?;
    Date::from_calendar_date(
        i32::try_from(year).ok()?,
        Month::try_from(u8::try_from(month).ok()?).ok()?,
        u8::try_from(day).ok()?,
    )
    .ok()
}

fn parse_naive(text: &str) -> Option<OffsetDateTime> {
    let (day, clock) = text.split_once('T')?;
    let whole = clock.len() == 8;
    Some(parse_day(day)?.with_time(parse_clock(clock).filter(|_| whole)?).assume_utc())
}

fn parse_zoned(text: &str) -> Option<OffsetDateTime> {
    let (naive, zone) = text.split_at_checked(19)?;
    let at = parse_naive(naive)?;
    let offset = match zone.split_at_checked(1)? {
        ("Z", "") => UtcOffset::UTC,
        (sign @ ("+" | "-"), clock) => {
            let [hours, minutes] = numbers(clock, "##:##")?;
            // Beyond 23:59 no zone exists; `time` checks only its own wider range.
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
            let seconds = if sign == "-" { -seconds } else { seconds };
            UtcOffset::from_whole_seconds(seconds).ok()?
        }
        _ => return None,
    };
    Some(at.replace_offset(offset))
}

/// Reads runs of digits where the shape has `#`; everything else must stand there literally.
fn numbers<const COUNT: usize>(text: &str, shape: &str) -> Option<[u32; COUNT]> {
    if text.len() != shape.len() {
        return None;
    }
    let mut found = [0; COUNT];
    let mut places = found.iter_mut();
    let mut place = places.next()?;
    for (byte, wanted) in text.bytes().zip(shape.bytes()) {
        match wanted {
            b'#' if byte.is_ascii_digit() => *place = *place * 10 + u32::from(byte - b'0'),
            _ if wanted == byte && wanted != b'#' => place = places.next()?,
            _ => return None,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_795_348_800_000;

    #[test]
    fn times_are_written_in_every_form() {
        assert_eq!(format_utc(NOON + 999), "2026-11-22T12:00:00+00:00");
        assert_eq!(format_naive(NOON), "2026-11-22T12:00:00");
        assert_eq!(format_day(NOON), "2026-11-22");
        assert_eq!(format_http(NOON), "Sun, 22 Nov 2026 12:00:00 GMT");
    }

    #[test]
    fn a_date_header_takes_one_form_only() {
        assert_eq!(parse_http("Sun, 22 Nov 2026 12:00:00 GMT"), Some(NOON));
        for refused in [
            "Sun, 22 Nov 2026 12:00:00 +0000",
            "Sun, 22 Nov 2026 12:00:00 UTC",
            "Mon, 22 Nov 2026 12:00:00 GMT",
            "22 Nov 2026 12:00:00 GMT",
            "Sunday, 22-Nov-26 12:00:00 GMT",
            "Sun Nov 22 12:00:00 2026",
            "2026-11-22T12:00:00Z",
            "",
        ] {
            assert_eq!(parse_http(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_filter_takes_one_form_only() {
        assert_eq!(parse_filter("2026-11-22T12:00:00+00:00"), Some(1_795_348_800));
        assert_eq!(parse_filter("2026-11-22T20:00:00+08:00"), Some(1_795_348_800));
        for refused in [
            "2026-11-22T12:00:00Z",
            "2026-11-22T12:00:00 00:00",
            "2026-11-22T12:00:00-00:00",
            "2026-11-22T12:00:00.000+00:00",
            "2026-11-22T12:00:00+0000",
            "2026-11-22T12:00:00+24:00",
            "2026-11-22 12:00:00+00:00",
            "2026-11-22t12:00:00+00:00",
            "2026-02-30T12:00:00+00:00",
            "2026-11-22T25:00:00+00:00",
            "2026-11-22",
            "",
        ] {
            assert_eq!(parse_filter(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_body_takes_three_forms() {
        for accepted in [
            "2026-11-22",
            "2026-11-22T12:00:00",
            "2026-11-22T12:00:00Z",
            "2026-11-22T12:00:00-05:00",
        ] {
            assert!(is_date_or_time(accepted), "{accepted}");
        }
        for refused in
            ["20261122", "2026-11-32", "2026-11-22T12:00", "soon", "2026-11-22T12:00:00+8"]
        {
            assert!(!is_date_or_time(refused), "{refused}");
        }
        assert!(is_zoned("2026-11-22T12:00:00+08:00"));
        assert!(!is_zoned("2026-11-22T12:00:00"));
    }

    #[test]
    fn local_times_have_some_forms_and_compact_days_one() {
        for text in ["2026-11-22 09:05:00", "2026-11-22T09:05", "2026-11-22T09:05:00.5+08:00"] {
            let read = parse_local(text).map(format_local);
            assert_eq!(read.as_deref(), Some("2026-11-22 09:05:00"), "{text}");
        }
        for refused in ["2026-11-22 9:05:00", "2026-11-22", "2026-02-30 09:05:00", "2026-11-22 9"] {
            assert_eq!(parse_local(refused), None, "{refused}");
        }
        assert!(is_compact_day("20261122"));
        for refused in ["2026-11-22", "20261322", "202611", "2026112", "２0261122"] {
            assert!(!is_compact_day(refused), "{refused}");
        }
    }

    #[test]
    fn stored_times_keep_their_milliseconds() {
        assert_eq!(parse_stored("2026-11-22T12:00:00+00:00"), Some(NOON));
        assert_eq!(parse_stored("2026-11-22T12:00:00.5Z"), Some(NOON + 500));
        assert_eq!(parse_stored("yesterday"), None);
    }
}
