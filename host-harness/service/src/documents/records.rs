//! What became of records, and how many there are of which kind.

use std::collections::BTreeMap;

use connector_state::Word as _;
use connector_state::mirror::analytics::{Analytics, Performance, Reason, difference};
use connector_state::mirror::differences::{Difference, differences};
use connector_state::mirror::{Content, HistoryRow, RuleCount, Source, ValueCounts};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::date;

/// A change of a record. The values are as they came, digit for digit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HistoryEntry {
    /// Number of the change.
    pub number: u64,
    /// When it was noticed.
    pub at: String,
    /// What happened.
    pub kind: &'static str,
    /// What brought it, in words.
    pub by: String,
    /// Number of the delivery that told of it.
    pub delivery: Option<u64>,
    /// The provider's time of the change.
    pub updated_at: Option<String>,
    /// Whether `differences` are known.
    pub kept: bool,
    /// Top-level members that differ.
    pub members: Vec<String>,
    /// Places that differ.
    pub differences: Vec<DifferenceDocument>,
}

/// A place that differs. What is missing was not there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferenceDocument {
    /// JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub before: Option<Box<RawValue>>,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub after: Option<Box<RawValue>>,
}

/// Where a change's versions differ; `None` where that is not known.
#[must_use]
pub fn differs(row: &HistoryRow) -> Option<Vec<Difference>> {
    match (&row.before, &row.after) {
        (Content::NotKept, _) | (_, Content::NotKept) => None,
        (Content::Text(before), Content::Text(after)) => Some(differences(before, after)),
        (Content::Absent, _) | (_, Content::Absent) => Some(vec![]),
    }
}

/// A change, and where its versions differ.
#[must_use]
pub fn history_entry(row: &HistoryRow, found: Option<Vec<Difference>>) -> HistoryEntry {
    let (change, kept) = (&row.change, found.is_some());
    // What is no JSON, as a text.
    let raw = |text: Option<String>| {
        let text = text?;
        let as_text = |_| serde_json::value::to_raw_value(&text);
        serde_json::from_str::<Box<RawValue>>(&text).or_else(as_text).ok()
    };
    let differences = found.into_iter().flatten().map(|one| DifferenceDocument {
        pointer: one.pointer,
        before: raw(one.before),
        after: raw(one.after),
    });
    HistoryEntry {
        number: change.number,
        at: date(change.at_ms),
        kind: change.kind.word(),
        by: by(row),
        delivery: change.delivery,
        updated_at: change.updated_at.clone(),
        kept,
        members: change.members.clone(),
        differences: differences.collect(),
    }
}

/// What brought a change.
fn by(row: &HistoryRow) -> String {
    let HistoryRow { change, .. } = row;
    match (change.ours, change.source, change.delivery) {
        (true, ..) | (_, Some(Source::Ours), _) => "our write".to_owned(),
        (_, _, Some(delivery)) => format!("delivery {delivery}"),
        (_, Some(Source::Delivery), None) => "delivery".to_owned(),
        (_, Some(Source::Lookup), None) => "look-up".to_owned(),
        (_, Some(Source::Page) | None, None) => "sync".to_owned(),
    }
}

/// How many records have which value of a member.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ValueCount {
    /// JSON Pointer of the member.
    pub member: String,
    /// The value; null: those that have none. Missing where `others` is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Option<String>>,
    /// All records whose values are not counted on their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others: Option<bool>,
    /// So many records.
    pub records: u64,
}

/// A rule over time, as it is for a connection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RuleCountDocument {
    /// Of which object.
    pub object: String,
    /// Its name.
    pub rule: String,
    /// What a person calls it.
    pub title: String,
    /// After how many days it is due; null: it is switched off.
    pub days: Option<u32>,
    /// For how many records it is raised.
    pub records: u64,
}

impl RuleCountDocument {
    /// Of a count.
    #[must_use]
    pub fn of(object: &str, count: &RuleCount) -> Self {
        Self {
            object: object.to_owned(),
            rule: count.rule.clone(),
            title: count.title.clone(),
            days: count.days,
            records: count.records,
        }
    }
}

/// Counts of records by the members that the connector names.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CountsDocument {
    /// Those of a member with the most records first.
    pub counts: Vec<ValueCount>,
    /// The rules over time, with how many records each is raised for.
    pub rules: Vec<RuleCountDocument>,
    /// Not all records are counted yet.
    pub is_partial: bool,
}

impl CountsDocument {
    /// Of the counts of an object.
    #[must_use]
    pub fn of(object: &str, counts: ValueCounts) -> Self {
        let mut rows = Vec::new();
        let rules = counts.rules.iter().map(|count| RuleCountDocument::of(object, count));
        let rules = rules.collect();
        for member in counts.members {
            let mut values = member.values;
            values.sort_by_key(|(_, records)| std::cmp::Reverse(*records));
            for (value, records) in values {
                let value = Some(Some(value).filter(|value| !value.is_empty()));
                let member = member.pointer.clone();
                rows.push(ValueCount { member, value, others: None, records });
            }
            if member.others > 0 {
                let (member, records) = (member.pointer, member.others);
                rows.push(ValueCount { member, value: None, others: Some(true), records });
            }
        }
        Self { counts: rows, rules, is_partial: counts.is_partial }
    }
}

/// What became of records by week, how carriers and lanes perform, and why records are in trouble.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AnalyticsDocument {
    /// Records by status, of all weeks.
    pub statuses: BTreeMap<String, u64>,
    /// How all of them perform.
    pub all: PerformanceDocument,
    /// By the week in which records were made.
    pub weeks: Vec<WeekDocument>,
    /// By the day on which records entered a status.
    pub entered: Vec<DayDocument>,
    /// By carrier.
    pub carriers: Vec<PerformanceDocument>,
    /// By lane.
    pub lanes: Vec<PerformanceDocument>,
    /// The carriers with the greatest and the least share in time, where their ranges do not overlap; null: no
    /// carrier is surely better than another.
    pub difference: Option<DifferenceOfCarriers>,
    /// Why records are in trouble, those with the most records first.
    pub reasons: Vec<ReasonDocument>,
    /// Records that are in none of these.
    pub not_in: NotIn,
    /// Not all records are counted yet.
    pub is_partial: bool,
}

/// Records made in a week.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WeekDocument {
    /// The week's first day; null: it cannot be told.
    pub week: Option<String>,
    /// Records by status.
    pub counts: BTreeMap<String, u64>,
}

/// Records that entered a status on a day.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DayDocument {
    /// The day, in UTC.
    pub day: String,
    /// Records by status.
    pub counts: BTreeMap<String, u64>,
}

/// How a group of records performs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PerformanceDocument {
    /// What its records have in common.
    pub key: Vec<String>,
    /// Records.
    pub n: u64,
    /// Those of which it can be told whether they came in time.
    pub base: u64,
    /// Those of them that did.
    pub in_time: u64,
    /// At least this share (0 to 1) comes in time, with 95 % certainty; null: `base` is below 20.
    pub low: Option<f64>,
    /// At most this share does.
    pub high: Option<f64>,
    /// Days by the nearest rank.
    pub p50: Option<u64>,
    /// See `p50`.
    pub p90: Option<u64>,
    /// How many took 0, 1, ... and, as the last, 30 days or more.
    pub days: Vec<u64>,
    /// Records in trouble.
    pub trouble: u64,
}

/// Two carriers of which one is surely better.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DifferenceOfCarriers {
    /// Comes in time more often.
    pub better: String,
    /// Comes in time less often.
    pub worse: String,
}

/// Records in trouble for the same reason.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReasonDocument {
    /// The provider's code; null: none is given.
    pub reason: Option<String>,
    /// What it means, where the connector says so.
    pub words: Option<String>,
    /// Records.
    pub n: u64,
    /// Those of each carrier.
    pub carriers: BTreeMap<String, u64>,
}

/// Records that are in no group.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct NotIn {
    /// In no week.
    pub weeks: u64,
    /// Of no carrier.
    pub carriers: u64,
    /// On no lane.
    pub lanes: u64,
    /// On no day.
    pub entered: u64,
    /// In trouble, for none of the reasons.
    pub reasons: u64,
}

impl AnalyticsDocument {
    /// Of analytics, with the newest so many weeks.
    #[must_use]
    pub fn of(found: &Analytics) -> Self {
        let [weeks, carriers, lanes, entered, reasons] = found.others;
        let not_in = NotIn { weeks, carriers, lanes, entered, reasons };
        let weeks = found.weeks.iter().map(|(week, counts)| WeekDocument {
            week: Some(week.clone()).filter(|week| !week.is_empty()),
            counts: counts.iter().map(|(status, records)| (status.clone(), *records)).collect(),
        });
        let entered = found
            .entered
            .iter()
            .map(|(day, counts)| DayDocument { day: day.clone(), counts: counts.clone() });
        let name = |group: &Performance| group.group.join(", ");
        let difference = difference(&found.carriers)
            .map(|(best, worst)| DifferenceOfCarriers { better: name(best), worse: name(worst) });
        Self {
            statuses: found.statuses.clone(),
            all: performance(&found.all),
            weeks: weeks.collect(),
            entered: entered.collect(),
            carriers: found.carriers.iter().map(performance).collect(),
            lanes: found.lanes.iter().map(performance).collect(),
            difference,
            reasons: found.reasons.iter().map(reason).collect(),
            not_in,
            is_partial: found.is_partial,
        }
    }
}

fn reason(found: &Reason) -> ReasonDocument {
    ReasonDocument {
        reason: Some(found.code.clone()).filter(|code| !code.is_empty()),
        words: found.words.clone(),
        n: found.records,
        carriers: found.carriers.clone(),
    }
}

fn performance(group: &Performance) -> PerformanceDocument {
    let (low, high) = group.share_range().unzip();
    PerformanceDocument {
        key: group.group.clone(),
        n: group.records,
        base: group.base,
        in_time: group.in_time,
        low,
        high,
        p50: group.percentile(50),
        p90: group.percentile(90),
        days: group.days.clone(),
        trouble: group.trouble,
    }
}
