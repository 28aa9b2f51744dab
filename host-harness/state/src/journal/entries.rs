//! What a journal says of a change: decided from what was before and what is after.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Data, Entry, Folds, JournalKind};
use crate::changes::Kept;
use crate::inbox::HookRow;
use crate::mirror::{ScanKind, ScanRow};
use crate::push::{Decision, PushRow};
use crate::{Change, GrantRow, GrantState, SecretRow, Word as _};

/// Letters of an error that are kept.
const ERROR: usize = 500;

fn entry<const N: usize>(kind: JournalKind, data: [(&str, Value); N]) -> Entry {
    let member = |(name, value): (&str, Value)| (name.to_owned(), value);
    let data = data.into_iter().map(member).filter(|(_, value)| !value.is_null()).collect();
    Entry { kind, object: None, data, folds: Folds::Never }
}

fn of_object(object: &str, entry: Entry) -> Entry {
    Entry { object: Some(object.to_owned()), ..entry }
}

/// Of a scan that was changed.
#[must_use]
pub fn of_scan(before: &ScanRow, after: &ScanRow) -> Option<Entry> {
    let cut = |error: &str| Value::from(error.chars().take(ERROR).collect::<String>());
    let found = if after.failures > before.failures {
        let error = after.error.as_deref().unwrap_or_default();
        (before.failures == 0 || before.error != after.error).then(|| {
            entry(
                JournalKind::SyncFailed,
                [
                    ("error", cut(error)),
                    ("failures", after.failures.into()),
                    ("retry_ms", after.retry_ms.into()),
                ],
            )
        })
    } else if after.scan > before.scan {
        let is_told = after.kind == Some(ScanKind::Full) && after.restarts == 0;
        is_told.then(|| entry(JournalKind::SyncBegun, [("scan", after.scan.into())]))
    } else if before.lease.is_some() && after.lease.is_none() && !after.running {
        let data = [
            ("read", after.kind.map(ScanKind::word).into()),
            ("scan", after.scan.into()),
            ("began_ms", after.began_ms.into()),
            ("pages", after.pages.into()),
            ("records", after.records.into()),
            ("created", after.created.into()),
            ("updated", after.updated.into()),
            ("deleted", after.deleted.into()),
            ("restarts", (after.restarts > 0).then_some(after.restarts).into()),
            ("error", after.error.as_deref().map(cut).into()),
        ];
        let is_alarm = after.error.is_some();
        let kind = if is_alarm { JournalKind::SweepAlarm } else { JournalKind::SyncEnded };
        let is_ordinary = !is_alarm && before.failures == 0 && after.kind != Some(ScanKind::Full);
        let changed = after.created + after.updated + after.deleted > 0;
        let folds = match (is_ordinary, changed) {
            (false, _) => Folds::Never,
            (true, true) => Folds::Later,
            (true, false) => Folds::Now,
        };
        Some(Entry { folds, ..entry(kind, data) })
    } else {
        None
    };
    found.map(|entry| of_object(&after.object, entry))
}

/// Of an object that was reset.
#[must_use]
pub fn of_reset(object: &str) -> Entry {
    of_object(object, entry(JournalKind::Reset, []))
}

/// Of a rule over time that was set: after how many days it is due, switched off, or as the view file has it.
#[must_use]
pub fn of_rule(rule: &str, setting: Option<Option<u32>>) -> Entry {
    let days = setting.flatten().map(Value::from).unwrap_or_default();
    let off = (setting == Some(None)).then_some(true).into();
    entry(JournalKind::Setting, [("rule", rule.into()), ("days", days), ("off", off)])
}

/// Of a grant that was changed.
#[must_use]
pub fn of_grant(before: &GrantRow, after: &GrantRow) -> Option<Entry> {
    if after.epoch > before.epoch {
        let data = [("epoch", after.epoch.into()), ("expires_ms", after.expires_ms.into())];
        return Some(entry(JournalKind::GrantRenewed, data));
    }
    match after.state {
        state if state == before.state => None,
        GrantState::Ended => Some(entry(JournalKind::GrantEnded, [])),
        GrantState::Uncertain => {
            Some(entry(JournalKind::GrantUncertain, [("sends", after.sends.into())]))
        }
        GrantState::Valid | GrantState::Renewing => None,
    }
}

/// Of the versions of a secret that were put.
#[must_use]
pub fn of_secret(before: &[SecretRow], put: &[SecretRow]) -> Option<Entry> {
    let is_new = |row: &&SecretRow| before.iter().all(|old| old.version < row.version);
    put.iter().filter(is_new).max_by_key(|row| row.version).map(secret)
}

fn secret(row: &SecretRow) -> Entry {
    let data = [("name", row.name.as_str().into()), ("version", row.version.into())];
    entry(JournalKind::SecretSet, data)
}

/// Of the changes of a commit, each with the id of its connection, where this was `kept` before. What
/// belongs to making a connection is told by one entry.
#[must_use]
pub fn of_commit(changes: &[Change], kept: &Kept) -> Vec<(String, Entry)> {
    let made: BTreeSet<&str> =
        changes.iter().filter_map(|change| made_anew(changes, change)).collect();
    let put: BTreeSet<(&str, &str)> = changes.iter().filter_map(put_secret).collect();
    let mut entries: Vec<(String, Entry)> = Vec::new();
    for change in changes {
        let mut add = |id: &str, entry| entries.push((id.to_owned(), entry));
        match change {
            Change::PutConnection(row) => {
                let Some(old) = kept.connections.iter().find(|old| old.id == row.id) else {
                    let data = [
                        ("connector", row.connector.as_str().into()),
                        ("scheme", row.scheme.as_str().into()),
                        ("name", row.name.as_str().into()),
                    ];
                    add(&row.id, entry(JournalKind::Connected, data));
                    continue;
                };
                if old.name != row.name {
                    let data =
                        [("before", old.name.as_str().into()), ("after", row.name.as_str().into())];
                    add(&row.id, entry(JournalKind::Renamed, data));
                }
                if made.contains(row.id.as_str()) {
                    let data = [("scheme", row.scheme.as_str().into())];
                    add(&row.id, entry(JournalKind::Reconnected, data));
                }
                let names: BTreeSet<&String> =
                    old.settings.keys().chain(row.settings.keys()).collect();
                for name in names {
                    let (before, after) = (old.settings.get(name), row.settings.get(name));
                    if before != after {
                        let data = [
                            ("name", name.as_str().into()),
                            ("before", before.cloned().into()),
                            ("after", after.cloned().into()),
                        ];
                        add(&row.id, entry(JournalKind::Setting, data));
                    }
                }
            }
            Change::ChangeConnection { id, name: Some(name), .. } => {
                let old = kept.connections.iter().find(|old| old.id == *id && old.name != *name);
                if let Some(old) = old {
                    let data =
                        [("before", old.name.as_str().into()), ("after", name.as_str().into())];
                    add(id, entry(JournalKind::Renamed, data));
                }
            }
            Change::PutKey { id, .. } => add(id, entry(JournalKind::KeySealed, [])),
            Change::PutSecret(row) if !made.contains(row.connection.as_str()) => {
                add(&row.connection, secret(row));
            }
            Change::RemoveSecret { connection, name }
                if !put.contains(&(connection.as_str(), name.as_str())) =>
            {
                let data = [("name", name.as_str().into())];
                add(connection, entry(JournalKind::SecretRemoved, data));
            }
            Change::RemoveGrant { connection } if !made.contains(connection.as_str()) => {
                add(connection, entry(JournalKind::GrantRemoved, []));
            }
            Change::PutSecret(_)
            | Change::ChangeConnection { .. }
            | Change::RemoveSecret { .. }
            | Change::RemoveGrant { .. }
            | Change::PutGrant(_)
            | Change::PutNextGrant(_)
            | Change::RemoveConnection { .. }
            | Change::PutSession(_) => {}
        }
    }
    entries
}

/// The connection that a change is about, where this commit makes it or makes it anew: puts its row
/// with a secret or a grant.
fn made_anew<'c>(changes: &'c [Change], change: &'c Change) -> Option<&'c str> {
    let Change::PutConnection(row) = change else { return None };
    let is_of = |change: &Change| match change {
        Change::PutSecret(secret) => secret.connection == row.id,
        Change::PutGrant(grant) | Change::PutNextGrant(grant) => grant.connection == row.id,
        Change::RemoveGrant { connection } => *connection == row.id,
        _ => false,
    };
    changes.iter().any(is_of).then_some(row.id.as_str())
}

fn put_secret(change: &Change) -> Option<(&str, &str)> {
    let Change::PutSecret(row) = change else { return None };
    Some((&row.connection, &row.name))
}

/// Of a hook that was changed.
#[must_use]
pub fn of_hook(before: &HookRow, after: &HookRow) -> Option<Entry> {
    match (before.gap_ms, after.gap_ms) {
        (None, Some(since_ms)) => {
            Some(entry(JournalKind::GapOpened, [("since_ms", since_ms.into())]))
        }
        (Some(since_ms), None) => {
            Some(entry(JournalKind::GapClosed, [("since_ms", since_ms.into())]))
        }
        _ => None,
    }
}

/// Of a run of a push that was changed.
#[must_use]
pub fn of_push(before: Option<&PushRow>, after: &PushRow) -> Vec<Entry> {
    let counts = &after.counts;
    let items = counts.all();
    let (push, mode) = (|| Value::from(after.id.as_str()), || Value::from(after.mode.word()));
    let begun = before.is_none_or(|before| before.digest.is_none()) && after.digest.is_some();
    let begun = begun.then(|| {
        entry(JournalKind::PushBegun, [("push", push()), ("mode", mode()), ("items", items.into())])
    });
    let ended = before.is_none_or(|before| before.ended_ms.is_none()) && after.ended_ms.is_some();
    let ended = ended.then(|| {
        let data = [
            ("push", push()),
            ("mode", mode()),
            ("done", counts.done.into()),
            ("failed", counts.failed.into()),
            ("parked", counts.parked.into()),
        ];
        entry(JournalKind::PushEnded, data)
    });
    begun.into_iter().chain(ended).map(|entry| of_object(&after.object, entry)).collect()
}

/// Of a decision about items of a run; `None` where it was about none.
#[must_use]
pub fn of_decision(run: &PushRow, decision: Decision, items: &[u64]) -> Option<Entry> {
    let data = [
        ("push", run.id.as_str().into()),
        ("decision", decision.word().into()),
        ("items", items.into()),
    ];
    let entry = || of_object(&run.object, entry(JournalKind::ConflictsDecided, data));
    (!items.is_empty()).then(entry)
}

/// Of a subscription that is new, or ended.
#[must_use]
pub fn of_subscription(object: &str, is_new: bool) -> Entry {
    let kind = if is_new { JournalKind::Subscribed } else { JournalKind::Unsubscribed };
    of_object(object, entry(kind, []))
}

/// The data of an entry as the text that is kept.
#[must_use]
pub fn encode(data: &Data) -> String {
    // Texts and numbers: nothing of it can fail.
    serde_json::to_string(data).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lease;
    use crate::push::{IntentCounts, Mode};

    fn scan() -> ScanRow {
        let lease = Some(Lease { attempt: "a".to_owned(), until_ms: 1 });
        let kind = Some(ScanKind::Incremental);
        ScanRow { scan: 3, kind, pages: 2, records: 9, lease, ..ScanRow::new("c", "orders") }
    }

    #[test]
    fn a_scan_tells_its_begin_its_end_and_its_first_failures() {
        let told = |before: &ScanRow, after: &ScanRow| {
            of_scan(before, after).map(|entry| (entry.kind, entry.folds))
        };
        let held = scan();
        let ended = ScanRow { lease: None, ..scan() };
        assert_eq!(told(&held, &ended), Some((JournalKind::SyncEnded, Folds::Now)));
        let changed = ScanRow { updated: 1, ..ended.clone() };
        assert_eq!(told(&held, &changed), Some((JournalKind::SyncEnded, Folds::Later)));
        let full = ScanRow { kind: Some(ScanKind::Full), ..ended.clone() };
        assert_eq!(told(&held, &full), Some((JournalKind::SyncEnded, Folds::Never)));
        let alarm = ScanRow { error: Some("too many".to_owned()), ..full.clone() };
        assert_eq!(told(&held, &alarm), Some((JournalKind::SweepAlarm, Folds::Never)));
        let begun = |kind, restarts| ScanRow {
            scan: 4,
            running: true,
            kind: Some(kind),
            restarts,
            ..scan()
        };
        let full = begun(ScanKind::Full, 0);
        assert_eq!(told(&ended, &full), Some((JournalKind::SyncBegun, Folds::Never)));
        assert_eq!(told(&ended, &begun(ScanKind::Full, 1)), None);
        assert_eq!(told(&ended, &begun(ScanKind::Incremental, 0)), None);
        // A page moves it: nothing is told.
        assert_eq!(told(&full, &ScanRow { pages: 3, ..full.clone() }), None);
        let failed = |failures, error: &str| ScanRow {
            failures,
            error: Some(error.to_owned()),
            lease: None,
            ..scan()
        };
        let is_told = |before: &ScanRow, after: &ScanRow| {
            told(before, after) == Some((JournalKind::SyncFailed, Folds::Never))
        };
        assert!(is_told(&held, &failed(1, "no")));
        assert!(!is_told(&failed(1, "no"), &failed(2, "no")));
        assert!(is_told(&failed(2, "no"), &failed(3, "other")));
        let long = of_scan(&held, &failed(1, &"é".repeat(900))).unwrap();
        assert_eq!(long.data["error"].as_str().unwrap().chars().count(), ERROR);
    }

    #[test]
    fn a_push_tells_its_begin_and_its_end() {
        let row = |digest, ended_ms| PushRow {
            id: "p".to_owned(),
            connection: "c".to_owned(),
            object: "orders".to_owned(),
            mode: Mode::Upsert,
            header: None,
            digest,
            made_ms: 0,
            ended_ms,
            counts: IntentCounts { done: 3, failed: 1, ..IntentCounts::default() },
        };
        let kinds = |before: Option<&PushRow>, after: &PushRow| {
            of_push(before, after).into_iter().map(|entry| entry.kind).collect::<Vec<_>>()
        };
        let (read, begun, ended) =
            (row(None, None), row(Some([1; 32]), None), row(Some([1; 32]), Some(5)));
        let (tells_begin, tells_end) = (JournalKind::PushBegun, JournalKind::PushEnded);
        assert_eq!(kinds(None, &read), []);
        assert_eq!(kinds(Some(&read), &begun), [tells_begin]);
        assert_eq!(kinds(Some(&read), &ended), [tells_begin, tells_end]);
        assert_eq!(kinds(Some(&begun), &begun), []);
        assert_eq!(kinds(Some(&begun), &ended), [tells_end]);
        assert_eq!(kinds(Some(&ended), &ended), []);
        assert_eq!(of_push(Some(&read), &begun)[0].data["items"], 4);
    }
}
