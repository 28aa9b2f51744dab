//! [`Outbox`] in memory.

use std::collections::BTreeMap;

use super::mirror::Reader;
use super::{Memory, Rows};
use crate::Answer;
use crate::mirror::ChangeRow;
use crate::outbox::{Missed, Outbox, Outgoing, Parked};

/// Targets, and what each did not take, by connection and number.
#[derive(Debug, Default, Clone)]
pub struct OutboxTables {
    pub(super) targets: BTreeMap<String, BTreeMap<(String, u64), Parked>>,
}

impl Rows {
    fn change(&self, connection: &str, number: u64) -> Option<&ChangeRow> {
        self.mirror.of.get(connection)?.changes.get(&number)
    }

    fn outgoing(&self, change: &ChangeRow) -> Option<Outgoing> {
        let connection = self.store.connections.get(&change.connection)?.name.clone();
        let mirror = self.mirror.of.get(&change.connection)?;
        let versions = mirror.versions.get(&change.number);
        Some(Outgoing {
            change: change.clone(),
            connection,
            before: versions.and_then(|versions| versions.before.clone()),
            after: versions.and_then(|versions| versions.after.clone()),
        })
    }

    /// The numbers of the changes of a change's record that are parked.
    fn parked_of<'r>(
        &'r self,
        target: &str,
        change: &'r ChangeRow,
    ) -> impl Iterator<Item = u64> + 'r {
        let parked = self.outbox.targets.get(target).into_iter().flatten();
        parked.map(|(key, _)| key).filter_map(move |(connection, number)| {
            let other = self.change(connection, *number)?;
            let is_same = *connection == change.connection
                && (&other.object, &other.id) == (&change.object, &change.id);
            is_same.then_some(*number)
        })
    }
}

impl Outbox for Memory {
    fn begin_target(&self, target: &str) -> Answer<'_, ()> {
        let (target, now_ms) = (target.to_owned(), self.clock.now_ms());
        self.answer(move |rows| {
            if !rows.outbox.targets.contains_key(&target) {
                rows.outbox.targets.insert(target.clone(), BTreeMap::new());
                for mirror in rows.mirror.of.values_mut() {
                    let at = (mirror.moment, now_ms);
                    mirror.readers.insert(Reader::Target(target.clone()), at);
                }
            }
            Ok(())
        })
    }

    fn outgoing(&self, target: &str, limit: u32) -> Answer<'_, Vec<Outgoing>> {
        let reader = Reader::Target(target.to_owned());
        self.answer(move |rows| {
            let after = rows.mirror.of.values().flat_map(|mirror| {
                let at = mirror.readers.get(&reader).map_or(0, |(number, _)| *number);
                mirror.changes.range(at + 1..).map(|(_, change)| change)
            });
            Ok(after.filter_map(|change| rows.outgoing(change)).take(limit as usize).collect())
        })
    }

    fn missed(&self, target: &str) -> Answer<'_, Vec<Missed>> {
        let reader = Reader::Target(target.to_owned());
        self.answer(move |rows| {
            let missed = rows.mirror.of.iter().filter_map(|(id, mirror)| {
                let position = mirror.readers.get(&reader).map_or(0, |(number, _)| *number);
                let forgotten = mirror.forgotten;
                let name = rows.store.connections.get(id)?.name.clone();
                let connection = id.clone();
                (position < forgotten).then_some(Missed { connection, name, position, forgotten })
            });
            Ok(missed.collect())
        })
    }

    fn taken(
        &self,
        target: &str,
        positions: Vec<(String, u64)>,
        parked: Vec<Parked>,
    ) -> Answer<'_, ()> {
        let (target, now_ms) = (target.to_owned(), self.clock.now_ms());
        self.answer(move |rows| {
            for (connection, number) in positions {
                if let Some(mirror) = rows.mirror.of.get_mut(&connection) {
                    mirror.readers.insert(Reader::Target(target.clone()), (number, now_ms));
                }
            }
            for one in parked {
                park(rows, &target, one);
            }
            Ok(())
        })
    }

    fn due_parked(&self, target: &str, limit: u32) -> Answer<'_, Vec<(Parked, Outgoing)>> {
        let (target, now_ms) = (target.to_owned(), self.clock.now_ms());
        self.answer(move |rows| {
            let parked = rows.outbox.targets.get(&target).into_iter().flat_map(BTreeMap::values);
            let due = parked.filter(|parked| parked.next_ms <= now_ms).filter_map(|parked| {
                let change = rows.change(&parked.connection, parked.change)?;
                let is_oldest =
                    !rows.parked_of(&target, change).any(|number| number < parked.change);
                is_oldest.then_some((parked.clone(), rows.outgoing(change)?))
            });
            let mut due: Vec<_> = due.collect();
            due.sort_by_key(|(parked, _)| parked.next_ms);
            due.truncate(limit as usize);
            Ok(due)
        })
    }

    fn tried(
        &self,
        target: &str,
        connection: &str,
        change: u64,
        again: Option<Parked>,
    ) -> Answer<'_, ()> {
        let (target, connection) = (target.to_owned(), connection.to_owned());
        self.answer(move |rows| {
            match again {
                Some(parked) => park(rows, &target, parked),
                None => {
                    let kept = rows.outbox.targets.entry(target).or_default();
                    kept.remove(&(connection, change));
                }
            }
            Ok(())
        })
    }

    fn behind_parked(
        &self,
        target: &str,
        changes: Vec<(String, u64)>,
    ) -> Answer<'_, Vec<(String, u64)>> {
        let target = target.to_owned();
        self.answer(move |rows| {
            let is_behind = |(connection, number): &(String, u64)| {
                let change = rows.change(connection, *number);
                change.is_some_and(|change| rows.parked_of(&target, change).next().is_some())
            };
            Ok(changes.into_iter().filter(is_behind).collect())
        })
    }
}

fn park(rows: &mut Rows, target: &str, parked: Parked) {
    if rows.change(&parked.connection, parked.change).is_some() {
        let kept = rows.outbox.targets.entry(target.to_owned()).or_default();
        kept.insert((parked.connection.clone(), parked.change), parked);
    }
}
