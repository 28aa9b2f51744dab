//! [`Inbox`] in the same database.

mod arrivals;
mod events;
pub mod forget;
mod hooks;
pub mod numbers;
mod rows;
pub mod tables;

use std::sync::Arc;

use connector_state::Answer;
use connector_state::inbox::{
    Beat, DeliveryRow, EventRow, HookRow, Inbox, NewDelivery, NewEvent, Receipt, Settled,
    SubscriptionRow, plan,
};
use connector_state::journal::entries;

pub use self::arrivals::Arrivals;
pub use self::rows::events;
use super::columns::{Column as _, Record as _, signed, text, untext};
use super::fault::DbResult;
use super::revisions::touch;
use super::rows::must_exist;
use super::session::Session;
use super::{Postgres, journal};

/// Looks at one event of each inbox: that with the least `next_ms`.
const DUE: &str =
    "SELECT i.connection FROM inboxes AS i JOIN connections AS c ON c.id = i.connection
    WHERE (i.waiting > 0 OR i.dead > 0) AND (
        EXISTS (SELECT 1 FROM inbox_events AS e
                WHERE e.inbox = i.number AND NOT e.asks AND e.next_ms <= $1)
        OR EXISTS (SELECT 1 FROM inbox_events AS e
                   WHERE e.inbox = i.number AND e.asks AND e.next_ms <= $1))
    ORDER BY i.number";
const COUNT: &str = "SELECT coalesce(sum(i.waiting), 0)::bigint AS waiting,
        coalesce(sum(i.dead), 0)::bigint AS dead
    FROM inboxes AS i JOIN connections AS c ON c.id = i.connection
    WHERE $1::text IS NULL OR c.id = $1";

async fn put_subscription(on: &Session, row: &SubscriptionRow) -> DbResult<()> {
    must_exist(on, &row.connection).await?;
    let sql = "SELECT * FROM subscriptions WHERE connection = $1 AND object = $2 FOR UPDATE";
    let kept = on.one(sql, &[&text(&row.connection), &text(&row.object)]).await?;
    if kept.is_none() {
        let entry = entries::of_subscription(&row.object, true);
        journal::note(on, &row.connection, on.now_ms().await?, on.actor(), &entry).await?;
    }
    let put = plan::subscription(row.clone(), kept.as_ref()).write();
    // One that somebody else has made meanwhile is looked at in the next run.
    let keys: &[&str] = if kept.is_some() { &["connection", "object"] } else { &[] };
    on.upsert("subscriptions", keys, put).await?;
    touch(on, [&*row.connection]).await
}

async fn remove_subscription(on: &Session, connection: &str, object: &str) -> DbResult<()> {
    let sql = "DELETE FROM subscriptions WHERE connection = $1 AND object = $2";
    if on.run(sql, &[&text(connection), &text(object)]).await? > 0 {
        let entry = entries::of_subscription(object, false);
        journal::note(on, connection, on.now_ms().await?, on.actor(), &entry).await?;
        touch(on, [connection]).await?;
    }
    Ok(())
}

impl Inbox for Postgres {
    fn hooks(&self) -> Answer<'_, Vec<HookRow>> {
        self.read((), |on, ()| Box::pin(on.all("SELECT * FROM hooks ORDER BY connection", &[])))
    }

    fn make_hook(&self, connection: &str, token: &str) -> Answer<'_, HookRow> {
        self.write((connection.to_owned(), token.to_owned()), |on, (connection, token)| {
            Box::pin(hooks::make(on, connection, token))
        })
    }

    fn put_subscription(&self, row: SubscriptionRow) -> Answer<'_, ()> {
        self.write(row, |on, row| Box::pin(put_subscription(on, row)))
    }

    fn remove_subscription(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        self.write((connection.to_owned(), object.to_owned()), |on, (connection, object)| {
            Box::pin(remove_subscription(on, connection, object))
        })
    }

    fn subscriptions(&self, connection: Option<&str>) -> Answer<'_, Vec<SubscriptionRow>> {
        self.read(connection.map(str::to_owned), |on, connection| {
            Box::pin(async move {
                match connection {
                    Some(of) => {
                        let sql =
                            "SELECT * FROM subscriptions WHERE connection = $1 ORDER BY object";
                        on.all(sql, &[&text(of)]).await
                    }
                    None => {
                        let sql = "SELECT * FROM subscriptions ORDER BY connection, object";
                        on.all(sql, &[]).await
                    }
                }
            })
        })
    }

    fn receive(&self, delivery: NewDelivery) -> Answer<'_, Receipt> {
        Box::pin(arrivals::receive(Arc::clone(&self.0), delivery))
    }

    fn beat(&self, beat: Beat) -> Answer<'_, ()> {
        self.write(beat, |on, beat| Box::pin(hooks::beat(on, beat)))
    }

    fn close_gap(&self, connection: &str, gap_ms: u64, until_ms: u64) -> Answer<'_, bool> {
        self.write(
            (connection.to_owned(), gap_ms, until_ms),
            |on, (connection, gap_ms, until_ms)| {
                Box::pin(async move {
                    let close = |hook: &mut HookRow, _| plan::close_gap(hook, *gap_ms, *until_ms);
                    Ok(hooks::change(on, connection, close).await?.unwrap_or(true))
                })
            },
        )
    }

    fn open_gap(&self, connection: &str, since_ms: u64) -> Answer<'_, ()> {
        self.write((connection.to_owned(), since_ms), |on, (connection, since_ms)| {
            Box::pin(async move {
                let open = |hook: &mut HookRow, _| plan::open_gap(hook, *since_ms);
                hooks::change(on, connection, open).await.map(drop)
            })
        })
    }

    fn due(&self) -> Answer<'_, Vec<String>> {
        self.read((), |on, ()| {
            Box::pin(async move {
                let now_ms = signed(on.now_ms().await?);
                let due: Vec<String> = on.values(DUE, &[&now_ms]).await?;
                Ok(due.into_iter().map(untext).collect())
            })
        })
    }

    fn lease(&self, connection: &str, holder: &str, for_ms: u64) -> Answer<'_, bool> {
        let of = (connection.to_owned(), holder.to_owned(), for_ms);
        self.write(of, |on, (connection, holder, for_ms)| {
            Box::pin(hooks::lease(on, connection, holder, *for_ms))
        })
    }

    fn release(&self, connection: &str, holder: &str) -> Answer<'_, ()> {
        self.write((connection.to_owned(), holder.to_owned()), |on, (connection, holder)| {
            Box::pin(hooks::release(on, connection, holder))
        })
    }

    fn due_events(&self, connection: &str, asks: bool, limit: u32) -> Answer<'_, Vec<EventRow>> {
        self.read((connection.to_owned(), asks, limit), |on, (connection, asks, limit)| {
            Box::pin(async move {
                let now_ms = signed(on.now_ms().await?);
                let rest = "WHERE i.connection = $1 AND e.asks = $2 AND e.next_ms <= $3
                            ORDER BY e.next_ms, e.number LIMIT $4";
                let of = (text(connection), i64::from(*limit));
                rows::events(on, rest, &[&of.0, asks, &now_ms, &of.1]).await
            })
        })
    }

    fn settle(&self, settled: Vec<Settled>) -> Answer<'_, ()> {
        self.write(settled, |on, settled| Box::pin(events::settle(on, settled)))
    }

    fn read_again(&self, event: u64, events: Vec<NewEvent>) -> Answer<'_, ()> {
        self.write((event, events), |on, (event, new)| {
            Box::pin(events::read_again(on, *event, new))
        })
    }

    fn deliveries(
        &self,
        connection: Option<&str>,
        before: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Vec<DeliveryRow>> {
        let of = (connection.map(str::to_owned), before.map_or(i64::MAX, signed), i64::from(limit));
        self.read(of, |on, (connection, before, limit)| {
            Box::pin(async move {
                match connection {
                    Some(connection) => {
                        let rest =
                            "WHERE d.inbox = (SELECT number FROM inboxes WHERE connection = $3)
                                        AND d.number < $1 ORDER BY d.number DESC LIMIT $2";
                        rows::deliveries(on, false, rest, &[before, limit, &text(connection)]).await
                    }
                    None => {
                        let rest = "WHERE d.number < $1 ORDER BY d.number DESC LIMIT $2";
                        rows::deliveries(on, false, rest, &[before, limit]).await
                    }
                }
            })
        })
    }

    fn delivery(&self, number: u64) -> Answer<'_, Option<DeliveryRow>> {
        self.read(signed(number), |on, number| {
            Box::pin(async move {
                Ok(rows::deliveries(on, true, "WHERE d.number = $1", &[number]).await?.pop())
            })
        })
    }

    fn dead_events(&self, connection: Option<&str>) -> Answer<'_, Vec<EventRow>> {
        self.read(connection.map(str::to_owned), |on, connection| {
            Box::pin(async move {
                match connection {
                    Some(of) => {
                        let rest = "WHERE c.id = $1 AND e.state = 2 ORDER BY e.number";
                        rows::events(on, rest, &[&text(of)]).await
                    }
                    None => rows::events(on, "WHERE e.state = 2 ORDER BY e.number", &[]).await,
                }
            })
        })
    }

    fn replay(&self, event: u64) -> Answer<'_, bool> {
        self.write(event, |on, event| Box::pin(events::replay(on, *event)))
    }

    fn drop_event(&self, event: u64) -> Answer<'_, bool> {
        self.write(event, |on, event| Box::pin(events::remove(on, *event)))
    }

    fn count_events(&self, connection: Option<&str>) -> Answer<'_, (u64, u64)> {
        self.read(connection.map(str::to_owned), |on, connection| {
            Box::pin(async move {
                let connection = connection.as_deref().map(text);
                match on.rows(COUNT, &[&connection]).await?.first() {
                    Some(row) => Ok((u64::read(row, "waiting")?, u64::read(row, "dead")?)),
                    None => Ok((0, 0)),
                }
            })
        })
    }
}
