//! Rules, what became of each, and by what evidence.

use std::collections::BTreeMap;

use connector_runtime::{CallError, Stop};
use serde::Serialize;
use serde_json::{Value, json};

/// Rules, in their order: name, and what it means.
pub const RULES: [(&str, &str); 15] = [
    (
        "contract",
        "it is a whole component of this contract version, and its manifest agrees with itself",
    ),
    (
        "pure",
        "what it is and offers depends on nothing: no request, no clock, no setting, the same each time",
    ),
    (
        "descriptors",
        "every object is described as it is summed up, with a schema for each operation",
    ),
    ("schemas", "every record fits the schema that it declares"),
    ("complete", "a list holds every record once, whatever the page size"),
    ("churn", "a list holds what was there throughout, whatever comes and goes meanwhile"),
    ("cursors", "a page can be asked for again: after a kill, by another process"),
    ("bookmarks", "what is made after a bookmark is told since it"),
    ("lost-answers", "a create whose answer is lost is made once"),
    ("answers", "whatever the provider answers, it ends with the right kind of error"),
    ("bounds", "no call takes more time or memory than a host gives"),
    ("deliveries", "a delivery that does not prove itself brings no event"),
    ("declared", "it asks for no request, secret or key that its manifest does not declare"),
    ("secrets", "no secret has a way into it, and none came in"),
    ("replays", "a recorded call replays bit for bit"),
];

/// Longest list of faults that is kept of a rule.
const FAULTS: usize = 20;

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Tried, and nothing found.
    Kept,
    /// Something was found.
    Broken,
    /// Nothing could be tried.
    NotTried,
}

/// A rule, and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Its name.
    pub rule: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What became of it.
    pub outcome: Outcome,
    /// Faults; else what was tried; else why nothing was.
    pub evidence: Vec<String>,
}

#[derive(Debug, Default)]
struct Notes {
    tried: Vec<String>,
    untried: Vec<String>,
    faults: Vec<String>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report(BTreeMap<&'static str, Notes>);

impl Report {
    pub(crate) fn tried(&mut self, rule: &'static str, what: impl Into<String>) {
        self.0.entry(rule).or_default().tried.push(what.into());
    }

    pub(crate) fn untried(&mut self, rule: &'static str, why: impl Into<String>) {
        self.0.entry(rule).or_default().untried.push(why.into());
    }

    pub(crate) fn fault(&mut self, rule: &'static str, what: impl Into<String>) {
        let (faults, what) = (&mut self.0.entry(rule).or_default().faults, what.into());
        if faults.len() < FAULTS && !faults.contains(&what) {
            faults.push(what);
        }
    }

    /// Why rules of which nothing is known yet were not tried.
    pub(crate) fn untried_rest(&mut self, why: &str) {
        for (rule, _) in RULES {
            if !self.0.contains_key(rule) {
                self.untried(rule, why);
            }
        }
    }

    /// A call that failed where it should not have. One that took too much is a fault of that, and not
    /// of the rule that it was made for.
    pub(crate) fn failed(&mut self, rule: &'static str, what: &str, why: &CallError) {
        let rule = if takes_too_much(why) { "bounds" } else { rule };
        self.fault(rule, format!("{what}: {why}"));
    }

    /// Every rule, in order.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let none = Notes::default();
        let finding = |(rule, meaning): (&'static str, &'static str)| {
            let notes = self.0.get(rule).unwrap_or(&none);
            let (outcome, evidence) = match notes {
                Notes { faults, .. } if !faults.is_empty() => (Outcome::Broken, faults.clone()),
                Notes { tried, untried, .. } if !tried.is_empty() => {
                    (Outcome::Kept, [tried.as_slice(), untried.as_slice()].concat())
                }
                Notes { untried, .. } if !untried.is_empty() => {
                    (Outcome::NotTried, untried.clone())
                }
                _ => (Outcome::NotTried, vec!["nothing was there to try it on".to_owned()]),
            };
            Finding { rule, meaning, outcome, evidence }
        };
        RULES.into_iter().map(finding).collect()
    }

    /// Whether no rule is broken.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.0.values().all(|notes| notes.faults.is_empty())
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({ "kept": self.is_kept(), "rules": self.findings() })
    }

    /// As a table.
    #[must_use]
    pub fn table(&self) -> String {
        let row = |finding: Finding| {
            let outcome = match finding.outcome {
                Outcome::Kept => "kept",
                Outcome::Broken => "BROKEN",
                Outcome::NotTried => "not tried",
            };
            let evidence = finding.evidence.join(&format!("\n{:25}", ""));
            format!("{:14} {outcome:10}{evidence}\n", finding.rule)
        };
        self.findings().into_iter().map(row).collect()
    }
}

pub(crate) fn takes_too_much(why: &CallError) -> bool {
    let CallError::Stopped { reason, .. } = why else { return false };
    matches!(reason, Stop::OutOfTime | Stop::OutOfMemory | Stop::TooMuchData | Stop::StackOverflow)
}
