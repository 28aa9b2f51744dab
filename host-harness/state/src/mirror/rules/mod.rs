//! Rules over time: what comes true of a record because time passes, and nothing of it changes.
//!
//! A rule ([`RuleView`]) says from which time of a record so many days are counted, and what has to hold
//! meanwhile. While it holds, the record's head keeps when the rule is due ([`KeptRules`]). At that time the
//! rule is *raised* for the record, once for each due time; when the record changes so that it no longer holds, or
//! is due later, it is *cleared*. Both are changes of the kind `rule` ([`RuleTold`]).
//!
//! | happens | decided in |
//! |---|---|
//! | a record changes | [`follow`], in the batch that brings it |
//! | a rule is due | [`wake`], by [`super::Mirror::wake_rules`] |
//! | a rule, or a setting of a connection, changes | [`follow`], while the index is built again |
//!
//! Databases keep one *wake* for a record, at the earliest due time of its rules: a row of the day on which that
//! is, and on that day of the time itself. Rows of a day lie side by side in the order in which they came, so that
//! a page of records writes few pages of the table; and they are not moved when a rule is due later or holds
//! no more, but looked at when their time comes. Rules that are raised have a row each.

mod follow;
mod read;
mod time;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use crate::views::{ListedTime, MOST_DAYS, RuleTime, RuleView, Take};

pub use self::follow::{Followed, RuleMoves, Ruled, Woken, follow, wake};
pub(super) use self::read::RuleReader;

const DAY_MS: u64 = 86_400_000;

/// What a connection has set of its rules, by their names: after how many days each is due; `None`: it is
/// switched off. Of a rule that is not named the view file holds.
pub type RuleSettings = BTreeMap<String, Option<u32>>;

/// When the rules that hold are due (milliseconds since 1970): `since` are the times from which days are counted
/// ([`super::index::Values::rules`]).
#[must_use]
pub fn due(
    rules: &IndexMap<String, RuleView>,
    settings: &RuleSettings,
    since: &[(String, u64)],
) -> BTreeMap<String, u64> {
    let due = |(name, since_ms): &(String, u64)| {
        let days = days(name, rules.get(name)?, settings)?;
        Some((name.clone(), since_ms.saturating_add(u64::from(days) * DAY_MS)))
    };
    since.iter().filter_map(due).collect()
}

/// Puts a setting in place of what a connection has set of a rule; without one the view file holds. Answers
/// whether that is anything else.
pub fn set(settings: &mut RuleSettings, rule: &str, setting: Option<Option<u32>>) -> bool {
    let before = match setting {
        Some(setting) => settings.insert(rule.to_owned(), setting),
        None => settings.remove(rule),
    };
    before != setting
}

/// After how many days a rule is due for a connection; `None`: it is switched off.
#[must_use]
pub fn days(name: &str, rule: &RuleView, settings: &RuleSettings) -> Option<u32> {
    settings.get(name).copied().unwrap_or(Some(rule.days))
}

/// The rules that hold for a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptRules {
    /// When it is looked at again, by a row of its own.
    pub wake_ms: Option<u64>,
    /// By their names.
    pub rules: BTreeMap<String, KeptRule>,
}

/// A rule that holds for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptRule {
    /// When it is due.
    pub due_ms: u64,
    /// That has been told.
    pub raised: bool,
}

impl KeptRules {
    /// The text that is kept; `None` where no rule holds.
    #[must_use]
    pub fn encode(&self) -> Option<String> {
        if self.rules.is_empty() {
            return None;
        }
        let rules: BTreeMap<&str, (u64, u8)> = self
            .rules
            .iter()
            .map(|(name, rule)| (name.as_str(), (rule.due_ms, u8::from(rule.raised))))
            .collect();
        // Texts and numbers: nothing of it can fail.
        Some(serde_json::to_string(&(self.wake_ms, rules)).unwrap_or_default())
    }

    /// Reads what [`KeptRules::encode`] wrote.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn decode(text: &str) -> Result<Self, String> {
        let (wake_ms, rules): (Option<u64>, BTreeMap<String, (u64, u8)>) =
            serde_json::from_str(text).map_err(|why| why.to_string())?;
        let rule = |(name, (due_ms, raised))| (name, KeptRule { due_ms, raised: raised == 1 });
        Ok(Self { wake_ms, rules: rules.into_iter().map(rule).collect() })
    }

    /// The rows that belong to it: the wake, and what is raised with its due time.
    #[must_use]
    pub fn rows(&self) -> RuleMoves {
        let raised = self.rules.iter().filter(|(_, rule)| rule.raised);
        let raised = raised.map(|(name, rule)| (name.clone(), None, Some(rule.due_ms)));
        RuleMoves { wake_ms: self.wake_ms, raised: raised.collect() }
    }
}

/// That a rule was raised for a record, or cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTold {
    /// Its name.
    pub rule: String,
    /// Raised; else cleared.
    pub raised: bool,
    /// When it was due.
    pub due_ms: u64,
}

impl RuleTold {
    /// `raised` or `cleared`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.raised { "raised" } else { "cleared" }
    }
}

/// A rule of an object, as it is for a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCount {
    /// Its name.
    pub rule: String,
    /// What a person calls it.
    pub title: String,
    /// After how many days it is due; `None`: it is switched off.
    pub days: Option<u32>,
    /// For how many records it is raised.
    pub records: u64,
}

/// The rules of an object for a connection, with how many records each is raised for.
#[must_use]
pub fn counts(
    rules: &IndexMap<String, RuleView>,
    settings: &RuleSettings,
    records: &BTreeMap<String, u64>,
) -> Vec<RuleCount> {
    let count = |(name, rule): (&String, &RuleView)| RuleCount {
        rule: name.clone(),
        title: rule.title.clone(),
        days: days(name, rule, settings),
        records: records.get(name).copied().unwrap_or_default(),
    };
    rules.iter().map(count).collect()
}
