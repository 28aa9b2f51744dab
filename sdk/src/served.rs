//! When an answer was made, by the provider's clock.

use crate::dates;

/// The times that an answer tells, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// When it was made (`date`): what changed later is not in it.
    pub made: i64,
    /// When it came: later, where a cache kept it meanwhile (`age`, RFC 9111 section 5.1).
    pub came: i64,
}

impl Served {
    /// Of an answer with these headers. `None` when they do not tell it: missing, given twice or
    /// unreadable.
    #[must_use]
    pub fn of(headers: &[(String, String)]) -> Option<Self> {
        let mut dates = headers.iter().filter(|(name, _)| name == "date");
        let (Some((_, date)), None) = (dates.next(), dates.next()) else { return None };
        let made = dates::parse_http(date)?;
        let mut came = made;
        for (_, age) in headers.iter().filter(|(name, _)| name == "age") {
            came = came.max(made.saturating_add(age.trim().parse::<u32>().ok()?.into()));
        }
        Some(Self { made, came })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_read_counts() {
        let (at, date) = (1_795_339_800, "Sun, 22 Nov 2026 09:30:00 GMT");
        for (headers, expected) in [
            (&[("date", date)][..], Some((at, at))),
            (&[("date", date), ("age", "0")], Some((at, at))),
            (&[("age", "600"), ("date", date)], Some((at, at + 600))),
            (&[("date", date), ("age", "5"), ("age", "600")], Some((at, at + 600))),
            (&[("date", date), ("age", "-5")], None),
            (&[("date", date), ("date", date)], None),
            (&[("date", "now")], None),
            (&[], None),
        ] {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            let expected = expected.map(|(made, came)| Served { made, came });
            assert_eq!(Served::of(&headers), expected, "{headers:?}");
        }
    }
}
