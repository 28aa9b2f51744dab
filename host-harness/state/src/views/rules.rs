//! Rules over time: what comes true of a record because time passes.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Declares, ViewError, bounded, fault, member};

/// Days of a setting at most.
pub const MOST_DAYS: u32 = 3_650;

/// A rule over time, as the view file of a connector says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleView {
    /// What a person calls it.
    pub title: String,
    /// From when days are counted: the first of these times that is there.
    pub since: Vec<RuleTime>,
    /// So many days later it is due, where a connection has no setting of its own.
    #[serde(default)]
    pub days: u32,
    /// It holds only while each of these members (JSON Pointers) has one of the values.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub when: IndexMap<String, Vec<String>>,
    /// It does not hold while one of these members has one of the values.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub unless: IndexMap<String, Vec<String>>,
}

/// A time of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RuleTime {
    /// A member.
    Member(String),
    /// The least or greatest time of a list's items.
    Listed(ListedTime),
}

/// The least or greatest time of those that a list's items have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedTime {
    /// JSON Pointer of the list.
    pub list: String,
    /// JSON Pointer to the time within an item.
    pub at: String,
    /// Of several times, which one counts.
    pub take: Take,
    /// Only items count in which each of these members (JSON Pointers within an item) has one of the values.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub when: IndexMap<String, Vec<String>>,
}

/// Which of several times counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Take {
    /// The first.
    Earliest,
    /// The last.
    Latest,
}

impl RuleView {
    /// All members that it names, each by what it is named for; `/-/` stands for the items of a list.
    fn pointers(&self) -> Vec<(&'static str, String)> {
        let of_time = |time: &RuleTime| match time {
            RuleTime::Member(pointer) => vec![pointer.clone()],
            RuleTime::Listed(ListedTime { list, at, when, .. }) => {
                let within = |pointer: &String| format!("{list}/-{pointer}");
                std::iter::once(at).chain(when.keys()).map(within).collect()
            }
        };
        let times = self.since.iter().flat_map(of_time).map(|pointer| ("since", pointer));
        let named = |name, of: &IndexMap<String, Vec<String>>| {
            of.keys().map(move |pointer| (name, pointer.clone())).collect::<Vec<_>>()
        };
        times.chain(named("when", &self.when)).chain(named("unless", &self.unless)).collect()
    }

    /// Checks every name and pointer in it.
    pub(super) fn check(
        &self,
        at: &str,
        name: &str,
        object: &str,
        declares: Declares<'_>,
    ) -> Result<(), ViewError> {
        let is_letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 63 || !name.bytes().all(is_letter) {
            return fault(at, format!("`{name}` is no name of a rule: use a-z, 0-9 and -"));
        }
        if self.since.is_empty() {
            return fault(at, "`since` names no time".to_owned());
        }
        if self.days > MOST_DAYS {
            return fault(at, format!("{} days are more than {MOST_DAYS}", self.days));
        }
        for (name, pointer) in self.pointers() {
            member(&format!("{at}.{name}"), declares, object, &pointer)?;
        }
        let values = self.when.values().chain(self.unless.values()).map(Vec::len).sum();
        bounded(at, self.since.len().saturating_add(values))
    }
}
