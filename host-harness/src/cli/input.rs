//! What a person types in: JSON documents and pairs.

use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use host_harness::state::lists::check_label;
use serde::de::IgnoredAny;

use super::usage::Usage;

/// Bytes of a connection's name.
const LONGEST_NAME: usize = 100;

// `--data` of a command that needs it. (A docstring would become its help text.)
#[derive(Debug, clap::Args)]
pub struct DataOption {
    /// JSON: as it is, @FILE, or - for standard input; others on this machine can see
    /// what stands on the command line, so give secrets by @FILE or -
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub data: String,
}

impl DataOption {
    /// The JSON text, as it was given.
    ///
    /// # Errors
    /// [`Usage`], when it cannot be read or is no JSON.
    pub async fn read(&self) -> Result<String> {
        read(&self.data).await
    }
}

/// Reads `--data`, and checks that it is JSON. The text stays as it is: digits and
/// unknown members are the connector's business.
///
/// # Errors
/// [`Usage`], when it cannot be read or is no JSON.
pub async fn read(given: &str) -> Result<String> {
    let (text, whence) = match given.strip_prefix('@') {
        Some(file) => {
            let text = tokio::fs::read_to_string(file).await;
            let unreadable = |why| Usage::new(format!("--data: cannot read {file}: {why}"));
            (text.map_err(unreadable)?, file)
        }
        None if given == "-" => (standard_input().await?, "standard input"),
        None => (given.to_owned(), "--data"),
    };
    // Editors on Windows put a mark before the text, and JSON allows none.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    json(text, whence)?;
    Ok(text.to_owned())
}

async fn standard_input() -> Result<String> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    });
    let text = reading.await.context("reading standard input")?;
    Ok(text.map_err(|why| Usage::new(format!("--data: cannot read standard input: {why}")))?)
}

fn json(text: &str, whence: &str) -> Result<(), Usage> {
    let Err(why) = serde_json::from_str::<IgnoredAny>(text) else {
        return Ok(());
    };
    let (line, column) = (why.line(), why.column());
    let position = format!(" at line {line} column {column}");
    let reason = why.to_string().replace(&position, "");
    Err(Usage::new(format!("{whence} is no JSON: {reason} at line {line}, column {column}")))
}

/// Both sides of `NAME=VALUE`.
///
/// # Errors
/// [`Usage`] says how `option` is written. It does not repeat what was given: that
/// may be a secret in the wrong place.
pub fn pair<'a>(option: &str, shape: &str, given: &'a str) -> Result<(&'a str, &'a str), Usage> {
    match given.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(Usage::new(format!("{option} is written {option} {shape}"))),
    }
}

/// Both sides of each `NAME=VALUE` of `option`.
///
/// # Errors
/// As [`pair`].
pub fn pairs<'a>(option: &str, given: &'a [String]) -> Result<Vec<(&'a str, &'a str)>, Usage> {
    given.iter().map(|given| pair(option, "NAME=VALUE", given)).collect()
}

/// A name for a connection.
///
/// # Errors
/// Says what a name may be.
pub fn connection_name(text: &str) -> Result<String, String> {
    let odd = text.chars().any(|c| c.is_control() || c.is_whitespace());
    if text.is_empty() || text.len() > LONGEST_NAME || odd {
        return Err(format!(
            "a connection's name has 1 to {LONGEST_NAME} bytes and no white space"
        ));
    }
    Ok(text.to_owned())
}

/// A label, as `NAME=VALUE`.
///
/// # Errors
/// Says what one may be.
pub fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    check_label(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A span of time: a whole number and its unit.
///
/// # Errors
/// Says how one is written.
pub fn span(text: &str) -> Result<Duration, String> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(at).unwrap_or_default();
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "" if number == "0" => 0,
        _ => return Err("write a whole number and s, m, h or d, such as 72h".to_owned()),
    };
    let number: Option<u64> = number.parse().ok();
    let all = number.and_then(|number| number.checked_mul(seconds));
    all.map(Duration::from_secs).ok_or_else(|| "it is no such number, or too large".to_owned())
}

/// A span of time after which something is done again: a second or more.
///
/// # Errors
/// As [`span`]; and says what is too short.
pub fn interval(text: &str) -> Result<Duration, String> {
    match span(text)? {
        Duration::ZERO => Err("it is the time from one reading to the next: 1s or more".to_owned()),
        every => Ok(every),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[tokio::test]
    async fn json_stays_as_it_is() {
        let text = "{\"b\": 1.10, \"a\" : 12345678901234567890 }";
        assert_eq!(read(text).await.unwrap(), text);
        assert_eq!(read("\u{feff}[]").await.unwrap(), "[]");
    }

    #[tokio::test]
    async fn malformed_json_is_named_by_line_and_column() {
        let error = read("{\n  \"a\": 1,\n  b: 2\n}").await.unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert_eq!(
            error.to_string(),
            "--data is no JSON: key must be a string at line 3, column 3"
        );
        let error = read("").await.unwrap_err().to_string();
        assert!(error.starts_with("--data is no JSON: EOF"), "{error}");
    }

    #[tokio::test]
    async fn a_missing_file_is_named() {
        let error = read("@/nowhere/at.json").await.unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert!(error.to_string().contains("/nowhere/at.json"));
    }

    #[test]
    fn a_pair_has_two_sides() {
        assert_eq!(pair("--setting", "NAME=VALUE", "a=b=c").unwrap(), ("a", "b=c"));
        assert_eq!(pair("--setting", "NAME=VALUE", "a=").unwrap(), ("a", ""));
        for wrong in ["a", "=b", ""] {
            let error = pair("--setting", "NAME=VALUE", wrong).unwrap_err();
            assert_eq!(error.to_string(), "--setting is written --setting NAME=VALUE");
        }
    }

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        for (text, seconds) in
            [("72h", 259_200), ("30m", 1_800), ("90s", 90), ("7d", 604_800), ("0", 0), ("0h", 0)]
        {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "72", "h", "1.5h", "-1h", "1 h", "1w", "99999999999999999999d", "é"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
        assert_eq!(interval("1s"), Ok(Duration::from_secs(1)));
        for wrong in ["0", "0s", "0d", "soon"] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }
}
