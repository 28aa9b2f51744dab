//! The rows of a connection that is there from now on.

use connector_contract::types::DataRecord;

use super::cells::{self, Field};
use crate::PreviousTokens;
use crate::inbox::{DeliveryRow, EventEffect, EventRow};
use crate::memory::Rows;
use crate::memory::journal::Kept;
use crate::memory::mirror::{LookUp, ObjectRows, Reader, count_anew};
use crate::memory::outbox::Forward;
use crate::mirror::held::Held;
use crate::mirror::plan::{Body, ChangedVersions, Head};
use crate::mirror::rules::KeptRules;
use crate::moving::plan::counted_to;
use crate::moving::{Cell, MovedRow};
use crate::outbox::Undelivered;
use crate::push::Conflict;

/// Puts all of them.
pub fn put(
    rows: &mut Rows,
    id: &str,
    all: impl Iterator<Item = MovedRow>,
    first: i64,
    now_ms: u64,
) {
    for row in all {
        one(rows, id, &row, first, now_ms);
    }
    let indexes: Vec<_> = rows
        .mirror
        .of
        .get(id)
        .into_iter()
        .flat_map(|mirror| mirror.objects.keys())
        .map(|name| (name.clone(), rows.index_of(id, name)))
        .collect();
    let covering = rows.outbox.forwards.values().filter(|it| rows.covers(&it.row, id));
    let covering: Vec<String> = covering.map(|it| it.row.id.clone()).collect();
    for (name, index) in indexes {
        let mirror = rows.mirror.of.get_mut(id);
        if let Some(object) = mirror.and_then(|mirror| mirror.objects.get_mut(&name)) {
            count_anew(object, index, now_ms);
        }
        rows.follow_rules(id, &name, now_ms);
    }
    let Some(mirror) = rows.mirror.of.get_mut(id) else { return };
    // A forward that it did not have begins with what changes from now on.
    for forward in covering {
        mirror.readers.entry(Reader::Forward(forward)).or_insert((mirror.moment, now_ms));
    }
}

fn one(rows: &mut Rows, id: &str, row: &MovedRow, first: i64, now_ms: u64) {
    let whose = || id.to_owned();
    let text = |column| row.text(column).to_owned();
    let number = |column| u64::of(row.cell(column));
    match row.table.name {
        "connections" => {
            rows.store.touch([id]);
            rows.store.connections.insert(whose(), cells::connection(row));
            rows.store.rules.insert(whose(), Field::of(row.cell("rules")));
        }
        "labels" => {
            let of = rows.store.labels.entry(whose()).or_default();
            of.insert(text("name"), text("value"));
        }
        "secrets" => {
            let it = cells::secret(row, whose());
            rows.store.secrets.insert((whose(), it.name.clone(), it.version), it);
        }
        "grants" => {
            let sealed = Option::of(row.cell("sealed_previous"));
            let until_ms = number("previous_until_ms");
            let previous = sealed.map(|sealed| PreviousTokens { sealed, until_ms });
            rows.store.grants.insert(whose(), cells::grant(row, whose(), None, previous));
        }
        "hooks" => {
            rows.inbox.hooks.insert(whose(), (cells::hook(row, whose()), None));
        }
        "subscriptions" => {
            let it = cells::subscription(row, whose());
            rows.inbox.subscriptions.insert((whose(), it.object.clone()), it);
        }
        "forwards" => forward(rows, row, Some(whose()), now_ms),
        "shared_forwards" => forward(rows, row, None, now_ms),
        "inbox_keys" => {
            rows.inbox.keys.insert((whose(), Field::of(row.cell("key"))), now_ms);
        }
        "inbox_deliveries" => delivery(rows, id, row, first),
        "inbox_events" => event(rows, id, row, first),
        "pushes" => {
            let it = cells::push(row, whose(), cells::counts(row));
            rows.push.runs.insert(it.id.clone(), it);
        }
        "intents" => {
            let run = row.part.clone().unwrap_or_default();
            let members: Option<String> = Option::of(row.cell("conflict_members"));
            let theirs = Field::of(row.cell("conflict_theirs"));
            let conflict = members.map(|members| Conflict { members, theirs });
            let it = cells::intent(row, run.clone(), conflict);
            rows.push.items.insert((run, it.index), it);
        }
        "journal" => {
            let journal = &mut rows.journal;
            journal.number += 1;
            let it = cells::entry(row, journal.number, whose());
            let (folds, day) = (Field::of(row.cell("folds")), Option::of(row.cell("day")));
            journal.rows.insert(journal.number, Kept { row: it, folds, day });
        }
        "forward_undelivered" => {
            let it = Undelivered {
                connection: whose(),
                change: number("change"),
                attempts: Field::of(row.cell("attempts")),
                next_ms: Option::of(row.cell("next_ms")),
                reason: text("reason"),
            };
            rows.outbox.undelivered.insert((text("forward"), whose(), it.change), it);
        }
        "spans" | "inboxes" => {}
        _ => mirror(rows, id, row, first),
    }
}

fn forward(rows: &mut Rows, row: &MovedRow, connection: Option<String>, now_ms: u64) {
    let it = cells::forward(row, connection);
    if rows.outbox.forwards.contains_key(&it.id) {
        return;
    }
    for (id, mirror) in &mut rows.mirror.of {
        let kept = rows.store.connections.get(id);
        if kept.is_some_and(|kept| kept.connector == it.connector) && it.connection.is_none() {
            mirror.readers.entry(Reader::Forward(it.id.clone())).or_insert((mirror.moment, now_ms));
        }
    }
    let error: Option<String> = Option::of(row.cell("error"));
    let error = error.map(|error| (error, u64::of(row.cell("error_ms"))));
    rows.outbox.forwards.insert(it.id.clone(), Forward { row: it, lease: None, error });
}

fn mirror(rows: &mut Rows, id: &str, row: &MovedRow, first: i64) {
    let whose = || id.to_owned();
    let number = |column| u64::of(row.cell(column));
    let letters = &mut rows.mirror.letters;
    let mirror = rows.mirror.of.entry(whose()).or_default();
    let name = row.part.clone().unwrap_or_default();
    match row.table.name {
        "mirrors" => (mirror.moment, mirror.forgotten) = (number("moment"), number("forgotten")),
        "mirror_changes" => {
            let mut row = row.clone();
            row.set("delivery", counted_to(row.cell("delivery").clone(), first));
            let it = cells::change(&row, whose());
            let prior: Option<u64> = Option::of(row.cell("prior"));
            mirror.prior.extend(prior.map(|prior| (it.number, prior)));
            mirror.changes.insert(it.number, it);
        }
        "mirror_versions" => {
            let before = Field::of(row.cell("before"));
            mirror.packed.insert(number("change"), (number("at_ms"), before));
        }
        "forward_versions" => {
            let (before, after) = (Option::of(row.cell("before")), Option::of(row.cell("after")));
            let change = number("change");
            mirror.versions.insert(change, ChangedVersions { change, before, after });
        }
        "mirror_readers" => {
            let reader = match row.text("kind") {
                "consumer" => Reader::Consumer(row.text("reader").to_owned()),
                _ => Reader::Forward(row.text("reader").to_owned()),
            };
            mirror.readers.insert(reader, (number("number"), number("moved_ms")));
        }
        "mirror_dead_letters" => {
            *letters += 1;
            let mut it = cells::letter(row, whose(), name);
            it.number = *letters;
            let (hash, scan) = (Field::of(row.cell("hash")), Option::of(row.cell("scan")));
            let letter = crate::memory::mirror::Letter { row: it, hash, scan };
            mirror.letters.insert(*letters, letter);
        }
        _ => {
            let arrivals = &mut mirror.arrivals;
            let object = mirror.objects.entry(name.clone()).or_default();
            of_object(object, arrivals, id, &name, row);
        }
    }
}

fn of_object(object: &mut ObjectRows, arrivals: &mut i64, id: &str, name: &str, row: &MovedRow) {
    let number = |column| u64::of(row.cell(column));
    let text = |column| row.text(column).to_owned();
    match row.table.name {
        "mirror_objects" => {
            object.derived_from = Option::of(row.cell("derived_from"));
            object.counts = ["live", "aged_out", "deleted"].map(|column| i64::of(row.cell(column)));
        }
        "mirror_records" => {
            let head = Head {
                state: Field::of(row.cell("state")),
                updated_at: Option::of(row.cell("updated_at")),
                hash: Field::of(row.cell("hash")),
                change: number("change"),
                deriver: number("deriver"),
                versions: Field::of(row.cell("versions")),
                rules: row
                    .cell("rules")
                    .text()
                    .and_then(|rules| KeptRules::decode(rules).ok())
                    .unwrap_or_default(),
            };
            let arrived = row.cell("body").integer();
            let body = row.cell("data").text().map(|_| Body {
                created_at: Option::of(row.cell("created_at")),
                data: text("data"),
                held: row
                    .cell("held")
                    .text()
                    .and_then(|held| Held::decode(held).ok())
                    .unwrap_or_default(),
            });
            if let Some(arrived) = arrived {
                *arrivals = (*arrivals).max(arrived);
                object.arrived.insert(text("id"), arrived);
            }
            let seen: Option<u64> = Option::of(row.cell("seen"));
            object.seen.extend(seen.map(|seen| (text("id"), seen)));
            object.records.insert(text("id"), (head, body));
        }
        "mirror_scans" => {
            object.scan = Some(cells::scan(row, id.to_owned(), name.to_owned(), None));
        }
        "mirror_bookmarks" => drop(object.bookmarks.insert(number("at_ms"), text("bookmark"))),
        "mirror_look_ups" => {
            let look_up = LookUp {
                since: number("since"),
                tries: Field::of(row.cell("tries")),
                due_ms: number("due_ms"),
                reason: text("reason"),
            };
            object.look_ups.insert(text("id"), look_up);
        }
        "mirror_drifts" => drop(object.drifts.insert(text("pointer"))),
        _ => {}
    }
}

/// A number of a delivery here.
fn here(cell: &Cell, first: i64) -> u64 {
    u64::of(&counted_to(cell.clone(), first))
}

fn delivery(rows: &mut Rows, id: &str, row: &MovedRow, first: i64) {
    let headers: Vec<(String, String)> = Field::of(row.cell("headers"));
    let bytes = |text: String| text.chars().map(|it| u8::try_from(it).unwrap_or(b'?')).collect();
    let body: Vec<u8> = Field::of(row.cell("body"));
    let it = DeliveryRow {
        number: here(row.cell("number"), first),
        connection: id.to_owned(),
        received_ms: u64::of(row.cell("received_ms")),
        answered_ms: u64::of(row.cell("answered_ms")),
        method: row.text("method").to_owned(),
        url: row.text("url").to_owned(),
        headers: headers.into_iter().map(|(name, value)| (name, bytes(value))).collect(),
        bytes: body.len() as u64,
        body,
        events: vec![],
    };
    rows.inbox.deliveries.insert(it.number, it);
}

fn event(rows: &mut Rows, id: &str, row: &MovedRow, first: i64) {
    let delivery = here(row.cell("delivery"), first);
    let Some(of) = rows.inbox.deliveries.get(&delivery) else { return };
    let data = || {
        let at = usize::try_from(u64::of(row.cell("data_at"))).unwrap_or_default();
        let bytes = usize::try_from(u64::of(row.cell("data_bytes"))).unwrap_or_default();
        let in_body = of.body.get(at..at.saturating_add(bytes)).unwrap_or_default();
        let text = row.cell("data").text().map(str::to_owned);
        text.unwrap_or_else(|| String::from_utf8_lossy(in_body).into_owned())
    };
    let effect = match row.cell("effect").integer() {
        Some(0) => EventEffect::Upserted(DataRecord {
            id: row.text("record").to_owned(),
            updated_at: Option::of(row.cell("updated_at")),
            created_at: Option::of(row.cell("created_at")),
            version: Option::of(row.cell("version")),
            data: data(),
        }),
        Some(1) => EventEffect::Deleted(row.text("record").to_owned()),
        Some(2) => EventEffect::Changed(data()),
        Some(3) => EventEffect::Nothing,
        _ => EventEffect::Unreadable,
    };
    let received_ms = of.received_ms;
    rows.inbox.numbers.event += 1;
    let it = EventRow {
        number: rows.inbox.numbers.event,
        delivery,
        connection: id.to_owned(),
        id: Option::of(row.cell("id")),
        object: row.text("object").to_owned(),
        name: row.text("name").to_owned(),
        occurred_at: Option::of(row.cell("occurred_at")),
        effect,
        state: Field::of(row.cell("state")),
        attempts: Field::of(row.cell("attempts")),
        next_ms: Option::of(row.cell("next_ms")),
        reason: Option::of(row.cell("reason")),
        received_ms,
        applied_ms: Option::of(row.cell("applied_ms")),
        tries: Field::of(row.cell("tries")),
    };
    rows.inbox.events.insert(it.number, (it, Field::of(row.cell("asks"))));
}
