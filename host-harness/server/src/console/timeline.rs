//! What happened to a connection, in words.

use std::fmt;

use askama::filters::HtmlSafe;
use connector_state::journal::{Data, JournalKind, JournalRow};
use serde_json::Value;

use super::marks::{Icon, Mark};
use super::text::{Moment, counted, cut, number, span};

/// Characters of a detail that others wrote.
const DETAIL: usize = 400;

/// A shape beside an entry: what kind of thing it is, or that it needs a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It needs a look, or is good news.
    Mark(Mark),
    /// An ordinary thing.
    Icon(Icon),
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mark(mark) => mark.fmt(f),
            Self::Icon(icon) => icon.fmt(f),
        }
    }
}

/// Shapes of our own.
impl HtmlSafe for Sign {}

/// An entry in words.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When.
    pub at: Moment,
    /// Its shape.
    pub sign: Sign,
    /// What happened.
    pub what: String,
    /// And the rest of the sentence.
    pub rest: String,
    /// What more there is to say.
    pub detail: String,
    /// Where there is more: what the link says, and where it leads.
    pub link: Option<(String, String)>,
}

/// Entries of a day.
pub struct Day {
    /// Some moment of it.
    pub at: Moment,
    /// The newest first.
    pub entries: Vec<Entry>,
}

/// Entries that are of one kind, by a word of the query.
#[must_use]
pub fn kinds(word: &str) -> Option<Vec<JournalKind>> {
    use JournalKind as K;
    Some(match word {
        "" => vec![],
        "reading" => {
            vec![K::SyncBegun, K::SyncEnded, K::SyncDay, K::SyncFailed, K::SweepAlarm, K::Reset]
        }
        "receiving" => vec![K::GapOpened, K::GapClosed, K::Subscribed, K::Unsubscribed],
        "writing" => vec![K::PushBegun, K::PushEnded, K::ConflictsDecided],
        "settings" => vec![
            K::Connected,
            K::Reconnected,
            K::Renamed,
            K::Setting,
            K::SecretSet,
            K::SecretRemoved,
            K::KeySealed,
            K::GrantRenewed,
            K::GrantRemoved,
        ],
        "trouble" => {
            vec![K::SyncFailed, K::SweepAlarm, K::GapOpened, K::GrantEnded, K::GrantUncertain]
        }
        _ => return None,
    })
}

/// Entries by day. Ordinary reads in a row become one, unless `each` is asked for.
#[must_use]
pub fn days(rows: &[JournalRow], each: bool) -> Vec<Day> {
    let is_same = |one: &JournalRow, other: &JournalRow| {
        let is_ordinary = |row: &JournalRow| {
            row.kind == JournalKind::SyncEnded && text(&row.data, "read") != "full"
        };
        let same_day =
            connector_state::journal::day(one.at_ms) == connector_state::journal::day(other.at_ms);
        !each && same_day && is_ordinary(one) && is_ordinary(other) && one.object == other.object
    };
    let mut days: Vec<(u64, Day)> = Vec::new();
    for run in rows.chunk_by(is_same) {
        let Some(first) = run.first() else { continue };
        let entry = if run.len() > 1 { folded(run, first) } else { entry(first) };
        let day = connector_state::journal::day(first.at_ms);
        match days.last_mut().filter(|(of, _)| *of == day) {
            Some((_, day)) => day.entries.push(entry),
            None => days.push((day, Day { at: Moment::full(first.at_ms), entries: vec![entry] })),
        }
    }
    days.into_iter().map(|(_, day)| day).collect()
}

fn text<'d>(data: &'d Data, name: &str) -> &'d str {
    data.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn count(data: &Data, name: &str) -> u64 {
    data.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// What a read brought.
fn brought(created: u64, updated: u64, deleted: u64) -> String {
    if created + updated + deleted == 0 {
        return "nothing had changed".to_owned();
    }
    format!("{} updated, {} new, {} removed", number(updated), number(created), number(deleted))
}

fn folded(run: &[JournalRow], first: &JournalRow) -> Entry {
    let sum = |name: &str| run.iter().map(|row| count(&row.data, name)).sum::<u64>();
    Entry {
        at: Moment::minute(first.at_ms),
        sign: Sign::Icon(Icon("sync")),
        what: counted(run.len() as u64, "sync", "syncs"),
        rest: format!("of {}", first.object.as_deref().unwrap_or("what changed")),
        detail: brought(sum("created"), sum("updated"), sum("deleted")),
        link: None,
    }
}

fn entry(row: &JournalRow) -> Entry {
    use JournalKind as K;
    let data = &row.data;
    let object = row.object.clone().unwrap_or_default();
    let name = |name: &str| cut(text(data, name), DETAIL);
    let icon = |name| Sign::Icon(Icon(name));
    let read = || brought(count(data, "created"), count(data, "updated"), count(data, "deleted"));
    let (sign, what, rest, detail) = match row.kind {
        K::Connected => (icon("plus"), "Connected".to_owned(), String::new(), name("scheme")),
        K::Reconnected => {
            (Sign::Mark(Mark::Good), "Connected anew".to_owned(), String::new(), name("scheme"))
        }
        K::Renamed => (
            icon("gear"),
            "Renamed".to_owned(),
            String::new(),
            format!("{} → {}", name("before"), name("after")),
        ),
        K::Setting => (
            icon("gear"),
            format!("Setting {}", name("name")),
            "changed".to_owned(),
            format!("{} → {}", or_none(&name("before")), or_none(&name("after"))),
        ),
        K::SecretSet => (
            icon("key"),
            name("name"),
            format!("set, version {}", count(data, "version")),
            String::new(),
        ),
        K::SecretRemoved => {
            (icon("key"), name("name"), "removed, every version".to_owned(), String::new())
        }
        K::KeySealed => (
            icon("key"),
            "Its key".to_owned(),
            "was sealed by another master key".to_owned(),
            String::new(),
        ),
        K::GrantRenewed => (icon("key"), "Grant".to_owned(), "renewed".to_owned(), String::new()),
        K::GrantUncertain => (
            Sign::Mark(Mark::Warn),
            "Grant".to_owned(),
            format!(
                "was asked to be renewed {} and never answered",
                counted(count(data, "sends"), "time", "times")
            ),
            String::new(),
        ),
        K::GrantEnded => (
            Sign::Mark(Mark::Bad),
            "Grant ended".to_owned(),
            "by the provider".to_owned(),
            String::new(),
        ),
        K::GrantRemoved => (icon("key"), "Grant".to_owned(), "removed".to_owned(), String::new()),
        K::SyncBegun => {
            (icon("sync"), format!("Reading all {object}"), "began".to_owned(), String::new())
        }
        K::SyncEnded => {
            let full = text(data, "read") == "full";
            let what = if full { format!("Read all {object}") } else { format!("Read {object}") };
            let took = row.at_ms.saturating_sub(count(data, "began_ms")) / 1_000;
            let pages = counted(count(data, "pages"), "page", "pages");
            let records = counted(count(data, "records"), "record", "records");
            (
                icon("sync"),
                what,
                format!("in {}", span(took)),
                format!("{pages}, {records} · {}", read()),
            )
        }
        K::SyncDay => (
            icon("sync"),
            counted(count(data, "syncs"), "sync", "syncs"),
            format!("of {object} that day"),
            read(),
        ),
        K::SyncFailed => (
            Sign::Mark(Mark::Bad),
            format!("Reading {object} failed"),
            counted(count(data, "failures"), "time", "times"),
            name("error"),
        ),
        K::SweepAlarm => (
            Sign::Mark(Mark::Warn),
            format!("Reading all {object}"),
            "did not see too many of them; none was removed".to_owned(),
            name("error"),
        ),
        K::Reset => (icon("sync"), object, "forgotten, and read anew".to_owned(), String::new()),
        K::GapOpened => (
            Sign::Mark(Mark::Warn),
            "Deliveries may be missing".to_owned(),
            "since no receiver ran".to_owned(),
            String::new(),
        ),
        K::GapClosed => (
            Sign::Mark(Mark::Good),
            "Gap closed".to_owned(),
            "what may have been missed has been read".to_owned(),
            String::new(),
        ),
        K::PushBegun => (
            icon("up"),
            format!("Push to {object}"),
            format!("began, {}", name("mode")),
            counted(count(data, "items"), "item", "items"),
        ),
        K::PushEnded => (
            icon("up"),
            format!("Push to {object}"),
            "ended".to_owned(),
            format!(
                "{} done, {} failed, {} to decide",
                number(count(data, "done")),
                number(count(data, "failed")),
                number(count(data, "parked"))
            ),
        ),
        K::ConflictsDecided => (
            icon("up"),
            "Conflicts".to_owned(),
            format!("decided: {}", name("decision")),
            String::new(),
        ),
        K::Subscribed => {
            (icon("down"), format!("Subscribed to {object}"), String::new(), String::new())
        }
        K::Unsubscribed => {
            (icon("down"), format!("Unsubscribed from {object}"), String::new(), String::new())
        }
    };
    let by = row.by.as_deref().map(|by| format!(" by {}", cut(by, 80))).unwrap_or_default();
    let push = text(data, "push");
    let link = (!push.is_empty())
        .then(|| ("Open".to_owned(), format!("/pushes/{}", crate::routes::encoded(push))));
    Entry { at: Moment::minute(row.at_ms), sign, what, rest: format!("{rest}{by}"), detail, link }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(number: u64, kind: JournalKind, at_ms: u64, data: Value) -> JournalRow {
        let Value::Object(data) = data else { panic!("no object: {data}") };
        JournalRow {
            number,
            connection: "c".to_owned(),
            at_ms,
            kind,
            object: Some("things".to_owned()),
            by: None,
            data: data.into_iter().collect(),
        }
    }

    #[test]
    fn ordinary_reads_in_a_row_are_one() {
        let read = |number, at| {
            row(number, JournalKind::SyncEnded, at, json!({"read": "incremental", "updated": 2}))
        };
        let failed =
            row(3, JournalKind::SyncFailed, 3_000, json!({"failures": 1, "error": "away"}));
        let rows = [read(5, 5_000), read(4, 4_000), failed, read(2, 2_000)];
        let whats = |each| -> Vec<String> {
            days(&rows, each)
                .iter()
                .flat_map(|day| &day.entries)
                .map(|it| it.what.clone())
                .collect()
        };
        assert_eq!(whats(false), ["2 syncs", "Reading things failed", "Read things"]);
        assert_eq!(whats(true).len(), 4);
        let first = &days(&rows, false)[0].entries[0];
        assert_eq!(first.detail, "4 updated, 0 new, 0 removed");
    }

    #[test]
    fn days_are_apart() {
        let day = 24 * 60 * 60 * 1_000;
        let rows = [1, 0].map(|n| row(n, JournalKind::GapOpened, n * day, json!({})));
        assert_eq!(days(&rows, false).len(), 2);
    }
}
