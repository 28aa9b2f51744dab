//! What an inbox counts: connections, deliveries, events, generations of keys.

use std::collections::{BTreeMap, BTreeSet};

use connector_state::inbox::Receipt;
use connector_state::inbox::plan::{CountChange, EventKey, Numbers};

use crate::columns::{Column as _, signed, text};
use crate::fault::DbResult;
use crate::session::Session;

/// The row of `inbox_progress`.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// All old deliveries up to this one were looked at; those that were still needed then are
    /// forgotten by what ends that.
    pub looked_at: i64,
    /// Of keys, the newest.
    pub generation: i64,
    /// Since when it is.
    pub generation_ms: u64,
}

pub async fn read(on: &Session) -> DbResult<Progress> {
    let sql = "SELECT looked_at, generation, generation_ms FROM inbox_progress";
    match on.rows(sql, &[]).await?.first() {
        Some(row) => Ok(Progress {
            looked_at: row.try_get("looked_at")?,
            generation: row.try_get("generation")?,
            generation_ms: u64::read(row, "generation_ms")?,
        }),
        None => Err(crate::columns::odd("inbox_progress", "its row is gone")),
    }
}

/// The inboxes of these connections, as far as they are there. They are made where there are none, and
/// nobody else's until the transaction ends.
pub async fn lock(on: &Session, connections: &BTreeSet<&str>) -> DbResult<BTreeMap<String, i64>> {
    let ids: Vec<_> = connections.iter().map(|connection| text(connection)).collect();
    let find = "SELECT i.connection, i.number FROM inboxes AS i
                    JOIN connections AS c ON c.id = i.connection
                WHERE i.connection = ANY($1) ORDER BY i.number FOR UPDATE OF i";
    // While this goes on, nobody can remove the connection.
    let make = "INSERT INTO inboxes (connection) SELECT id FROM connections WHERE id = ANY($1)
                ORDER BY id FOR KEY SHARE ON CONFLICT DO NOTHING";
    let mut found = on.rows(find, &[&ids]).await?;
    if found.len() < ids.len() && on.run(make, &[&ids]).await? > 0 {
        found = on.rows(find, &[&ids]).await?;
    }
    found.iter().map(|row| Ok((String::read(row, "connection")?, row.try_get("number")?))).collect()
}

/// Locks the inboxes that these events are in.
pub async fn lock_of(on: &Session, events: &[i64]) -> DbResult<()> {
    let sql = "SELECT number FROM inboxes
               WHERE number = ANY(ARRAY(SELECT inbox FROM inbox_events WHERE number = ANY($1)))
               ORDER BY number FOR UPDATE";
    on.rows(sql, &[&events]).await.map(drop)
}

/// Counts what became of connections' events, by their inboxes.
pub async fn count(on: &Session, changes: &BTreeMap<i64, CountChange>) -> DbResult<()> {
    let changed = changes.iter().filter(|(_, change)| **change != CountChange::default());
    let (mut inboxes, mut waiting, mut dead) = (Vec::new(), Vec::new(), Vec::new());
    for (inbox, change) in changed {
        inboxes.push(*inbox);
        waiting.push(change.waiting);
        dead.push(change.dead);
    }
    if inboxes.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE inboxes AS i SET waiting = i.waiting + u.waiting, dead = i.dead + u.dead
               FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (inbox, waiting, dead)
               WHERE i.number = u.inbox";
    on.run(sql, &[&inboxes, &waiting, &dead]).await.map(drop)
}

/// Knows these keys from now on; answers those that were not known.
pub async fn learn(
    on: &Session,
    keys: &BTreeSet<(i64, EventKey)>,
    generation: i64,
) -> DbResult<BTreeSet<(i64, EventKey)>> {
    if keys.is_empty() {
        return Ok(BTreeSet::new());
    }
    let inboxes: Vec<i64> = keys.iter().map(|(inbox, _)| *inbox).collect();
    let bytes: Vec<&[u8]> = keys.iter().map(|(_, key)| key.as_slice()).collect();
    let sql = "INSERT INTO inbox_keys AS k (inbox, key, generation)
               SELECT inbox, key, $3 FROM unnest($1::bigint[], $2::bytea[]) AS u (inbox, key)
               ORDER BY inbox, key
               ON CONFLICT (inbox, key) DO UPDATE SET generation = excluded.generation
                   WHERE k.generation < excluded.generation - 1
               RETURNING inbox, key";
    let read = |row: &tokio_postgres::Row| {
        let key: Vec<u8> = row.try_get("key")?;
        let key = EventKey::try_from(key).map_err(|_| crate::columns::odd("key", "its length"))?;
        Ok((row.try_get("inbox")?, key))
    };
    on.rows(sql, &[&inboxes, &bytes, &generation]).await?.iter().map(read).collect()
}

/// Numbers that were given away, in the place of those that count from 1.
#[derive(Debug, Default)]
pub struct Given {
    pub deliveries: Vec<i64>,
    pub events: Vec<i64>,
}

/// Gives so many numbers away.
pub async fn give(on: &Session, count: Numbers) -> DbResult<Given> {
    let deliveries = next(on, "inbox_delivery_numbers", count.delivery);
    let events = next(on, "inbox_event_numbers", count.event);
    let (deliveries, events) = tokio::try_join!(deliveries, events)?;
    Ok(Given { deliveries, events })
}

async fn next(on: &Session, sequence: &str, count: u64) -> DbResult<Vec<i64>> {
    if count == 0 {
        return Ok(vec![]);
    }
    let sql = format!("SELECT nextval('{sequence}') FROM generate_series(1, $1::bigint)");
    let mut numbers: Vec<i64> = on.values(&sql, &[&signed(count)]).await?;
    numbers.sort_unstable();
    Ok(numbers)
}

impl Given {
    /// In the place of a delivery's.
    pub fn delivery(&self, number: i64) -> i64 {
        at(&self.deliveries, u64::try_from(number).unwrap_or_default())
    }

    /// In the place of an event's.
    pub fn event(&self, number: u64) -> u64 {
        u64::try_from(at(&self.events, number)).unwrap_or_default()
    }

    /// In the places of both.
    pub fn receipt(&self, receipt: Receipt) -> Receipt {
        match receipt {
            Receipt::New { delivery, dead } => Receipt::New {
                delivery: u64::try_from(at(&self.deliveries, delivery)).unwrap_or_default(),
                dead: dead.map(|event| self.event(event)),
            },
            Receipt::Repeat => Receipt::Repeat,
        }
    }
}

fn at(numbers: &[i64], place: u64) -> i64 {
    let place = usize::try_from(place).ok().and_then(|place| place.checked_sub(1));
    place.and_then(|place| numbers.get(place)).copied().unwrap_or_default()
}
