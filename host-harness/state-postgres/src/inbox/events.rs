//! Events: what is to be done about each.

use std::collections::BTreeMap;

use connector_state::inbox::plan::{self, CountChange, EventChange, Numbers, PlannedEvent};
use connector_state::inbox::{
    EventEffect, EventRow, EventState, FailedTry, HookRow, NewEvent, Settled,
};

use super::forget;
use super::rows::{self, effect_code, place_in, state_code, state_of};
use super::{hooks, numbers};
use crate::columns::{Column as _, json, signed, text, texts};
use crate::fault::DbResult;
use crate::session::Session;

/// An event that is to be kept.
pub struct NewRow<'n> {
    pub inbox: i64,
    pub delivery: i64,
    /// Of its delivery, where that is text.
    pub body: Option<&'n str>,
    pub event: PlannedEvent<'n>,
}

impl NewRow<'_> {
    fn data(&self) -> Option<&String> {
        match &self.event.new.effect {
            EventEffect::Upserted(record) => Some(&record.data),
            EventEffect::Changed(input) => Some(input),
            EventEffect::Deleted(_) | EventEffect::Nothing | EventEffect::Unreadable => None,
        }
    }

    fn of_record(
        &self,
        of: fn(&connector_contract::types::DataRecord) -> &Option<String>,
    ) -> Option<&String> {
        match &self.event.new.effect {
            EventEffect::Upserted(record) => of(record).as_ref(),
            _ => None,
        }
    }
}

/// Adds events.
pub async fn put(on: &Session, all: &[NewRow<'_>]) -> DbResult<()> {
    if all.is_empty() {
        return Ok(());
    }
    let number = |of: fn(&NewRow<'_>) -> i64| -> Vec<i64> { all.iter().map(of).collect() };
    let times = |of: fn(&NewRow<'_>) -> Option<u64>| -> Vec<Option<i64>> {
        all.iter().map(|row| of(row).map(signed)).collect()
    };
    let (numbers, deliveries, inboxes) = (
        number(|row| signed(row.event.number)),
        number(|row| row.delivery),
        number(|row| row.inbox),
    );
    let states: Vec<i16> = all.iter().map(|row| state_code(row.event.state)).collect();
    let asks: Vec<bool> = all.iter().map(|row| row.event.asks).collect();
    let (next, applied) = (times(|row| row.event.next_ms), times(|row| row.event.applied_ms));
    let effects: Vec<i16> = all.iter().map(|row| effect_code(&row.event.new.effect)).collect();
    let reasons: Vec<_> = all.iter().map(|row| texts(row.event.new.reason.as_ref())).collect();
    let ids: Vec<_> = all.iter().map(|row| texts(row.event.new.id.as_ref())).collect();
    let occurred: Vec<_> =
        all.iter().map(|row| texts(row.event.new.occurred_at.as_ref())).collect();
    let objects: Vec<_> = all.iter().map(|row| text(&row.event.new.object)).collect();
    let names: Vec<_> = all.iter().map(|row| text(&row.event.new.name)).collect();
    let records: Vec<_> = all.iter().map(|row| row.event.new.effect.record().map(text)).collect();
    let updated: Vec<_> = all.iter().map(|row| texts(row.of_record(|it| &it.updated_at))).collect();
    let created: Vec<_> = all.iter().map(|row| texts(row.of_record(|it| &it.created_at))).collect();
    let versions: Vec<_> = all.iter().map(|row| texts(row.of_record(|it| &it.version))).collect();
    let places: Vec<Option<(i64, i64)>> =
        all.iter().map(|row| row.data().and_then(|data| place_in(row.body, data))).collect();
    let data_at: Vec<_> = places.iter().map(|place| place.map(|(at, _)| at)).collect();
    let data_bytes: Vec<_> = places.iter().map(|place| place.map(|(_, bytes)| bytes)).collect();
    let beside = all.iter().zip(&places).map(|(row, place)| row.data().filter(|_| place.is_none()));
    let data: Vec<_> = beside.map(texts).collect();
    let sql =
        "INSERT INTO inbox_events (attempts, number, delivery, inbox, state, asks, next_ms, reason,
                   effect, id, object, name, occurred_at, record, updated_at, created_at, version,
                   data_at, data_bytes, data, applied_ms)
               SELECT 0, * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[],
                   $5::boolean[], $6::bigint[], $7::text[], $8::smallint[], $9::text[], $10::text[],
                   $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
                   $17::bigint[], $18::bigint[], $19::text[], $20::bigint[])";
    on.run(
        sql,
        &[
            &numbers,
            &deliveries,
            &inboxes,
            &states,
            &asks,
            &next,
            &reasons,
            &effects,
            &ids,
            &objects,
            &names,
            &occurred,
            &records,
            &updated,
            &created,
            &versions,
            &data_at,
            &data_bytes,
            &data,
            &applied,
        ],
    )
    .await
    .map(drop)
}

/// What a decision about an event needs.
struct EventHead {
    state: EventState,
    delivery: i64,
    inbox: i64,
    received_ms: u64,
    connection: String,
    tries: Vec<FailedTry>,
}

/// What is known of these events. Their inboxes are locked first.
async fn heads(on: &Session, events: &[i64]) -> DbResult<BTreeMap<u64, EventHead>> {
    numbers::lock_of(on, events).await?;
    let sql = "SELECT e.number, e.state, e.delivery, e.inbox, e.tries, d.received_ms, i.connection
               FROM inbox_events AS e
                   JOIN inbox_deliveries AS d ON d.number = e.delivery
                   JOIN inboxes AS i ON i.number = e.inbox
               WHERE e.number = ANY($1)";
    let head = |row: &tokio_postgres::Row| {
        let head = EventHead {
            state: state_of(row)?,
            delivery: row.try_get("delivery")?,
            inbox: row.try_get("inbox")?,
            received_ms: u64::read(row, "received_ms")?,
            connection: String::read(row, "connection")?,
            tries: <Option<_>>::read(row, "tries")?.unwrap_or_default(),
        };
        Ok((u64::read(row, "number")?, head))
    };
    on.rows(sql, &[&events]).await?.iter().map(head).collect()
}

/// Changes of events, collected.
#[derive(Default)]
struct Changes {
    events: BTreeMap<u64, (EventChange, Vec<FailedTry>)>,
    counts: BTreeMap<i64, CountChange>,
    gaps: Vec<(String, u64)>,
}

impl Changes {
    fn add(&mut self, event: u64, head: &mut EventHead, mut change: EventChange) {
        if let Some(failed) = change.failed.take() {
            head.tries = plan::with_try(std::mem::take(&mut head.tries), failed);
        }
        head.state = change.state;
        let counts = self.counts.entry(head.inbox).or_default();
        counts.waiting += change.counts.waiting;
        counts.dead += change.counts.dead;
        self.gaps.extend(change.gap_ms.map(|since_ms| (head.connection.clone(), since_ms)));
        self.events.insert(event, (change, head.tries.clone()));
    }

    async fn write(self, on: &Session) -> DbResult<()> {
        if self.events.is_empty() {
            return Ok(());
        }
        let changes = || self.events.values().map(|(change, _)| change);
        let numbers: Vec<i64> = self.events.keys().map(|number| signed(*number)).collect();
        let states: Vec<i16> = changes().map(|change| state_code(change.state)).collect();
        let attempts: Vec<i64> = changes().map(|change| i64::from(change.attempts)).collect();
        let next: Vec<_> = changes().map(|change| change.next_ms.map(signed)).collect();
        let asks: Vec<bool> = changes().map(|change| change.asks).collect();
        let reasons: Vec<_> = changes().map(|change| texts(change.reason.as_ref())).collect();
        let applied: Vec<_> = changes().map(|change| change.applied_ms.map(signed)).collect();
        let tries = self.events.values().map(|(_, tries)| (!tries.is_empty()).then(|| json(tries)));
        let tries: Vec<_> = tries.collect();
        let sql = "UPDATE inbox_events AS e SET state = u.state, attempts = u.attempts,
                       next_ms = u.next_ms, asks = u.asks, reason = u.reason,
                       applied_ms = u.applied_ms, tries = u.tries
                   FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[], $5::boolean[],
                           $6::text[], $7::bigint[], $8::text[])
                       AS u (number, state, attempts, next_ms, asks, reason, applied_ms, tries)
                   WHERE e.number = u.number";
        let of: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
            [&numbers, &states, &attempts, &next, &asks, &reasons, &applied, &tries];
        on.run(sql, &of).await?;
        super::numbers::count(on, &self.counts).await?;
        for (connection, since_ms) in &self.gaps {
            let open = |hook: &mut HookRow, _| plan::open_gap(hook, *since_ms);
            hooks::change(on, connection, open).await?;
        }
        Ok(())
    }
}

/// Keeps what came of events.
pub async fn settle(on: &Session, settled: &[Settled]) -> DbResult<()> {
    let numbers: Vec<i64> = settled.iter().map(|one| signed(one.event)).collect();
    let mut heads = heads(on, &numbers).await?;
    let now_ms = on.now_ms().await?;
    let mut changes = Changes::default();
    for one in settled {
        let Some(head) = heads.get_mut(&one.event) else { continue };
        let planned = plan::settle(head.state, head.received_ms, one.clone(), now_ms);
        if let Some(planned) = planned {
            changes.add(one.event, head, planned);
        }
    }
    changes.write(on).await?;
    let done = heads.values().filter(|head| head.state == EventState::Done);
    let old = done.filter(|head| plan::is_old(head.received_ms, now_ms));
    let old: Vec<i64> = old.map(|head| head.delivery).collect();
    forget::if_over(on, &old).await
}

/// An event of a connection that is there, with what a decision needs. Its inbox is locked.
async fn one(on: &Session, event: u64) -> DbResult<Option<(EventRow, EventHead)>> {
    let head = heads(on, &[signed(event)]).await?.remove(&event);
    let row = rows::events(on, "WHERE e.number = $1", &[&signed(event)]).await?.pop();
    Ok(row.zip(head))
}

/// Has a dead event tried again. Answers whether it was there.
pub async fn replay(on: &Session, event: u64) -> DbResult<bool> {
    let Some((row, mut head)) = one(on, event).await? else { return Ok(false) };
    let Some(planned) = plan::replay(&row, on.now_ms().await?) else { return Ok(false) };
    let mut changes = Changes::default();
    changes.add(event, &mut head, planned);
    changes.write(on).await?;
    Ok(true)
}

/// Puts new events in the place of an unreadable one.
pub async fn read_again(on: &Session, event: u64, new: &[NewEvent]) -> DbResult<()> {
    let found = one(on, event).await?;
    let unread = found.filter(|(row, _)| row.effect == EventEffect::Unreadable);
    let Some((unread, head)) = unread else { return Ok(()) };
    let EventHead { inbox, delivery, .. } = head;
    let now_ms = on.now_ms().await?;
    let sql = "SELECT body FROM inbox_deliveries WHERE number = $1";
    let body: Vec<u8> = on.value(sql, &[&delivery]).await?.unwrap_or_default();
    on.run("DELETE FROM inbox_events WHERE number = $1", &[&signed(event)]).await?;
    let mut counts = CountChange::default();
    counts.take(unread.state);
    let keys = new.iter().map(|event| (inbox, plan::key(event))).collect();
    let learned = numbers::learn(on, &keys, numbers::read(on).await?.generation).await?;
    let known = keys.difference(&learned).map(|(_, key)| *key).collect();
    let mut newest = Numbers::default();
    let planned = plan::new_events(new, &known, &mut newest, now_ms);
    let given = numbers::give(on, newest).await?;
    let body = std::str::from_utf8(&body).ok();
    let rows: Vec<NewRow<'_>> = planned
        .into_iter()
        .map(|mut event| {
            counts.add(event.state);
            event.number = given.event(event.number);
            NewRow { inbox, delivery, body, event }
        })
        .collect();
    put(on, &rows).await?;
    numbers::count(on, &BTreeMap::from([(inbox, counts)])).await?;
    if plan::is_old(unread.received_ms, now_ms) {
        forget::if_over(on, &[delivery]).await?;
    }
    Ok(())
}

/// Forgets a dead event, and its delivery when nothing else of that is left.
pub async fn remove(on: &Session, event: u64) -> DbResult<bool> {
    let dead = one(on, event).await?.filter(|(row, _)| row.state == EventState::Dead);
    let Some((_, head)) = dead else { return Ok(false) };
    on.run("DELETE FROM inbox_events WHERE number = $1", &[&signed(event)]).await?;
    let mut counts = CountChange::default();
    counts.take(head.state);
    numbers::count(on, &BTreeMap::from([(head.inbox, counts)])).await?;
    let left = "SELECT 1 FROM inbox_events WHERE delivery = $1 LIMIT 1";
    let is_over = on.value::<i32>(left, &[&head.delivery]).await?.is_none();
    if is_over {
        on.run("DELETE FROM inbox_deliveries WHERE number = $1", &[&head.delivery]).await?;
    } else if plan::is_old(head.received_ms, on.now_ms().await?) {
        forget::if_over(on, &[head.delivery]).await?;
    }
    Ok(true)
}
