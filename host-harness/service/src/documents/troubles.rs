//! What waits for a person, by cause.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::date;
use crate::trouble::{
    Treatment, TroubleItem, TroubleKind, TroubleScope, TroubleSource, Troubles, shape,
};

/// Parts of the time that a group's bars are of.
const BARS: usize = 12;
/// Connections of a group that are named.
const NAMED: usize = 20;

/// Troubles of the same cause.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TroubleGroup {
    /// Names it: the fingerprint of its cause.
    pub key: String,
    /// `dead-letter`, `unread-record`, `conflict`, `unknown-outcome` or `parked-change`.
    pub kind: &'static str,
    /// Of which object; empty where that could not be read.
    pub object: String,
    /// The reason of the newest of them.
    pub reason: String,
    /// What their reasons have in common.
    pub shape: String,
    /// Names of their connections, 20 at most.
    pub connections: Vec<String>,
    /// How many they are.
    pub count: u64,
    /// When the oldest came.
    pub first: String,
    /// When the newest came.
    pub last: String,
    /// How many came in each twelfth of the time from the oldest trouble of all until now.
    pub bars: Vec<u64>,
    /// What can be done about them: `replay`, `drop`, `ours`, `theirs`.
    pub can: Vec<&'static str>,
}

/// A trouble of a group.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TroubleDocument {
    /// Names it among all.
    pub number: String,
    /// Name of the connection.
    pub connection: String,
    /// Of which object.
    pub object: String,
    /// Which record, where that is known.
    pub record: Option<String>,
    /// Since when.
    pub at: String,
    /// Why.
    pub reason: String,
    /// Number of the delivery that it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<u64>,
    /// The push that it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<String>,
    /// Name of the forward whose target did not take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward: Option<String>,
    /// Number of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<u64>,
}

/// All troubles, by cause.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TroublesDocument {
    /// The newest first.
    pub groups: Vec<TroubleGroup>,
    /// How many there are of each kind.
    pub counts: BTreeMap<&'static str, u64>,
    /// There are more than were looked at, the oldest 1,000 of each kind.
    pub is_partial: bool,
}

impl TroubleDocument {
    /// Of an item.
    #[must_use]
    pub fn of(item: &TroubleItem, scope: &TroubleScope) -> Self {
        let (mut delivery, mut push, mut forward, mut change) = (None, None, None, None);
        match &item.source {
            TroubleSource::Delivery { delivery: number, .. } => delivery = Some(*number),
            TroubleSource::Scan { .. } => {}
            TroubleSource::Push { run, .. } => push = Some(run.clone()),
            TroubleSource::Forward { name, change: number, .. } => {
                (forward, change) = (Some(name.clone()), Some(*number));
            }
        }
        Self {
            number: item.number.clone(),
            connection: name(item, scope),
            object: item.object.clone(),
            record: item.record.clone(),
            at: date(item.at_ms),
            reason: item.reason.clone(),
            delivery,
            push,
            forward,
            change,
        }
    }
}

fn name(item: &TroubleItem, scope: &TroubleScope) -> String {
    scope.names.get(&item.connection).unwrap_or(&item.connection).clone()
}

impl TroublesDocument {
    /// Of what was found until `now_ms`; of one kind only, where one is given.
    #[must_use]
    pub fn of(
        found: &Troubles,
        scope: &TroubleScope,
        only: Option<TroubleKind>,
        now_ms: u64,
    ) -> Self {
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut groups: BTreeMap<String, Vec<&TroubleItem>> = BTreeMap::new();
        for item in &found.items {
            *counts.entry(item.kind.word()).or_default() += 1;
            if only.is_none_or(|only| only == item.kind) {
                groups.entry(item.group(&scope.connector)).or_default().push(item);
            }
        }
        let oldest = found.items.iter().map(|item| item.at_ms).min().unwrap_or(now_ms);
        let of =
            |(key, items): (String, Vec<&TroubleItem>)| group(key, &items, scope, oldest, now_ms);
        let mut groups: Vec<TroubleGroup> = groups.into_iter().filter_map(of).collect();
        groups.sort_by(|one, other| {
            (&other.last, other.count, &one.key).cmp(&(&one.last, one.count, &other.key))
        });
        Self { groups, counts, is_partial: found.is_partial }
    }
}

fn group(
    key: String,
    items: &[&TroubleItem],
    scope: &TroubleScope,
    oldest: u64,
    now_ms: u64,
) -> Option<TroubleGroup> {
    let (first, last) = (items.first()?, items.last()?);
    let names: BTreeSet<String> = items.iter().map(|item| name(item, scope)).collect();
    let mut bars = vec![0; BARS];
    let span = now_ms.saturating_sub(oldest).max(1);
    for item in items {
        let passed = item.at_ms.saturating_sub(oldest).min(span - 1);
        let at = usize::try_from(passed.saturating_mul(BARS as u64) / span).unwrap_or(BARS);
        if let Some(bar) = bars.get_mut(at) {
            *bar += 1;
        }
    }
    Some(TroubleGroup {
        key,
        kind: last.kind.word(),
        object: last.object.clone(),
        reason: last.reason.clone(),
        shape: shape(&last.reason),
        connections: names.into_iter().take(NAMED).collect(),
        count: items.len() as u64,
        first: date(first.at_ms),
        last: date(last.at_ms),
        bars,
        can: last.kind.treatments().iter().map(|one: &Treatment| one.word()).collect(),
    })
}
