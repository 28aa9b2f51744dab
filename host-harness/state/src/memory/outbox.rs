//! [`Outbox`] in memory.

use std::collections::BTreeMap;

use super::mirror::{ConnectionMirror, Reader};
use super::{Memory, Rows};
use crate::mirror::{ChangeKind, ChangeRow};
use crate::outbox::{
    ForwardLag, ForwardRow, ForwardWork, Missed, Outbox, Outgoing, SettledWork, Undelivered,
    WhichParked, plan,
};
use crate::{Answer, Lease, StoreError};

/// Forwards, and what their targets did not take.
#[derive(Debug, Default, Clone)]
pub struct OutboxTables {
    /// By id.
    pub(super) forwards: BTreeMap<String, Forward>,
    /// By the forward's id, connection and number.
    pub(super) undelivered: BTreeMap<(String, String, u64), Undelivered>,
}

#[derive(Debug, Clone)]
pub(super) struct Forward {
    pub row: ForwardRow,
    pub lease: Option<Lease>,
    /// And when.
    pub error: Option<(String, u64)>,
}

/// Removes forwards of a connection, and what was its.
pub fn erase(rows: &mut Rows, connection: &str) {
    let tables = &mut rows.outbox;
    tables.forwards.retain(|_, forward| forward.row.connection.as_deref() != Some(connection));
    tables.undelivered.retain(|(_, whose, _), _| whose != connection);
}

impl Rows {
    /// Whether a forward takes the changes of a connection.
    pub(super) fn covers(&self, forward: &ForwardRow, connection: &str) -> bool {
        let row = self.store.connections.get(connection);
        row.is_some_and(|row| row.connector == forward.connector)
            && forward.connection.as_ref().is_none_or(|only| only == connection)
    }

    /// Whether any does.
    pub(super) fn is_forwarded(&self, connection: &str) -> bool {
        self.outbox.forwards.values().any(|forward| self.covers(&forward.row, connection))
    }

    /// Up to which change of a connection every forward has had what it needs.
    pub(super) fn had_by_all(&self, connection: &str) -> u64 {
        let Some(mirror) = self.mirror.of.get(connection) else { return u64::MAX };
        let all = self.outbox.forwards.values();
        let positions = all
            .filter(|forward| self.covers(&forward.row, connection))
            .map(|forward| position(mirror, &forward.row.id));
        positions.min().unwrap_or(u64::MAX).max(mirror.moment.saturating_sub(plan::MOST_BEHIND))
    }

    fn mirrors_of<'r>(
        &'r self,
        forward: &str,
    ) -> impl Iterator<Item = (&'r String, &'r ConnectionMirror)> + 'r {
        let row = self.outbox.forwards.get(forward).map(|forward| &forward.row);
        let all = row.into_iter().flat_map(|row| self.mirror.of.iter().map(move |it| (row, it)));
        all.filter(|(row, (id, _))| self.covers(row, id)).map(|(_, it)| it)
    }

    fn undelivered_of(&self, forward: &str) -> impl Iterator<Item = (&Undelivered, &ChangeRow)> {
        let from = (forward.to_owned(), String::new(), 0);
        let of = self.outbox.undelivered.range(from..);
        let of = of.take_while(move |((whose, ..), _)| whose == forward);
        of.filter_map(|(_, row)| {
            Some((row, self.mirror.of.get(&row.connection)?.changes.get(&row.change)?))
        })
    }

    /// Whether a change of this one's record, before `than`, waits for its next try.
    fn is_blocked(&self, forward: &str, change: &ChangeRow, than: u64) -> bool {
        self.undelivered_of(forward).any(|(row, other)| {
            row.next_ms.is_some()
                && row.change < than
                && (&other.connection, &other.object, &other.id)
                    == (&change.connection, &change.object, &change.id)
        })
    }

    fn outgoing(&self, change: &ChangeRow) -> Option<Outgoing> {
        let connection = self.store.connections.get(&change.connection)?.name.clone();
        let mirror = self.mirror.of.get(&change.connection)?;
        let versions = mirror.versions.get(&change.number);
        // Of a rule, the record as it is.
        let now = || {
            let (_, body) = mirror.objects.get(&change.object)?.records.get(&change.id)?;
            Some(body.as_ref()?.data.clone())
        };
        Some(Outgoing {
            change: change.clone(),
            connection,
            before: versions.and_then(|versions| versions.before.clone()),
            after: match change.kind {
                ChangeKind::Rule => now(),
                _ => versions.and_then(|versions| versions.after.clone()),
            },
        })
    }

    fn find_work(&self, forward: &str, limit: usize, now_ms: u64) -> ForwardWork {
        let mut work = ForwardWork::default();
        for (id, mirror) in self.mirrors_of(forward) {
            let position = position(mirror, forward);
            let missed = plan::missed_until(mirror.forgotten, mirror.moment, position);
            if let Some(forgotten) = missed {
                let name = self.store.connections.get(id).map(|row| row.name.clone());
                let (connection, name) = (id.clone(), name.unwrap_or_default());
                work.missed.push(Missed { connection, name, position, forgotten });
                continue;
            }
            for change in mirror.changes.range(position + 1..).map(|(_, change)| change) {
                if work.pending.len() < limit {
                    work.pending.extend(self.outgoing(change));
                }
            }
        }
        for outgoing in &work.pending {
            if self.is_blocked(forward, &outgoing.change, u64::MAX) {
                let change = &outgoing.change;
                work.blocked.insert((change.connection.clone(), change.number));
            }
        }
        let due = self.undelivered_of(forward).filter(|(row, change)| {
            row.next_ms.is_some_and(|next_ms| next_ms <= now_ms)
                && !self.is_blocked(forward, change, row.change)
        });
        work.due =
            due.filter_map(|(row, change)| Some((row.clone(), self.outgoing(change)?))).collect();
        work.due.sort_by_key(|(row, _)| row.next_ms);
        work.due.truncate(limit);
        work.undelivered = self.undelivered_of(forward).count() as u64;
        work
    }

    fn settle_work(&mut self, forward: &str, settled: SettledWork, now_ms: u64) {
        if !self.outbox.forwards.contains_key(forward) {
            return;
        }
        for (connection, number) in settled.positions {
            if let Some(mirror) = self.mirror.of.get_mut(&connection) {
                let reader = Reader::Forward(forward.to_owned());
                if position(mirror, forward) < number {
                    mirror.readers.insert(reader, (number, now_ms));
                }
            }
        }
        for row in settled.undelivered {
            let log = self.mirror.of.get(&row.connection);
            if log.is_some_and(|mirror| mirror.changes.contains_key(&row.change)) {
                let key = (forward.to_owned(), row.connection.clone(), row.change);
                self.outbox.undelivered.insert(key, row);
            }
        }
        for (connection, change) in settled.delivered {
            self.outbox.undelivered.remove(&(forward.to_owned(), connection, change));
        }
        if let Some(forward) = self.outbox.forwards.get_mut(forward) {
            forward.error = settled.error.map(|error| (error, now_ms));
        }
    }

    fn parked(&self, forward: &str, which: &WhichParked) -> Vec<(String, String, u64)> {
        let parked = self.undelivered_of(forward).filter(|(row, _)| {
            row.next_ms.is_none() && which.is_meant(&row.connection, row.change)
        });
        parked.map(|(row, _)| (forward.to_owned(), row.connection.clone(), row.change)).collect()
    }
}

fn position(mirror: &ConnectionMirror, forward: &str) -> u64 {
    let reader = Reader::Forward(forward.to_owned());
    mirror.readers.get(&reader).map_or(0, |(number, _)| *number)
}

impl Outbox for Memory {
    fn put_forward(&self, forward: ForwardRow) -> Answer<'_, ()> {
        self.write(move |rows, now_ms| {
            let kept: Vec<_> = rows.outbox.forwards.values().map(|kept| kept.row.clone()).collect();
            let there = |id: &String| rows.store.connections.contains_key(id);
            let is_new = plan::put(&forward, &kept, forward.connection.as_ref().is_none_or(there))?;
            let id = forward.id.clone();
            let kept = rows.outbox.forwards.remove(&id);
            let (lease, error) = kept.map_or((None, None), |kept| (kept.lease, kept.error));
            rows.outbox.forwards.insert(id.clone(), Forward { row: forward, lease, error });
            let mirrors: Vec<String> =
                rows.mirrors_of(&id).filter(|_| is_new).map(|(whose, _)| whose.clone()).collect();
            for whose in mirrors {
                if let Some(mirror) = rows.mirror.of.get_mut(&whose) {
                    mirror.readers.insert(Reader::Forward(id.clone()), (mirror.moment, now_ms));
                }
            }
            Ok(())
        })
    }

    fn list_forwards(&self) -> Answer<'_, Vec<ForwardRow>> {
        self.answer(|rows| {
            let mut all: Vec<_> =
                rows.outbox.forwards.values().map(|forward| forward.row.clone()).collect();
            all.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(all)
        })
    }

    fn remove_forward(&self, forward: &str) -> Answer<'_, ()> {
        let forward = forward.to_owned();
        self.answer(move |rows| {
            rows.outbox.forwards.remove(&forward);
            rows.outbox.undelivered.retain(|(whose, ..), _| *whose != forward);
            for mirror in rows.mirror.of.values_mut() {
                mirror.readers.remove(&Reader::Forward(forward.clone()));
            }
            Ok(())
        })
    }

    fn lease_forward(&self, forward: &str, holder: &str, for_ms: u64) -> Answer<'_, bool> {
        let (forward, attempt) = (forward.to_owned(), holder.to_owned());
        self.write(move |rows, now_ms| {
            let Some(forward) = rows.outbox.forwards.get_mut(&forward) else { return Ok(false) };
            let wanted = Lease { attempt, until_ms: now_ms.saturating_add(for_ms) };
            if forward.lease.as_ref().is_some_and(|held| held.blocks(&wanted, now_ms)) {
                return Ok(false);
            }
            forward.lease = Some(wanted);
            Ok(true)
        })
    }

    fn measure_forward(&self, forward: &str) -> Answer<'_, ForwardLag> {
        let id = forward.to_owned();
        self.answer(move |rows| {
            let Some(forward) = rows.outbox.forwards.get(&id) else {
                return Ok(ForwardLag::default());
            };
            let (error, error_ms) = forward.error.clone().unzip();
            let mut lag = ForwardLag { error, error_ms, ..ForwardLag::default() };
            let mut since = Vec::new();
            for (_, mirror) in rows.mirrors_of(&id) {
                let position = position(mirror, &id);
                let Some((_, first)) = mirror.changes.range(position + 1..).next() else {
                    continue;
                };
                lag.behind += mirror.moment.saturating_sub(position);
                since.push(first.at_ms);
            }
            for (row, change) in rows.undelivered_of(&id) {
                match row.next_ms {
                    Some(_) => {
                        lag.waiting += 1;
                        since.push(change.at_ms);
                    }
                    None => lag.parked += 1,
                }
            }
            lag.since_ms = since.into_iter().min();
            Ok(lag)
        })
    }

    fn find_work(&self, forward: &str, limit: u32) -> Answer<'_, ForwardWork> {
        let forward = forward.to_owned();
        self.write(move |rows, now_ms| Ok(rows.find_work(&forward, limit as usize, now_ms)))
    }

    fn settle_work(&self, forward: &str, settled: SettledWork) -> Answer<'_, ()> {
        let forward = forward.to_owned();
        self.write(move |rows, now_ms| {
            rows.settle_work(&forward, settled, now_ms);
            Ok(())
        })
    }

    fn list_parked(&self, forward: &str, limit: u32) -> Answer<'_, Vec<(Undelivered, ChangeRow)>> {
        let forward = forward.to_owned();
        self.answer(move |rows| {
            let parked = rows.undelivered_of(&forward).filter(|(row, _)| row.next_ms.is_none());
            let parked = parked.take(limit as usize);
            Ok(parked.map(|(row, change)| (row.clone(), change.clone())).collect())
        })
    }

    fn retry_parked(&self, forward: &str, which: WhichParked) -> Answer<'_, u64> {
        let forward = forward.to_owned();
        self.write(move |rows, now_ms| {
            let parked = rows.parked(&forward, &which);
            for key in &parked {
                if let Some(row) = rows.outbox.undelivered.get_mut(key) {
                    (row.attempts, row.next_ms) = (0, Some(now_ms));
                }
            }
            Ok::<_, StoreError>(parked.len() as u64)
        })
    }

    fn drop_parked(&self, forward: &str, which: WhichParked) -> Answer<'_, u64> {
        let forward = forward.to_owned();
        self.answer(move |rows| {
            let parked = rows.parked(&forward, &which);
            parked.iter().for_each(|key| drop(rows.outbox.undelivered.remove(key)));
            Ok(parked.len() as u64)
        })
    }
}
