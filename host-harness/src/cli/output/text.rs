//! Words and numbers as people read them.

use std::time::Duration;

use indicatif::HumanCount;

/// `text` in one line that cannot steer a terminal: control characters are escaped.
#[must_use]
pub fn printable(text: &str) -> String {
    escaped(text, |_| false)
}

/// As [`printable`], with line breaks kept.
#[must_use]
pub fn lines(text: &str) -> String {
    escaped(text, |character| character == '\n')
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && !keep(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// `1 record`, `2 records`.
#[must_use]
pub fn counted(number: u64, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {word}{plural}", count(number))
}

/// `850 ms`, `1.2 s`, `2 min 5 s`, `6 h 3 min`.
#[must_use]
pub fn duration(time: Duration) -> String {
    let ms = time.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", time.as_secs_f64()),
        3_600_000.. => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
        _ if (ms / 1_000).is_multiple_of(60) => format!("{} min", ms / 60_000),
        _ => format!("{} min {} s", ms / 60_000, ms / 1_000 % 60),
    }
}

/// `812 B`, `34.5 kB`, `1.2 MB`.
#[must_use]
pub fn bytes(number: usize) -> String {
    let scaled = |unit: f64| number as f64 / unit;
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.1} kB", scaled(1e3)),
        _ => format!("{:.1} MB", scaled(1e6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(printable("a\x1b[31m\nb\u{9b}é"), "a\\u{1b}[31m\\nb\\u{9b}é");
        assert_eq!(lines("a\r\nb"), "a\\r\nb");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "page"), "1 page");
        assert_eq!(counted(1_000, "page"), "1,000 pages");
        assert_eq!(duration(Duration::from_millis(850)), "850 ms");
        assert_eq!(duration(Duration::from_millis(1_250)), "1.2 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(duration(Duration::from_secs(120)), "2 min");
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(34_500), "34.5 kB");
        assert_eq!(bytes(1_234_567), "1.2 MB");
    }
}
