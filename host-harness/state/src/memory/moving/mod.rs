//! [`Moving`] in memory: a connection on its way is nothing but its rows.

mod cells;
mod incoming;
mod outgoing;

use std::collections::BTreeMap;

use self::outgoing::Outgoing;
use super::mirror::Reader;
use super::{Memory, Rows, store};
use crate::moving::plan::{self, Arrival, Kept, Work};
use crate::moving::tables::SMALL;
use crate::moving::{MoveRow, MoveStage, MovedRow, Moving, Piece, Place, Spans};
use crate::{Answer, Change, Lease, StoreError};

/// Rows that one piece has.
const AT_ONCE: usize = 7;

/// Connections on their way.
#[derive(Debug, Default, Clone)]
pub struct MoveTables(BTreeMap<String, Move>);

#[derive(Debug, Clone)]
struct Move {
    stage: MoveStage,
    at_ms: u64,
    attempt: String,
    small: Vec<MovedRow>,
    large: Vec<MovedRow>,
    /// What numbers of deliveries count from here.
    first: i64,
}

impl Rows {
    fn moving(&mut self, id: &str, stages: &[MoveStage]) -> Result<&mut Move, StoreError> {
        let found = self.moves.0.get_mut(id).filter(|found| stages.contains(&found.stage));
        found.ok_or_else(|| StoreError::NoMove(id.to_owned()))
    }

    fn work(&self, id: &str) -> Vec<Work> {
        let of = |what: String, lease: &Option<Lease>| {
            lease.clone().map(|lease| Work { what, lease, to_its_end: false })
        };
        let scans = self.mirror.of.get(id).into_iter().flat_map(|mirror| &mirror.objects);
        let scans = scans.filter_map(|(name, object)| {
            of(format!("reading {name}"), &object.scan.as_ref()?.lease)
        });
        let hook = self.inbox.hooks.get(id);
        let hook = hook.and_then(|(_, lease)| of("applying deliveries".to_owned(), lease));
        let forwards = self.outbox.forwards.values();
        let forwards = forwards.filter(|forward| forward.row.connection.as_deref() == Some(id));
        let forwards = forwards.filter_map(|forward| {
            of(format!("handing on by {}", forward.row.name), &forward.lease)
        });
        let claims = self.push.claims.values().filter(|claim| claim.connection == id);
        let claims = claims.filter_map(|claim| {
            let lease = Lease { attempt: claim.holder.owner.clone(), until_ms: claim.until_ms };
            of(format!("pushing {}", claim.object), &Some(lease))
        });
        let grant = self.store.grants.get(id).and_then(|grant| grant.lease.clone());
        let what = "renewing its grant".to_owned();
        let grant = grant.map(|lease| Work { what, lease, to_its_end: true });
        let mut work: Vec<Work> =
            scans.chain(hook).chain(forwards).chain(claims).chain(grant).collect();
        work.sort_by(|one, other| one.what.cmp(&other.what));
        work
    }

    fn leave(&mut self, id: &str, now_ms: u64) -> Result<bool, StoreError> {
        if let Some(found) = self.moves.0.get(id) {
            return match found.stage {
                MoveStage::Leaving => Ok(false),
                MoveStage::Gone => {
                    let row = plan::shown(found.stage, found.at_ms, &found.small);
                    Err(StoreError::Moved(row.name))
                }
                MoveStage::Coming => Err(StoreError::NoConnection(id.to_owned())),
            };
        }
        let row = self.store.connections.get(id);
        let name = row.ok_or_else(|| StoreError::NoConnection(id.to_owned()))?.name.clone();
        plan::leave(&name, &self.work(id), now_ms)?;
        // Where a forward has handed on nothing yet, that moves too.
        let covering = self.outbox.forwards.values().filter(|it| self.covers(&it.row, id));
        let covering: Vec<String> = covering.map(|it| it.row.id.clone()).collect();
        if let Some(mirror) = self.mirror.of.get_mut(id) {
            for forward in covering {
                mirror.readers.entry(Reader::Forward(forward)).or_insert((0, now_ms));
            }
        }
        self.store.touch([id]);
        let (rows, first) = Outgoing::of(self, id);
        let (small, large) = rows.into_iter().partition(is_small);
        let (stage, attempt) = (MoveStage::Leaving, String::new());
        let moved = Move { stage, at_ms: now_ms, attempt, small, large, first };
        store::write(self, Change::RemoveConnection { id: id.to_owned() }, now_ms);
        self.moves.0.insert(id.to_owned(), moved);
        Ok(true)
    }

    /// The name of a forward that comes, where another one has it.
    fn taken<'r>(&self, rows: &'r [MovedRow]) -> Option<&'r str> {
        let forwards = rows.iter().filter(|row| row.table.name.ends_with("forwards"));
        let is_taken = |row: &&MovedRow| {
            let mut kept = self.outbox.forwards.values();
            kept.any(|kept| kept.row.name == row.text("name") && kept.row.id != row.text("id"))
        };
        forwards.into_iter().find(is_taken).map(|row| row.text("name"))
    }

    fn be_there(&mut self, id: &str, now_ms: u64) -> Result<(), StoreError> {
        let Some(found) = self.moves.0.get(id) else { return Ok(()) };
        let name = plan::shown(found.stage, found.at_ms, &found.small).name;
        let is_named = self.store.connections.values().any(|row| row.name == name);
        let forward = self.taken(&found.small);
        plan::arrive(&name, Kept { is_named, forward, ..Kept::default() })?;
        if let Some(found) = self.moves.0.remove(id) {
            let first = found.first;
            incoming::put(self, id, found.small.into_iter().chain(found.large), first, now_ms);
        }
        Ok(())
    }

    fn arrive(
        &mut self,
        attempt: String,
        small: Vec<MovedRow>,
        now_ms: u64,
    ) -> Result<bool, StoreError> {
        let MoveRow { connection, name, .. } = plan::shown(MoveStage::Coming, now_ms, &small);
        let kept = Kept {
            is_here: self.store.connections.contains_key(&connection),
            is_named: self.store.connections.values().any(|row| row.name == name),
            is_removed: false,
            stage: self.moves.0.get(&connection).map(|found| found.stage),
            forward: self.taken(&small),
        };
        if plan::arrive(&name, kept)? == Arrival::Erase {
            self.moves.0.remove(&connection);
            return Ok(false);
        }
        let spans = small.iter().find(|row| row.table.name == "spans");
        let span = spans.and_then(|row| row.cell("deliveries").integer()).unwrap_or_default();
        let numbers = &mut self.inbox.numbers;
        let first = i64::try_from(numbers.delivery).unwrap_or_default() + 1;
        numbers.delivery += u64::try_from(span).unwrap_or_default();
        let (stage, large) = (MoveStage::Coming, vec![]);
        let moved = Move { stage, at_ms: now_ms, attempt, small, large, first };
        self.moves.0.insert(connection, moved);
        Ok(true)
    }
}

fn is_small(row: &MovedRow) -> bool {
    SMALL.iter().any(|table| table.name == row.table.name)
}

impl Moving for Memory {
    fn moves(&self) -> Answer<'_, Vec<MoveRow>> {
        self.answer(|rows| {
            let all = rows.moves.0.values();
            let mut all: Vec<MoveRow> =
                all.map(|it| plan::shown(it.stage, it.at_ms, &it.small)).collect();
            all.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(all)
        })
    }

    fn move_out(&self, connection: &str) -> Answer<'_, bool> {
        let id = connection.to_owned();
        self.write(move |rows, now_ms| rows.leave(&id, now_ms))
    }

    fn export_rows(&self, connection: &str, after: Option<Place>) -> Answer<'_, Piece> {
        let id = connection.to_owned();
        self.answer(move |rows| {
            let found = rows.moving(&id, &[MoveStage::Leaving])?.clone();
            let from = after.as_ref().map_or(0, |place| place.table);
            let mut some = if after.is_none() { found.small.clone() } else { vec![] };
            if after.is_none() {
                some.extend(outgoing::shared_forwards(rows, &some));
            }
            some.extend(found.large.iter().skip(from).take(AT_ONCE).cloned());
            let next = from + AT_ONCE;
            let place = Place { table: next, ..Place::start(Spans::default()) };
            Ok(Piece { rows: some, next: (next < found.large.len()).then_some(place) })
        })
    }

    fn depart(&self, connection: &str) -> Answer<'_, ()> {
        let id = connection.to_owned();
        self.write(move |rows, now_ms| {
            let found = rows.moving(&id, &[MoveStage::Leaving])?;
            (found.stage, found.at_ms) = (MoveStage::Gone, now_ms);
            Ok(())
        })
    }

    fn come_back(&self, connection: &str) -> Answer<'_, ()> {
        let id = connection.to_owned();
        self.write(move |rows, now_ms| {
            rows.moving(&id, &[MoveStage::Leaving, MoveStage::Gone])?;
            rows.be_there(&id, now_ms)
        })
    }

    fn give_up(&self, connection: &str) -> Answer<'_, ()> {
        let id = connection.to_owned();
        self.answer(move |rows| {
            rows.moving(&id, &[MoveStage::Gone, MoveStage::Coming])?;
            rows.moves.0.remove(&id);
            rows.store.touch([&*id]);
            Ok(())
        })
    }

    fn arrive(&self, attempt: &str, rows: Vec<MovedRow>) -> Answer<'_, bool> {
        let attempt = attempt.to_owned();
        self.write(move |kept, now_ms| kept.arrive(attempt, rows, now_ms))
    }

    fn import_rows(&self, connection: &str, attempt: &str, rows: Vec<MovedRow>) -> Answer<'_, ()> {
        let (id, attempt) = (connection.to_owned(), attempt.to_owned());
        self.answer(move |kept| {
            let found = kept.moving(&id, &[MoveStage::Coming])?;
            if found.attempt != attempt {
                return Err(StoreError::NoMove(id));
            }
            found.large.extend(rows);
            Ok(())
        })
    }

    fn finish(&self, connection: &str, attempt: &str) -> Answer<'_, ()> {
        let (id, attempt) = (connection.to_owned(), attempt.to_owned());
        self.write(move |rows, now_ms| {
            if rows.moving(&id, &[MoveStage::Coming])?.attempt != attempt {
                return Err(StoreError::NoMove(id));
            }
            rows.be_there(&id, now_ms)
        })
    }
}
