//! Many who write at the same time: whatever they do, nobody waits for another in a circle that is not
//! undone and tried again.

use connector_contract::clock::Instant;
use connector_contract::limits::{Charge, LimitId, Rate, SlotRequest, Slots as _};
use connector_contract::types::DataRecord;
use connector_state::conformance::connection;
use connector_state::conformance::random::Numbers;
use connector_state::inbox::{
    Beat, EventEffect, EventState, Inbox as _, NewDelivery, NewEvent, Settled,
};
use connector_state::mirror::{Batch, Mirror as _, Source, hash_of};
use connector_state::outbox::{Outbox as _, SettledWork};

use super::*;

/// Tasks, and connections that they work for.
const TASKS: u64 = 64;
const CONNECTIONS: u64 = 100;

/// More by `STATE_STRESS=2000`.
fn rounds() -> u64 {
    std::env::var("STATE_STRESS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(12)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn nobody_sees_a_deadlock() {
    let address = address();
    let hosts: Vec<Postgres> = [Postgres::open(&address).await, Postgres::open(&address).await]
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let names = (0..CONNECTIONS).map(|number| connection(&number.to_string()));
    hosts[0].commit(names.map(Change::PutConnection).collect()).await.unwrap();
    hosts[0].put_forward(connector_state::conformance::outbox::forward("one")).await.unwrap();
    for number in 0..CONNECTIONS {
        hosts[0].make_hook(&format!("id-of-{number}"), &number.to_string()).await.unwrap();
    }
    let tasks = (0..TASKS).map(|task| {
        let host = hosts[(task % 2) as usize].clone();
        tokio::spawn(async move {
            let mut numbers = Numbers(task);
            for round in 0..rounds() {
                one(&host, &mut numbers, task, round).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let work: Work<(), i64> = |on, ()| {
        Box::pin(async move {
            let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
            Ok(on.value(sql, &[]).await?.unwrap_or_default())
        })
    };
    println!("deadlocks that were tried again: {}", hosts[0].read((), work).await.unwrap());
}

async fn one(
    host: &Postgres,
    numbers: &mut Numbers,
    task: u64,
    round: u64,
) -> Result<(), StoreError> {
    let id = |number| format!("id-of-{number}");
    let whose = id(numbers.below(CONNECTIONS));
    match numbers.below(8) {
        0 | 1 => {
            let mut batch = Batch::new(&whose, "orders", Source::Lookup, 0);
            for _ in 0..20 {
                batch.records.push(DataRecord {
                    id: numbers.below(40).to_string(),
                    updated_at: None,
                    created_at: None,
                    version: None,
                    data: format!("{{\"n\":{}}}", numbers.below(9)),
                });
            }
            host.apply(batch).await.map(drop)
        }
        2 => {
            let events = (0..4).map(|_| NewEvent {
                key: hash_of(&numbers.below(500).to_string()),
                id: None,
                object: "orders".to_owned(),
                name: "e".to_owned(),
                occurred_at: None,
                effect: EventEffect::Changed("{}".to_owned()),
                asks: false,
                reason: None,
            });
            let delivery = NewDelivery {
                connection: whose,
                method: String::new(),
                url: String::new(),
                headers: vec![],
                body: vec![],
                events: events.collect(),
                arrived: Instant::now(),
            };
            host.receive(delivery).await.map(drop)
        }
        3 => {
            let mut settled = Vec::new();
            for _ in 0..3 {
                let due = host.due_events(&id(numbers.below(CONNECTIONS)), true, 5).await?;
                settled.extend(due.iter().map(|event| Settled {
                    state: EventState::Dead,
                    missed: true,
                    ..Settled::of(event)
                }));
            }
            host.settle(settled).await
        }
        4 => {
            let charge = |name: &str| Charge {
                limit: LimitId { scope: whose.clone(), name: name.to_owned() },
                rate: Rate::new(10, Duration::from_secs(1)),
                count: 1,
            };
            let mut charges = vec![charge("a"), charge("b"), charge("c")];
            charges.rotate_left((round % 3) as usize);
            let within = Duration::from_secs(60);
            let asked = SlotRequest { charges, slots: 2, within };
            host.reserve(asked).await.unwrap();
            Ok(())
        }
        5 => {
            let served = (0..20).map(|_| (id(numbers.below(CONNECTIONS)), 0)).collect();
            host.beat(Beat { gap_after_ms: 0, served }).await
        }
        6 => {
            let forward = connector_state::conformance::outbox::forward("one").id;
            let work = host.find_work(&forward, 50).await?;
            let positions =
                work.pending.iter().map(|one| (one.change.connection.clone(), one.change.number));
            host.settle_work(
                &forward,
                SettledWork { positions: positions.collect(), ..SettledWork::default() },
            )
            .await
        }
        _ => {
            let row = connection(&format!("extra-{task}"));
            let remove = Change::RemoveConnection { id: row.id.clone() };
            host.commit(vec![Change::PutConnection(row)]).await?;
            host.commit(vec![remove]).await?;
            host.maintain().await.map(drop)
        }
    }
}
