//! [`Mirror`], call by call.

use super::found::{history, own, record};
use super::{ConnectionMirror, Letter, LookUp, MirrorTables, ObjectRows, Reader, apply, list};
use crate::journal::entries;
use crate::memory::{Memory, Rows};
use crate::mirror::held::holders_of;
use crate::mirror::plan::{self, Body, FailedLookUp, Head, PutLetter, fail_look_ups};
use crate::mirror::{
    Analytics, Applied, Batch, ChangeRow, DeadLetterRow, FailingRow, HistoryRow, LOOK_UP_FAILED,
    ListPage, ListQuery, MemberIndex, Mirror, MirroredRecord, RecordState, RuleSettings,
    ScanChange, ScanRow, ValueCounts, hash_of,
};
use crate::{Answer, StoreError};

impl Mirror for Memory {
    fn moment(&self, connection: &str) -> Answer<'_, u64> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            Ok(rows.mirror.of.get(&connection).map_or(0, |mirror| mirror.moment))
        })
    }

    fn moments(&self) -> Answer<'_, Vec<(String, u64)>> {
        self.answer(|rows| {
            Ok(rows.mirror.of.iter().map(|(id, mirror)| (id.clone(), mirror.moment)).collect())
        })
    }

    fn apply(&self, batch: Batch) -> Answer<'_, Applied> {
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| apply(rows, &batch, now_ms))
    }

    fn unchanged(
        &self,
        connection: &str,
        object: &str,
        deriver: u64,
        records: Vec<(String, [u8; 32])>,
    ) -> Answer<'_, Vec<bool>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.answer(move |rows| {
            let object = rows.object(&connection, &object);
            let unchanged = |(id, hash): &(String, [u8; 32])| {
                let head = object.and_then(|object| object.records.get(id)).map(|(head, _)| head);
                plan::is_unchanged(head, hash, deriver)
            };
            Ok(records.iter().map(unchanged).collect())
        })
    }

    fn look_ups(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, Vec<String>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| {
            let longest_ms = now_ms.saturating_add(LOOK_UP_FAILED.longest_ms());
            let object = rows.object(&connection, &object);
            let mut due: Vec<(u64, &String)> = object
                .iter()
                .flat_map(|object| &object.look_ups)
                .map(|(id, look_up)| (look_up.due_ms, id))
                .filter(|(due_ms, _)| *due_ms <= now_ms || *due_ms > longest_ms)
                .collect();
            due.sort_unstable();
            Ok(due.into_iter().take(limit as usize).map(|(_, id)| id.clone()).collect())
        })
    }

    fn fail_look_ups(
        &self,
        connection: &str,
        object: &str,
        failed: Vec<(String, String)>,
    ) -> Answer<'_, u64> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| {
            rows.make_object(&connection, &object)?;
            let MirrorTables { of, letters, .. } = &mut rows.mirror;
            let mirror = of.entry(connection.clone()).or_default();
            let mut dead = 0;
            for (id, reason) in failed {
                let kept = mirror.objects.entry(object.clone()).or_default();
                let look_up = kept.look_ups.remove(&id).unwrap_or_default();
                match fail_look_ups(&id, &reason, look_up.tries, now_ms) {
                    FailedLookUp::Again { tries, due_ms } => {
                        let look_up = LookUp { tries, due_ms, reason, ..look_up };
                        kept.look_ups.insert(id, look_up);
                    }
                    FailedLookUp::GivenUp(item) => {
                        let hash = hash_of(&id);
                        let known =
                            |letter: &Letter| letter.hash == hash && letter.row.object == object;
                        if mirror.letters.values().any(known) {
                            continue;
                        }
                        dead += 1;
                        *letters += 1;
                        let letter = PutLetter { number: None, hash, item, scan: None };
                        mirror.keep_letter(*letters, (&connection, &object), letter, now_ms);
                    }
                }
            }
            Ok(dead)
        })
    }

    fn failing(&self, connection: &str) -> Answer<'_, Vec<FailingRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            let objects =
                rows.mirror.of.get(&connection).into_iter().flat_map(|mirror| &mirror.objects);
            let failing = |(object, kept): (&String, &ObjectRows)| {
                let failing = || kept.look_ups.iter().filter(|(_, look_up)| look_up.tries > 0);
                let (id, next) = failing().min_by_key(|(_, look_up)| look_up.due_ms)?;
                Some(FailingRow {
                    object: object.clone(),
                    records: failing().count() as u64,
                    id: id.clone(),
                    tries: next.tries,
                    due_ms: next.due_ms,
                    reason: next.reason.clone(),
                })
            };
            Ok(objects.filter_map(failing).collect())
        })
    }

    fn record(
        &self,
        connection: &str,
        object: &str,
        id: &str,
    ) -> Answer<'_, Option<MirroredRecord>> {
        let (connection, object, id) = (connection.to_owned(), object.to_owned(), id.to_owned());
        self.answer(move |rows| Ok(record(rows, &connection, &object, &id)))
    }

    fn history(
        &self,
        connection: &str,
        object: &str,
        id: &str,
        limit: u32,
    ) -> Answer<'_, Vec<HistoryRow>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let id = id.to_owned();
        self.answer(move |rows| history(rows, &connection, &object, &id, limit))
    }

    fn records(
        &self,
        connection: &str,
        object: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let after = after.unwrap_or_default().to_owned();
        self.answer(move |rows| {
            let Some(kept) = rows.object(&connection, &object) else { return Ok(vec![]) };
            let holder = kept.derived_from.as_ref();
            let Some(holders) = holder.and_then(|holder| rows.object(&connection, holder)) else {
                let there = kept
                    .records
                    .iter()
                    .filter(|(id, (head, _))| **id > after && head.state != RecordState::Deleted);
                let row = |(id, (head, body)): (&String, &(Head, Option<Body>))| {
                    own(&connection, &object, id, head, body.as_ref())
                };
                return Ok(there.take(limit as usize).map(row).collect());
            };
            let first = holders_of(&after).find(|id| holders.records.contains_key(*id));
            let first = first.or_else(|| holders_of(&after).last()).unwrap_or_default();
            let held =
                holders.records.range(first.to_owned()..).flat_map(|(holder, (head, body))| {
                    let held = body.clone().unwrap_or_default().held;
                    let rows = held.rows(&connection, &object, holder, head.state);
                    rows.into_iter()
                        .filter(|row| holder != first || row.id > after)
                        .collect::<Vec<_>>()
                });
            Ok(held.take(limit as usize).collect())
        })
    }

    fn list(&self, query: ListQuery) -> Answer<'_, ListPage> {
        self.answer(move |rows| list::list(rows, &query))
    }

    fn set_indexes(&self, connector: &str, indexes: Vec<(String, MemberIndex)>) -> Answer<'_, ()> {
        let (connector, now_ms) = (connector.to_owned(), self.clock.now_ms());
        self.answer(move |rows| {
            list::set_indexes(rows, &connector, indexes, now_ms);
            Ok(())
        })
    }

    fn value_counts(&self, connection: &str, object: &str) -> Answer<'_, ValueCounts> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.answer(move |rows| {
            let Some(kept) = rows.object(&connection, &object) else {
                return Ok(Default::default());
            };
            kept.must_be_its_own(&object)?;
            Ok(list::value_counts(kept, &rows.settings(&connection)))
        })
    }

    fn analytics(&self, connection: &str, object: &str) -> Answer<'_, Analytics> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.answer(move |rows| {
            let Some(kept) = rows.object(&connection, &object) else {
                return Ok(Default::default());
            };
            kept.must_be_its_own(&object)?;
            Ok(list::analytics(kept))
        })
    }

    fn wake_rules(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, u32> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| Ok(rows.wake_rules(&connection, &object, limit, now_ms)))
    }

    fn rule_settings(&self, connection: &str) -> Answer<'_, RuleSettings> {
        let connection = connection.to_owned();
        self.answer(move |rows| Ok(rows.settings(&connection)))
    }

    fn set_rule(
        &self,
        connection: &str,
        rule: &str,
        setting: Option<Option<u32>>,
    ) -> Answer<'_, ()> {
        let (connection, rule) = (connection.to_owned(), rule.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| rows.set_rule(&connection, &rule, setting, now_ms))
    }

    fn changes(&self, connection: &str, since: u64, limit: u32) -> Answer<'_, Vec<ChangeRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            let Some(mirror) = rows.mirror.of.get(&connection) else { return Ok(vec![]) };
            let until = mirror.forgotten;
            if 0 < since && since < until {
                return Err(StoreError::Forgotten { since, until });
            }
            let after = mirror.changes.range(since + 1..);
            Ok(after.take(limit as usize).map(|(_, row)| row.clone()).collect())
        })
    }

    fn positions(&self, consumer: &str) -> Answer<'_, Vec<(String, u64)>> {
        let reader = Reader::Consumer(consumer.to_owned());
        self.answer(move |rows| {
            let position = |(id, mirror): (&String, &ConnectionMirror)| {
                mirror.readers.get(&reader).map(|(number, _)| (id.clone(), *number))
            };
            Ok(rows.mirror.of.iter().filter_map(position).collect())
        })
    }

    fn set_position(&self, consumer: &str, connection: &str, number: u64) -> Answer<'_, ()> {
        let (reader, connection) = (Reader::Consumer(consumer.to_owned()), connection.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| {
            if let Some(mirror) = rows.mirror.of.get_mut(&connection) {
                mirror.readers.insert(reader, (number, now_ms));
            }
            Ok(())
        })
    }

    fn forget_consumer(&self, consumer: &str) -> Answer<'_, bool> {
        let reader = Reader::Consumer(consumer.to_owned());
        self.answer(move |rows| {
            let mut was_there = false;
            for mirror in rows.mirror.of.values_mut() {
                was_there |= mirror.readers.remove(&reader).is_some();
            }
            Ok(was_there)
        })
    }

    fn prune_changes(&self, connection: &str, age_ms: u64) -> Answer<'_, u64> {
        let (connection, now_ms) = (connection.to_owned(), self.clock.now_ms());
        self.answer(move |rows| {
            let Some(mirror) = rows.mirror.of.get_mut(&connection) else { return Ok(0) };
            Ok(mirror.prune(now_ms.saturating_sub(age_ms), None))
        })
    }

    fn scans(&self, connection: &str) -> Answer<'_, Vec<ScanRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            let objects = rows
                .mirror
                .of
                .get(&connection)
                .into_iter()
                .flat_map(|mirror| mirror.objects.values());
            Ok(objects.filter_map(|object| object.scan.clone()).collect())
        })
    }

    fn change_scan(
        &self,
        connection: &str,
        object: &str,
        change: ScanChange,
    ) -> Answer<'_, ScanRow> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| {
            let kept = rows.make_object(&connection, &object)?;
            let row = kept.scan.clone().unwrap_or_else(|| ScanRow::new(&connection, &object));
            let Some(new) = change(&row, now_ms) else { return Ok(row) };
            kept.scan = Some(new.clone());
            let told = entries::of_scan(&row, &new);
            told.into_iter().for_each(|entry| rows.journal.note(&connection, now_ms, entry));
            Ok(new)
        })
    }

    fn bookmark_before(
        &self,
        connection: &str,
        object: &str,
        age_ms: u64,
    ) -> Answer<'_, Option<String>> {
        let at_ms = self.clock.now_ms().saturating_sub(age_ms);
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.answer(move |rows| {
            let object = rows.object(&connection, &object);
            let newest = object.and_then(|object| object.bookmarks.range(..=at_ms).next_back());
            Ok(newest.map(|(_, bookmark)| bookmark.clone()))
        })
    }

    fn unseen(
        &self,
        connection: &str,
        object: &str,
        scan: u64,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let after = after.unwrap_or_default().to_owned();
        self.answer(move |rows| {
            let unseen = unseen(rows, &connection, &object, scan).into_iter();
            let ids = unseen.filter(|id| *id > after).take(limit as usize);
            Ok(ids.filter_map(|id| record(rows, &connection, &object, &id)).collect())
        })
    }

    fn count_unseen(&self, connection: &str, object: &str, scan: u64) -> Answer<'_, (u64, u64)> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.answer(move |rows| {
            let live = rows.object(&connection, &object).map_or(0, |kept| count(kept, 0));
            Ok((unseen(rows, &connection, &object, scan).len() as u64, live))
        })
    }

    fn dead_letters(&self, connection: Option<&str>) -> Answer<'_, Vec<DeadLetterRow>> {
        let connection = connection.map(str::to_owned);
        self.answer(move |rows| {
            let wanted = |id: &String| connection.as_ref().is_none_or(|wanted| wanted == id);
            let mirrors = rows.mirror.of.iter().filter(|(id, _)| wanted(id));
            let letters = mirrors.flat_map(|(_, mirror)| mirror.letters.values());
            let mut letters: Vec<_> = letters.map(|letter| letter.row.clone()).collect();
            letters.sort_by_key(|row| row.number);
            Ok(letters)
        })
    }

    fn remove_dead_letter(&self, number: u64) -> Answer<'_, bool> {
        self.answer(move |rows| {
            let mut mirrors = rows.mirror.of.values_mut();
            Ok(mirrors.any(|mirror| mirror.letters.remove(&number).is_some()))
        })
    }

    fn reset(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let now_ms = self.clock.now_ms();
        self.answer(move |rows| {
            let Some(mirror) = rows.mirror.of.get_mut(&connection) else { return Ok(()) };
            if !mirror.objects.contains_key(&object) {
                return Ok(());
            }
            let is_derived =
                |(_, kept): &(&String, &ObjectRows)| kept.derived_from.as_ref() == Some(&object);
            let derived = mirror.objects.iter().filter(is_derived).map(|(name, _)| name.clone());
            let names: Vec<String> = std::iter::once(object.clone()).chain(derived).collect();
            let scan = mirror.objects.get(&object).and_then(|kept| kept.scan.as_ref());
            let plan = plan::reset(names, mirror.moment, scan);
            let mut ended: Vec<u64> = Vec::new();
            for name in &plan.objects {
                let kept = mirror.objects.entry(name.clone()).or_default();
                ended.extend(kept.records.values().map(|(head, _)| head.change));
                let derived_from = kept.derived_from.take();
                let index = std::mem::take(&mut kept.index);
                *kept = ObjectRows { derived_from, index, ..ObjectRows::default() };
            }
            ended.into_iter().for_each(|number| mirror.forget_versions(number, 0));
            mirror.objects.entry(object.clone()).or_default().scan = plan.scan;
            mirror.moment = plan.moment;
            mirror.log(&connection, &plan.objects, plan.changes, now_ms);
            rows.journal.note(&connection, now_ms, entries::of_reset(&object));
            Ok(())
        })
    }

    fn count(&self, connection: &str, object: &str) -> Answer<'_, (u64, u64, u64)> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.answer(move |rows| {
            let Some(kept) = rows.object(&connection, &object) else { return Ok((0, 0, 0)) };
            Ok((count(kept, 0), count(kept, 1), count(kept, 2)))
        })
    }
}

fn count(kept: &ObjectRows, at: usize) -> u64 {
    kept.counts.get(at).map_or(0, |count| u64::try_from(*count).unwrap_or_default())
}

fn unseen(rows: &Rows, connection: &str, object: &str, scan: u64) -> Vec<String> {
    let Some(kept) = rows.object(connection, object) else { return vec![] };
    let live = kept.records.iter().filter(|(_, (head, _))| head.state == RecordState::Live);
    live.filter(|(id, _)| kept.seen.get(*id) != Some(&scan)).map(|(id, _)| id.clone()).collect()
}
