//! How numbers, times and texts of others look.

use std::fmt;

use askama::filters::HtmlSafe;
use connector_service::documents::date;

/// Characters of a text of others that are shown, unless more is asked for.
const LONGEST: usize = 300;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `10,482`.
#[must_use]
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 record`, `2 records`.
#[must_use]
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// A time that passed, in one or two units: `12 s`, `2 h 14 min`, `3 d`.
#[must_use]
pub fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) if minutes % 60 == 0 => format!("{hours} h"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d"),
    }
}

/// A text of others, bounded, on one line, with signs that are not seen or turn others around made visible.
#[must_use]
pub fn shown(text: &str) -> String {
    cut(text, LONGEST)
}

/// As [`shown`], with so many characters at most.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let visible = |c: char| if is_hidden(c) { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().take(most).map(visible).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a sign is not seen, or turns others around.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// As [`cut`], keeping its lines.
#[must_use]
pub fn lines(text: &str, most: usize) -> String {
    let visible = |c: char| if c != '\n' && is_hidden(c) { '\u{fffd}' } else { c };
    text.chars().take(most).map(visible).collect()
}

/// A moment, in the reader's zone where a script runs, else in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub ms: u64,
    /// How much of it is shown.
    pub form: Form,
}

/// How much of a moment is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `20:51:07`.
    Second,
    /// `20:51`.
    Minute,
    /// `27 Nov`.
    Day,
    /// `27 Nov 2026, 20:51`.
    Full,
}

impl Moment {
    /// Hours, minutes and seconds.
    #[must_use]
    pub fn second(ms: u64) -> Self {
        Self { ms, form: Form::Second }
    }

    /// Hours and minutes.
    #[must_use]
    pub fn minute(ms: u64) -> Self {
        Self { ms, form: Form::Minute }
    }

    /// The day.
    #[must_use]
    pub fn day(ms: u64) -> Self {
        Self { ms, form: Form::Day }
    }

    /// All of it.
    #[must_use]
    pub fn full(ms: u64) -> Self {
        Self { ms, form: Form::Full }
    }

    /// The day of it, with its year.
    #[must_use]
    pub fn on_day(&self) -> String {
        let date = date(self.ms);
        format!("{} {}", Self::day(self.ms).text(), date.get(0..4).unwrap_or_default())
    }

    /// As text, in UTC.
    #[must_use]
    pub fn text(&self) -> String {
        let date = date(self.ms);
        let part = |from: usize, to: usize| date.get(from..to).unwrap_or_default();
        let month =
            part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
        let day = format!("{} {}", part(8, 10).trim_start_matches('0'), month.unwrap_or(&""));
        match self.form {
            Form::Second => part(11, 19).to_owned(),
            Form::Minute => part(11, 16).to_owned(),
            Form::Day => day,
            Form::Full => format!("{day} {}, {}", part(0, 4), part(11, 16)),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::Second => "s",
            Form::Minute => "m",
            Form::Day => "d",
            Form::Full => "f",
        };
        let date = date(self.ms);
        write!(
            f,
            r#"<time datetime="{date}" title="{date}" data-form="{form}">{}</time>"#,
            self.text()
        )
    }
}

/// Digits, letters and signs of our own.
impl HtmlSafe for Moment {}

/// Milliseconds since 1970 of a time as documents write it.
#[must_use]
pub fn moment(text: &str) -> Option<u64> {
    let at = connector_state::mirror::version::instant(Some(text))?;
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// A name as a word of a command line.
#[must_use]
pub fn argument(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c);
    if !name.is_empty() && name.chars().all(is_plain) {
        return name.to_owned();
    }
    format!("'{}'", shown(name).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_thousands() {
        for (given, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (10_482, "10,482"), (1_234_567, "1,234,567")]
        {
            assert_eq!(number(given), text);
        }
    }

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_600, "1 h"),
            (8_040, "2 h 14 min"),
            (86_400, "1 d"),
            (400_000, "4 d"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn what_is_not_seen_is_shown() {
        assert_eq!(shown("a\u{202e}b\u{0}c\nd"), "a\u{fffd}b\u{fffd}c\u{fffd}d");
        assert_eq!(cut("abcdef", 3), "abc…");
        assert_eq!(lines("a\nb\u{1b}", 9), "a\nb\u{fffd}");
    }

    #[test]
    fn moments_are_as_long_as_they_are_asked() {
        let ms = 1_795_812_594_000;
        assert_eq!(Moment::full(ms).text(), "27 Nov 2026, 20:49");
        assert_eq!(Moment::second(ms).text(), "20:49:54");
        assert_eq!(Moment::day(ms).text(), "27 Nov");
        assert!(Moment::minute(ms).to_string().contains("datetime=\"2026-11-27T20:49:54Z\""));
    }

    #[test]
    fn a_name_is_one_word_of_a_command_line() {
        for (name, word) in
            [("acme-eu", "acme-eu"), ("", "''"), ("a b", "'a b'"), ("$(rm)'", r"'$(rm)'\'''")]
        {
            assert_eq!(argument(name), word);
        }
    }

    #[test]
    fn times_of_documents_are_read() {
        assert_eq!(moment("2026-11-27T20:49:54Z"), Some(1_795_812_594_000));
        assert_eq!(moment("then"), None);
    }
}
