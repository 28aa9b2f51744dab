//! Rules over time. Wakes are those of the records' heads, and what is raised is found by looking at all.

use std::collections::BTreeMap;

use super::found::own;
use super::{ConnectionMirror, ObjectRows};
use crate::StoreError;
use crate::journal::entries;
use crate::memory::Rows;
use crate::mirror::index::ValueReader;
use crate::mirror::plan::{self, Head};
use crate::mirror::raised::{RaisedPlace, RuleSelection};
use crate::mirror::rules::{self, RuleCount, RuleSettings, Ruled, Woken, counts};
use crate::mirror::{ListPage, ListQuery, MemberIndex, RecordState};

impl Rows {
    pub(super) fn settings(&self, connection: &str) -> RuleSettings {
        self.store.rules.get(connection).cloned().unwrap_or_default()
    }

    pub(super) fn set_rule(
        &mut self,
        connection: &str,
        rule: &str,
        setting: Option<Option<u32>>,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        if !self.store.connections.contains_key(connection) {
            return Err(StoreError::NoConnection(connection.to_owned()));
        }
        let settings = self.store.rules.entry(connection.to_owned()).or_default();
        if !rules::set(settings, rule, setting) {
            return Ok(());
        }
        self.journal.note(connection, now_ms, entries::of_rule(rule, setting));
        let objects = self.mirror.of.get(connection).map(|mirror| mirror.objects.keys().cloned());
        let objects: Vec<String> = objects.into_iter().flatten().collect();
        objects.iter().for_each(|object| self.follow_rules(connection, object, now_ms));
        Ok(())
    }

    /// Raises what is due.
    pub(super) fn wake_rules(
        &mut self,
        connection: &str,
        object: &str,
        limit: u32,
        now_ms: u64,
    ) -> u32 {
        let Some(kept) = self.object(connection, object) else { return 0 };
        let wake = |(id, (head, _)): (&String, &(Head, _))| {
            let wake_ms = head.rules.wake_ms.filter(|wake_ms| *wake_ms <= now_ms)?;
            Some((wake_ms, kept.arrived.get(id).copied().unwrap_or_default(), id.clone()))
        };
        let mut woken: Vec<(u64, i64, String)> = kept.records.iter().filter_map(wake).collect();
        woken.sort_unstable();
        woken.truncate(limit as usize);
        let ruled = woken.iter().filter_map(|(wake_ms, row, id)| {
            let (head, _) = kept.records.get(id)?;
            let Woken::Followed(followed) = rules::wake(Some(&head.rules), *wake_ms, now_ms) else {
                return None;
            };
            Some(Ruled { id: id.clone(), row: *row, updated_at: head.updated_at.clone(), followed })
        });
        let ruled: Vec<Ruled> = ruled.collect();
        self.rule(connection, object, &ruled, now_ms);
        u32::try_from(woken.len()).unwrap_or(u32::MAX)
    }

    /// Finds out anew what holds for each record of an object.
    pub(in crate::memory) fn follow_rules(&mut self, connection: &str, object: &str, now_ms: u64) {
        let settings = self.settings(connection);
        // Nothing is known of an object of which nobody has said what is indexed.
        let kept = self.object(connection, object);
        let Some(kept) = kept.filter(|kept| kept.index != MemberIndex::default()) else { return };
        let reader = ValueReader::new(&kept.index);
        let ruled = kept.records.iter().filter_map(|(id, (head, body))| {
            let body = body.as_ref().filter(|_| head.state == RecordState::Live)?;
            let values = reader.values(id, None, None, &body.data);
            let due = rules::due(&kept.index.rules, &settings, &values.rules);
            let followed = rules::follow(&head.rules, &due, now_ms);
            let is_other = followed.changes(&head.rules);
            let updated_at = head.updated_at.clone();
            is_other.then(|| Ruled { id: id.clone(), row: 0, updated_at, followed })
        });
        let ruled: Vec<Ruled> = ruled.collect();
        self.rule(connection, object, &ruled, now_ms);
    }

    fn rule(&mut self, connection: &str, object: &str, ruled: &[Ruled], now_ms: u64) {
        let Some(mirror) = self.mirror.of.get_mut(connection) else { return };
        let plan = plan::tell_rules(object, mirror.moment, ruled);
        mirror.moment = plan.moment;
        mirror.log(connection, &plan.objects, plan.changes, now_ms);
        let ConnectionMirror { objects, .. } = mirror;
        let Some(kept) = objects.get_mut(object) else { return };
        for record in ruled {
            if let Some((head, _)) = kept.records.get_mut(&record.id) {
                head.rules = record.followed.after.clone();
            }
        }
    }
}

/// What is raised by a rule, in the order in which it was due.
fn raised(kept: &ObjectRows, rule: &str) -> Vec<RaisedPlace> {
    let place = |(id, (head, _)): (&String, &(Head, _))| {
        let rule = head.rules.rules.get(rule).filter(|rule| rule.raised)?;
        Some(RaisedPlace { due_ms: rule.due_ms, id: id.clone() })
    };
    let mut places: Vec<RaisedPlace> = kept.records.iter().filter_map(place).collect();
    places.sort_unstable();
    places
}

/// Some of the records for which a rule is raised.
pub(super) fn list(
    kept: &ObjectRows,
    query: &ListQuery,
    rule: &str,
) -> Result<ListPage, StoreError> {
    let mut selection = RuleSelection::new(query, rule, &kept.index)?;
    let mut places = raised(kept, rule);
    if selection.descending {
        places.reverse();
    }
    let after = selection.after().cloned();
    let skipped = after.and_then(|after| places.iter().position(|place| *place == after));
    let from = skipped.map_or(0, |at| at + 1);
    for place in places.split_off(from) {
        let record = kept.records.get(&place.id).map(|(head, body)| {
            own(&query.connection, &query.object, &place.id, head, body.as_ref())
        });
        if selection.look(place, record) {
            break;
        }
    }
    Ok(selection.finish())
}

pub(super) fn rule_counts(kept: &ObjectRows, settings: &RuleSettings) -> Vec<RuleCount> {
    let rules = kept.index.rules.keys();
    let records: BTreeMap<String, u64> =
        rules.map(|rule| (rule.clone(), raised(kept, rule).len() as u64)).collect();
    counts(&kept.index.rules, settings, &records)
}
