//! Pages of what is kept, for whoever shows it, and by which labels connections are found. A page costs the
//! same however much is kept: it goes on after the last item of the page before.

use crate::inbox::EventRow;
use crate::mirror::DeadLetterRow;
use crate::push::{IntentRow, PushRow};
pub use crate::rows::Labels;
use crate::{Answer, ConnectionRow};

/// Labels of a connection at most.
pub const LABELS: usize = 32;
/// Characters of a label's value, and of its name beside the prefix.
const LONGEST: usize = 63;
/// Characters of a name's prefix.
const LONGEST_PREFIX: usize = 253;

/// Reads what is kept page by page.
pub trait Lists: Send + Sync {
    /// Connections with their labels, by name.
    fn list_connections(&self, asked: ConnectionsQuery) -> Answer<'_, Vec<LabelledConnection>>;

    /// Runs of pushes of a connection, oldest first, at most `limit`: those after the run that was made at
    /// this time and has this id.
    fn list_pushes(
        &self,
        connection: &str,
        after: Option<(u64, String)>,
        limit: u32,
    ) -> Answer<'_, Vec<PushRow>>;

    /// Runs of pushes of one connection or of all, newest first, at most `limit`: those before the run that was
    /// made at this time and has this id.
    fn list_newest_pushes(
        &self,
        connection: Option<&str>,
        before: Option<(u64, String)>,
        limit: u32,
    ) -> Answer<'_, Vec<PushRow>>;

    /// Items of pushes that are parked, of one connection or of all, by run and index, at most `limit`: those
    /// after this item.
    fn list_parked_items(
        &self,
        connection: Option<&str>,
        after: Option<(String, u64)>,
        limit: u32,
    ) -> Answer<'_, Vec<IntentRow>>;

    /// What scans could not read or apply, oldest first, at most `limit`, with a number above `after`; of one
    /// connection or all.
    fn list_dead_letters(
        &self,
        connection: Option<&str>,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<DeadLetterRow>>;

    /// Events that could not be applied, likewise.
    fn list_dead_events(
        &self,
        connection: Option<&str>,
        after: u64,
        limit: u32,
    ) -> Answer<'_, Vec<EventRow>>;
}

/// Which connections are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionsQuery {
    /// Only those of this connector.
    pub connector: Option<String>,
    /// Only the one of this name.
    pub name: Option<String>,
    /// Only those that have all of these labels.
    pub labels: Vec<(String, String)>,
    /// Those with a greater name.
    pub after: String,
    /// No more than so many.
    pub limit: u32,
}

/// A connection with its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledConnection {
    /// The connection.
    pub row: ConnectionRow,
    /// Its labels.
    pub labels: Labels,
}

/// Whether these may be the labels of a connection; else why not. Names and values are written as
/// Kubernetes writes those of its labels: `[PREFIX/]NAME`, letters, digits, `-`, `_` and `.` that begin and
/// end with a letter or digit.
///
/// # Errors
/// What is wrong, for people.
pub fn check_labels(labels: &Labels) -> Result<(), String> {
    if labels.len() > LABELS {
        return Err(format!("a connection has {LABELS} labels at most"));
    }
    labels.iter().try_for_each(|(name, value)| check_label(name, value))
}

/// As [`check_labels`], of one.
///
/// # Errors
/// What is wrong, for people.
pub fn check_label(name: &str, value: &str) -> Result<(), String> {
    let is_word = |text: &str| {
        let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        is_end(text.chars().next())
            && is_end(text.chars().last())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let (prefix, own) =
        name.split_once('/').map_or((None, name), |(prefix, own)| (Some(prefix), own));
    let is_prefix = |prefix: &str| {
        prefix.len() <= LONGEST_PREFIX
            && prefix.split('.').all(|part| is_word(part) && !part.contains(['_', '.']))
            && prefix == prefix.to_ascii_lowercase()
    };
    if own.len() > LONGEST || !is_word(own) || !prefix.is_none_or(is_prefix) {
        return Err(format!(
            "\"{name}\" is no label's name: [PREFIX/]NAME, up to {LONGEST} letters, digits, '-', '_' and '.' that \
             begin and end with a letter or digit"
        ));
    }
    if value.len() > LONGEST || !(value.is_empty() || is_word(value)) {
        return Err(format!(
            "\"{value}\" is no label's value: up to {LONGEST} letters, digits, '-', '_' and '.' that begin and end \
             with a letter or digit, or nothing"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_written_as_kubernetes_writes_them() {
        for (name, value) in [
            ("tenant", "a"),
            ("Tenant_2.x-y", ""),
            ("shop.example.com/tenant", "0-9_Z"),
            (&"a".repeat(63), &"b".repeat(63)),
        ] {
            assert_eq!(check_label(name, value), Ok(()), "{name}={value}");
        }
        for (name, value) in [
            ("", "a"),
            ("-a", "a"),
            ("a-", "a"),
            ("a b", "a"),
            ("a", "a b"),
            ("a", "-"),
            ("ä", "a"),
            ("/a", "a"),
            ("a/", "a"),
            ("A.b/c", "a"),
            ("a..b/c", "a"),
            ("a/b/c", "a"),
            (&"a".repeat(64), "a"),
            ("a", &"b".repeat(64)),
        ] {
            assert!(check_label(name, value).is_err(), "{name}={value}");
        }
        let many = |count: usize| (0..count).map(|n| (format!("n{n}"), String::new())).collect();
        assert_eq!(check_labels(&many(LABELS)), Ok(()));
        assert!(check_labels(&many(LABELS + 1)).is_err());
    }
}
