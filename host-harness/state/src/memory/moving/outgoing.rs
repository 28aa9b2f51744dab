//! The rows of a connection that leaves.

use super::cells::{self, Field};
use crate::inbox::{DeliveryRow, EventEffect, EventRow};
use crate::memory::Rows;
use crate::memory::mirror::{ConnectionMirror, ObjectRows, Reader};
use crate::memory::outbox::Forward;
use crate::moving::plan::counted_from;
use crate::moving::tables::Table;
use crate::moving::{Cell, MovedRow};

/// Rows as they are collected.
pub struct Outgoing<'r> {
    rows: &'r Rows,
    id: &'r str,
    /// The number of its first delivery.
    first: i64,
    out: Vec<MovedRow>,
}

impl<'r> Outgoing<'r> {
    /// All rows, and the number of its first delivery.
    pub fn of(rows: &'r Rows, id: &'r str) -> (Vec<MovedRow>, i64) {
        let mirror = rows.mirror.of.get(id);
        let told = mirror.into_iter().flat_map(|mirror| mirror.changes.values());
        let told = told.filter_map(|change| change.delivery);
        let kept = rows.inbox.deliveries.values().filter(|row| row.connection == id);
        let numbers: Vec<u64> = told.chain(kept.map(|row| row.number)).collect();
        let ends = numbers.iter().min().zip(numbers.iter().max());
        let (first, span) = ends.map_or((0, 0), |(first, last)| (*first, last - first + 1));
        let first = i64::try_from(first).unwrap_or_default();
        let mut all = Self { rows, id, first, out: vec![] };
        let bodies = mirror.map_or(0, |mirror| mirror.arrivals);
        all.add("spans", None, |row| {
            row.set("bodies", Cell::Integer(bodies + 1));
            row.set("deliveries", span.to_cell());
        });
        all.small();
        if let Some(mirror) = mirror {
            all.mirror(mirror);
        }
        all.undelivered();
        all.inbox();
        all.pushes();
        all.journal();
        (all.out, first)
    }

    fn add(&mut self, table: &str, part: Option<&str>, fill: impl FnOnce(&mut MovedRow)) {
        if let Some(table) = Table::named(table) {
            let cells = vec![Cell::Null; table.columns.len()];
            let mut row = MovedRow { table, part: part.map(str::to_owned), cells };
            fill(&mut row);
            self.out.push(row);
        }
    }

    fn small(&mut self) {
        let id = self.id;
        let store = &self.rows.store;
        if let Some(it) = store.connections.get(id) {
            let settings = store.rules.get(id).cloned().unwrap_or_default();
            self.add("connections", None, |row| {
                cells::put_connection(it, row);
                row.set("rules", settings.to_cell());
            });
        }
        for (name, value) in store.labels.get(id).into_iter().flatten() {
            self.add("labels", None, |row| {
                row.set("name", name.to_cell());
                row.set("value", value.to_cell());
            });
        }
        for it in store.secrets.values().filter(|it| it.connection == id) {
            self.add("secrets", None, |row| cells::put_secret(it, row));
        }
        if let Some(it) = store.grants.get(self.id) {
            self.add("grants", None, |row| {
                cells::put_grant(it, row);
                if let Some(previous) = &it.previous {
                    row.set("sealed_previous", previous.sealed.to_cell());
                    row.set("previous_until_ms", previous.until_ms.to_cell());
                }
            });
        }
        if let Some((it, _)) = self.rows.inbox.hooks.get(self.id) {
            self.add("hooks", None, |row| cells::put_hook(it, row));
        }
        for it in self.rows.inbox.subscriptions.values().filter(|it| it.connection == id) {
            self.add("subscriptions", None, |row| cells::put_subscription(it, row));
        }
        for it in self.rows.outbox.forwards.values() {
            if it.row.connection.as_deref() == Some(self.id) {
                self.add("forwards", None, |row| put_forward(it, row));
            }
        }
    }

    fn mirror(&mut self, mirror: &ConnectionMirror) {
        self.add("mirrors", None, |row| {
            row.set("moment", mirror.moment.to_cell());
            row.set("forgotten", mirror.forgotten.to_cell());
        });
        // Those that hold others first.
        let mut objects: Vec<(&String, &ObjectRows)> = mirror.objects.iter().collect();
        objects.sort_by_key(|(_, object)| object.derived_from.is_some());
        for (name, object) in &objects {
            self.add("mirror_objects", Some(name), |row| {
                row.set("derived_from", object.derived_from.to_cell());
                for (column, count) in
                    ["live", "aged_out", "deleted"].into_iter().zip(object.counts)
                {
                    row.set(column, Cell::Integer(count));
                }
            });
        }
        for (name, object) in &objects {
            self.object(name, object);
        }
        for letter in mirror.letters.values() {
            self.add("mirror_dead_letters", Some(&letter.row.object), |row| {
                cells::put_letter(&letter.row, row);
                row.set("number", Cell::Null);
                row.set("hash", letter.hash.to_cell());
                row.set("scan", letter.scan.to_cell());
            });
        }
        for change in mirror.changes.values() {
            let first = self.first;
            self.add("mirror_changes", None, |row| {
                cells::put_change(change, row);
                row.set("delivery", counted_from(change.delivery.to_cell(), first));
                row.set("prior", mirror.prior.get(&change.number).copied().to_cell());
            });
        }
        for (change, (at_ms, before)) in &mirror.packed {
            self.add("mirror_versions", None, |row| {
                row.set("change", change.to_cell());
                row.set("at_ms", at_ms.to_cell());
                row.set("before", before.to_cell());
            });
        }
        for version in mirror.versions.values() {
            self.add("forward_versions", None, |row| {
                row.set("change", version.change.to_cell());
                row.set("before", version.before.to_cell());
                row.set("after", version.after.to_cell());
            });
        }
        for (reader, (number, moved_ms)) in &mirror.readers {
            let (kind, name) = match reader {
                Reader::Consumer(name) => ("consumer", name),
                Reader::Forward(id) => ("forward", id),
            };
            self.add("mirror_readers", None, |row| {
                row.set("kind", Cell::Text(kind.to_owned()));
                row.set("reader", name.to_cell());
                row.set("number", number.to_cell());
                row.set("moved_ms", moved_ms.to_cell());
            });
        }
    }

    fn object(&mut self, name: &str, object: &ObjectRows) {
        for (id, (head, body)) in &object.records {
            self.add("mirror_records", Some(name), |row| {
                row.set("id", id.to_cell());
                row.set("state", head.state.to_cell());
                row.set("change", head.change.to_cell());
                row.set("hash", head.hash.to_cell());
                row.set("deriver", head.deriver.to_cell());
                row.set("updated_at", head.updated_at.to_cell());
                row.set("versions", head.versions.to_cell());
                row.set("body", object.arrived.get(id).copied().to_cell());
                row.set("seen", object.seen.get(id).copied().to_cell());
                row.set("rules", head.rules.encode().to_cell());
                if let Some(body) = body {
                    row.set("created_at", body.created_at.to_cell());
                    row.set("data", body.data.to_cell());
                    row.set("held", body.held.encode().to_cell());
                }
            });
        }
        if let Some(scan) = &object.scan {
            self.add("mirror_scans", Some(name), |row| cells::put_scan(scan, row));
        }
        for (at_ms, bookmark) in &object.bookmarks {
            self.add("mirror_bookmarks", Some(name), |row| {
                row.set("at_ms", at_ms.to_cell());
                row.set("bookmark", bookmark.to_cell());
            });
        }
        for (id, look_up) in &object.look_ups {
            self.add("mirror_look_ups", Some(name), |row| {
                row.set("id", id.to_cell());
                row.set("since", look_up.since.to_cell());
                row.set("tries", look_up.tries.to_cell());
                row.set("due_ms", look_up.due_ms.to_cell());
                row.set("reason", look_up.reason.to_cell());
            });
        }
        for pointer in &object.drifts {
            self.add("mirror_drifts", Some(name), |row| row.set("pointer", pointer.to_cell()));
        }
    }

    fn undelivered(&mut self) {
        let Some(mirror) = self.rows.mirror.of.get(self.id) else { return };
        for ((forward, whose, number), it) in &self.rows.outbox.undelivered {
            let Some(change) = mirror.changes.get(number).filter(|_| whose == self.id) else {
                continue;
            };
            self.add("forward_undelivered", None, |row| {
                row.set("forward", forward.to_cell());
                row.set("change", number.to_cell());
                row.set("object", change.object.to_cell());
                row.set("id", change.id.to_cell());
                row.set("attempts", it.attempts.to_cell());
                row.set("next_ms", it.next_ms.to_cell());
                row.set("reason", it.reason.to_cell());
            });
        }
    }

    fn inbox(&mut self) {
        use crate::inbox::EventState::{Dead, Waiting};
        let (inbox, id) = (&self.rows.inbox, self.id);
        let count = |state| {
            let events = inbox.events.values().filter(|(row, _)| row.connection == id);
            events.filter(|(row, _)| row.state == state).count() as u64
        };
        let (waiting, dead) = (count(Waiting), count(Dead));
        self.add("inboxes", None, |row| {
            row.set("waiting", waiting.to_cell());
            row.set("dead", dead.to_cell());
        });
        for (_, key) in inbox.keys.keys().filter(|(whose, _)| whose == id) {
            self.add("inbox_keys", None, |row| row.set("key", key.to_cell()));
        }
        for it in inbox.deliveries.values().filter(|it| it.connection == id) {
            let number = counted_from(it.number.to_cell(), self.first);
            self.add("inbox_deliveries", None, |row| put_delivery(it, number.clone(), row));
            for (event, asks) in inbox.of(it.number) {
                self.add("inbox_events", None, |row| put_event(event, *asks, number.clone(), row));
            }
        }
    }

    fn pushes(&mut self) {
        let id = self.id;
        for it in self.rows.push.runs.values().filter(|it| it.connection == id) {
            self.add("pushes", None, |row| {
                cells::put_push(it, row);
                cells::put_counts(&it.counts, row);
            });
        }
        for item in self.rows.push.items.values() {
            let run = self.rows.push.runs.get(&item.run);
            if run.is_some_and(|run| run.connection == self.id) {
                self.add("intents", Some(&item.run), |row| {
                    cells::put_intent(item, row);
                    if let Some(conflict) = &item.conflict {
                        row.set("conflict_members", conflict.members.to_cell());
                        row.set("conflict_theirs", conflict.theirs.to_cell());
                    }
                });
            }
        }
    }

    fn journal(&mut self) {
        for kept in self.rows.journal.rows.values() {
            if kept.row.connection == self.id {
                self.add("journal", None, |row| {
                    cells::put_entry(&kept.row, row);
                    row.set("folds", kept.folds.to_cell());
                    row.set("day", kept.day.to_cell());
                });
            }
        }
    }
}

/// Forwards of the connector that others share, as they are now.
pub fn shared_forwards(rows: &Rows, small: &[MovedRow]) -> Vec<MovedRow> {
    let connection = small.iter().find(|row| row.table.name == "connections");
    let connector = connection.map(|row| row.text("connector")).unwrap_or_default();
    let shared = rows.outbox.forwards.values();
    let shared = shared.filter(|it| it.row.connection.is_none() && it.row.connector == connector);
    let row = |it: &Forward| {
        let table = Table::named("shared_forwards")?;
        let mut row = MovedRow::new(table, vec![Cell::Null; table.columns.len()]);
        put_forward(it, &mut row);
        Some(row)
    };
    shared.filter_map(row).collect()
}

fn put_forward(it: &Forward, row: &mut MovedRow) {
    cells::put_forward(&it.row, row);
    if let Some((error, error_ms)) = &it.error {
        row.set("error", error.to_cell());
        row.set("error_ms", error_ms.to_cell());
    }
}

fn put_delivery(it: &DeliveryRow, number: Cell, row: &mut MovedRow) {
    // Each byte as the character of its number.
    let text = |value: &Vec<u8>| value.iter().map(|byte| char::from(*byte)).collect::<String>();
    let headers: Vec<(String, String)> =
        it.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    row.set("number", number);
    row.set("received_ms", it.received_ms.to_cell());
    row.set("answered_ms", it.answered_ms.to_cell());
    row.set("method", it.method.to_cell());
    row.set("url", it.url.to_cell());
    row.set("headers", headers.to_cell());
    row.set("body", it.body.to_cell());
}

fn put_event(it: &EventRow, asks: bool, delivery: Cell, row: &mut MovedRow) {
    row.set("delivery", delivery);
    row.set("state", it.state.to_cell());
    row.set("asks", asks.to_cell());
    row.set("next_ms", it.next_ms.to_cell());
    row.set("attempts", it.attempts.to_cell());
    row.set("reason", it.reason.to_cell());
    row.set("id", it.id.to_cell());
    row.set("object", it.object.to_cell());
    row.set("name", it.name.to_cell());
    row.set("occurred_at", it.occurred_at.to_cell());
    row.set("applied_ms", it.applied_ms.to_cell());
    if !it.tries.is_empty() {
        row.set("tries", it.tries.to_cell());
    }
    let effect = match &it.effect {
        EventEffect::Upserted(record) => {
            row.set("record", record.id.to_cell());
            row.set("updated_at", record.updated_at.to_cell());
            row.set("created_at", record.created_at.to_cell());
            row.set("version", record.version.to_cell());
            row.set("data", record.data.to_cell());
            0
        }
        EventEffect::Deleted(id) => {
            row.set("record", id.to_cell());
            1
        }
        EventEffect::Changed(data) => {
            row.set("data", data.to_cell());
            2
        }
        EventEffect::Nothing => 3,
        EventEffect::Unreadable => 4,
    };
    row.set("effect", Cell::Integer(effect));
}
