//! The forms of date and time that the API writes and accepts.

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

type Form = &'static [BorrowedFormatItem<'static>];

const DAY: Form = format_description!("[year]-[month]-[day]");
const COMPACT_DAY: Form = format_description!("[year][month][day]");
const CLOCK: Form = format_description!("[hour]:[minute]:[second]");
const SHORT_CLOCK: Form = format_description!("[hour]:[minute]");
const NAIVE: Form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
const LOCAL: Form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const HTTP: Form = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// Milliseconds in a day.
pub(crate) const DAY_MS: u64 = 86_400_000;

/// `2026-11-22T12:00:00+00:00`: how the API writes its own times, in whole seconds UTC.
pub(crate) fn format_utc(ms: u64) -> String {
    format!("{}+00:00", format_naive(ms))
}

/// `2026-11-22T12:00:00`: a time without a zone, as many couriers report it.
pub(crate) fn format_naive(ms: u64) -> String {
    moment(ms).format(NAIVE).unwrap_or_default()
}

/// `2026-11-22`.
pub(crate) fn format_day(ms: u64) -> String {
    format_date(moment(ms).date())
}

/// `Sun, 22 Nov 2026 12:00:00 GMT`: the `date` header.
pub(crate) fn format_http(ms: u64) -> String {
    moment(ms).format(HTTP).unwrap_or_default()
}

/// `2026-11-22`.
pub(crate) fn format_date(date: Date) -> String {
    date.format(DAY).unwrap_or_default()
}

/// `12:00:00`.
pub(crate) fn format_clock(time: Time) -> String {
    time.format(CLOCK).unwrap_or_default()
}

/// `2026-11-22 12:00:00`.
pub(crate) fn format_local(at: PrimitiveDateTime) -> String {
    at.format(LOCAL).unwrap_or_default()
}

/// Reads the one form that list filters take: `YYYY-MM-DDTHH:MM:SS+HH:MM`, with a plus offset, no
/// `Z`, no fraction. Answers Unix seconds.
///
/// Source: AfterShip API 2026-07, GET /trackings, `created_at_min` and its like.
pub(crate) fn parse_filter(text: &str) -> Option<i64> {
    let at = parse_zoned(text).filter(|_| text.as_bytes().get(19) == Some(&b'+'))?;
    Some(at.unix_timestamp())
}

/// Reads any RFC 3339 time, as the `created_at` and `updated_at` of stored trackings. Answers
/// milliseconds since 1970, not below.
pub(crate) fn parse_stored(text: &str) -> Option<u64> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// Reads the one form that [`format_http`] writes. Answers milliseconds since 1970, not below.
pub(crate) fn parse_http(text: &str) -> Option<u64> {
    let at = PrimitiveDateTime::parse(text, HTTP).ok()?.assume_utc();
    let ms = u64::try_from(at.unix_timestamp()).ok()? * 1000;
    (format_http(ms) == text).then_some(ms)
}

/// Reads `YYYY-MM-DD HH:mm:ss`, a time of the place where a parcel starts; also with a `T`, without
/// seconds, and with a zone, which does not matter.
pub(crate) fn parse_local(text: &str) -> Option<PrimitiveDateTime> {
    let (day, rest) = text.split_at_checked(10)?;
    let clock = rest.strip_prefix([' ', 'T'])?;
    let clock = clock.split(['Z', '+', '-', '.']).next()?;
    Some(Date::parse(day, DAY).ok()?.with_time(parse_clock(clock)?))
}

/// Reads `HH:mm:ss`, or `HH:mm`.
pub(crate) fn parse_clock(text: &str) -> Option<Time> {
    Time::parse(text, CLOCK).or_else(|_| Time::parse(text, SHORT_CLOCK)).ok()
}

/// Whether the text is `YYYYMMDD`.
pub(crate) fn is_compact_day(text: &str) -> bool {
    text.len() == 8 && Date::parse(text, COMPACT_DAY).is_ok()
}

/// Whether the text is `YYYY-MM-DD`, `YYYY-MM-DDTHH:mm:ss` or that with a zone.
pub(crate) fn is_date_or_time(text: &str) -> bool {
    let bare = match text.len() {
        10 => Date::parse(text, DAY).is_ok(),
        19 => PrimitiveDateTime::parse(text, NAIVE).is_ok(),
        _ => false,
    };
    bare || is_zoned(text)
}

/// Whether the text is `YYYY-MM-DDTHH:mm:ss` with a zone (`Z` or `+HH:MM` or `-HH:MM`).
pub(crate) fn is_zoned(text: &str) -> bool {
    parse_zoned(text).is_some()
}

fn parse_zoned(text: &str) -> Option<OffsetDateTime> {
    let whole = matches!(text.len(), 20 | 25) && !text.contains(['.', ' ', 't', 'z']);
    OffsetDateTime::parse(text, &Rfc3339).ok().filter(|_| whole)
}

fn moment(ms: u64) -> OffsetDateTime {
    let seconds = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_795_348_800_000;

    #[test]
    fn the_api_writes_whole_seconds() {
        assert_eq!(format_utc(NOON + 999), "2026-11-22T12:00:00+00:00");
        assert_eq!(format_http(NOON), "Sun, 22 Nov 2026 12:00:00 GMT");
        assert_eq!(parse_http("Sun, 22 Nov 2026 12:00:00 GMT"), Some(NOON));
        for other in ["Mon, 22 Nov 2026 12:00:00 GMT", "Sun, 22 Nov 2026 12:00:00 +0000"] {
            assert_eq!(parse_http(other), None, "{other}");
        }
        assert_eq!(parse_stored("2026-11-22T12:00:00.5Z"), Some(NOON + 500));
    }

    #[test]
    fn filters_take_one_form() {
        assert_eq!(parse_filter("2026-11-22T20:00:00+08:00"), Some(1_795_348_800));
        for refused in [
            "2026-11-22T12:00:00Z",
            "2026-11-22T12:00:00-08:00",
            "2026-11-22T12:00:00.000+00:00",
            "2026-11-22T12:00:00",
            "2026-11-22",
            "2026-02-30T12:00:00+00:00",
            "2026-11-22T12:00:00+24:00",
            "2026-11-22 12:00:00+00:00",
        ] {
            assert_eq!(parse_filter(refused), None, "{refused}");
        }
    }

    #[test]
    fn bodies_take_days_and_times() {
        for good in ["2026-11-22", "2026-11-22T12:00:00", "2026-11-22T12:00:00Z"] {
            assert!(is_date_or_time(good), "{good}");
        }
        for bad in ["20261122", "2026-11-22T12:00", "2026-11-22T12:00:00.5Z", "22.11.2026", ""] {
            assert!(!is_date_or_time(bad), "{bad}");
        }
        assert!(is_compact_day("20261122"));
        for bad in ["2026-11-22", "20261322", "202611", "+2026112"] {
            assert!(!is_compact_day(bad), "{bad}");
        }
        for text in ["2026-11-22 09:05:00", "2026-11-22T09:05", "2026-11-22T09:05:00.5+08:00"] {
            let read = parse_local(text).map(format_local);
            assert_eq!(read.as_deref(), Some("2026-11-22 09:05:00"), "{text}");
        }
        for bad in ["2026-11-22 9:05:00", "2026-11-22", "2026-02-30 09:05:00"] {
            assert_eq!(parse_local(bad), None, "{bad}");
        }
    }
}
