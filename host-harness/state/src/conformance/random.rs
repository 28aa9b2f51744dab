//! Random calls of all but the mirror, told with their answers, so that databases can be compared.
//! What happens to a mirror is told by [`super::mirror::random`].

use std::fmt::Write as _;
use std::time::Duration;

use connector_contract::clock::unix_ms;
use connector_contract::types::DataRecord;
use tokio::time::advance;

use super::{Database, START_MS, State, connection, grant, secret, session};
use crate::inbox::{
    Beat, EventEffect, EventState, NewDelivery, NewEvent, Settled, SubscriptionRow,
};
use crate::mirror::{Batch, Source, hash_of};
use crate::push::{
    Holder, IntentCounts, IntentEnd, IntentRow, IntentState, Mode, Outcome, PushRow, Sent,
};
use crate::{Change, GrantRow, GrantState, Lease};

/// Numbers that look random and are the same for the same seed (Knuth's MMIX).
pub struct Numbers(pub u64);

impl Numbers {
    /// One of 0 to `end`, without it.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

const NAMES: [&str; 3] = ["a", "b", "c"];
const OBJECTS: [&str; 2] = ["orders", "lines"];
const KEYS: [&str; 3] = ["k", "k/1", "\0\u{1}é"];
const OWNERS: [&str; 2] = ["one", "two"];

/// Does the same things to every database, and tells what each answered and what is kept in the end.
pub async fn transcript(database: &impl Database, seed: u64) -> String {
    let state = database.open();
    let (mut numbers, mut told) = (Numbers(seed), String::new());
    for name in NAMES {
        state.commit(vec![Change::PutConnection(connection(name))]).await.unwrap();
    }
    for step in 0..220 {
        let name = numbers.one_of(&NAMES);
        let id = format!("id-of-{name}");
        let what = numbers.below(20);
        write!(told, "{step} {what} {name}: ").unwrap();
        match what {
            0 => commit(&*state, &mut numbers, &mut told, name).await,
            1 => {
                let now = numbers.below(4);
                let change = move |row: &GrantRow, now_ms: u64| change(row, now, now_ms);
                let changed = state.change_grant(&id, Box::new(change)).await;
                writeln!(told, "{changed:?}").unwrap();
            }
            2..=5 => receive(&*state, &mut numbers, &mut told, &id).await,
            6..=8 => settle(&*state, &mut numbers, &mut told, &id).await,
            9 => dead(&*state, &mut numbers, &mut told).await,
            10 => hooks(&*state, &mut numbers, &mut told, &id).await,
            11..=17 => push(&*state, &mut numbers, &mut told, &id).await,
            18 => {
                // Less than a week in all: how long keys are known after that, databases may decide.
                advance(Duration::from_secs(numbers.one_of(&[1, 20, 3_600, 60_000]))).await;
                writeln!(told).unwrap();
            }
            _ => {
                while state.maintain().await.unwrap() {}
                // In whatever order.
                let mut due = state.due().await.unwrap();
                due.sort();
                writeln!(told, "{due:?}").unwrap();
            }
        }
    }
    while state.maintain().await.unwrap() {}
    export(&*state, &mut told).await;
    told
}

async fn commit(state: &dyn State, numbers: &mut Numbers, told: &mut String, name: &str) {
    let mut changes = Vec::new();
    let mut is_there = state.connection(name).await.unwrap().is_some();
    for _ in 0..=numbers.below(2) {
        let version = 1 + numbers.below(3);
        let ends_ms = (numbers.below(2) == 0).then(|| START_MS + 1_000 * numbers.below(90));
        // Nothing is taken from one that is not there: whether that is told, databases may decide.
        let kind = if is_there { numbers.below(9) } else { numbers.one_of(&[1, 3, 5, 6, 8]) };
        is_there = (is_there || kind == 1) && kind != 0;
        changes.push(match kind {
            0 => Change::RemoveConnection { id: format!("id-of-{name}") },
            1 | 2 => Change::PutConnection(connection(name)),
            3 => Change::PutSecret(secret(name, "key", version as u32, ends_ms)),
            4 => Change::RemoveSecret { connection: format!("id-of-{name}"), name: "key".into() },
            5 => Change::PutGrant(GrantRow { epoch: version, ..grant(name) }),
            6 => Change::PutNextGrant(GrantRow { epoch: version + 1, ..grant(name) }),
            7 => Change::RemoveGrant { connection: format!("id-of-{name}") },
            _ => Change::PutSession(session(version as u8, START_MS + 500_000 * version)),
        });
    }
    writeln!(told, "{:?}", state.commit(changes).await).unwrap();
    let taken = state.take_session(&[1 + numbers.below(3) as u8; 32]).await;
    // One that has ended may be forgotten already.
    let now_ms = unix_ms(state.time());
    let taken = taken.map(|taken| taken.filter(|session| session.ends_ms > now_ms));
    writeln!(told, "{taken:?}").unwrap();
}

fn change(row: &GrantRow, kind: u64, now_ms: u64) -> Option<GrantRow> {
    let (state, lease) = match kind {
        0 => return None,
        1 => (GrantState::Renewing, Some(Lease { attempt: "x".into(), until_ms: now_ms + 9 })),
        2 => (GrantState::Uncertain, None),
        _ => return Some(GrantRow { epoch: row.epoch + 1, received_ms: now_ms, ..row.clone() }),
    };
    Some(GrantRow { state, lease, sends: row.sends + 1, ..row.clone() })
}

fn event(numbers: &mut Numbers) -> NewEvent {
    let said = numbers.below(12);
    let data = format!("{{\"n\":{said}}}");
    let record = DataRecord {
        id: said.to_string(),
        updated_at: None,
        created_at: None,
        version: None,
        data: data.clone(),
    };
    let effect = match said % 5 {
        0 => EventEffect::Deleted("x\0".to_owned()),
        1 => EventEffect::Changed(data),
        2 => EventEffect::Nothing,
        _ => EventEffect::Upserted(record),
    };
    NewEvent {
        key: hash_of(&said.to_string()),
        id: Some(said.to_string()),
        object: numbers.one_of(&OBJECTS).to_owned(),
        name: "event".to_owned(),
        occurred_at: None,
        effect,
        asks: said == 3,
        reason: None,
    }
}

async fn receive(state: &dyn State, numbers: &mut Numbers, told: &mut String, id: &str) {
    let mut events: Vec<NewEvent> = (0..1 + numbers.below(3)).map(|_| event(numbers)).collect();
    if numbers.below(6) == 0 {
        events.truncate(1);
        events[0].effect = EventEffect::Unreadable;
    }
    let delivery = NewDelivery {
        connection: id.to_owned(),
        method: "POST".to_owned(),
        url: "/hook".to_owned(),
        headers: vec![("x".to_owned(), vec![0, 1, 200])],
        body: b"[{\"n\":3},{\"n\":8}]".to_vec(),
        events,
        arrived: connector_contract::clock::Instant::now(),
    };
    writeln!(told, "{:?}", state.receive(delivery).await).unwrap();
}

async fn settle(state: &dyn State, numbers: &mut Numbers, told: &mut String, id: &str) {
    let due = state.due_events(id, numbers.below(2) == 0, 3).await.unwrap();
    writeln!(told, "{due:?} {:?}", state.count_events(Some(id)).await).unwrap();
    let settled = due.iter().map(|event| {
        let how = match numbers.below(4) {
            0 => EventState::Dead,
            1 => EventState::Waiting,
            _ => EventState::Done,
        };
        Settled {
            state: how,
            attempts: event.attempts + 1,
            again_after_ms: (how == EventState::Waiting).then_some(5_000),
            asks: numbers.below(2) == 0,
            reason: (how != EventState::Done).then(|| "why \u{1}".to_owned()),
            missed: how == EventState::Dead,
            ..Settled::of(event)
        }
    });
    let settled = settled.collect();
    writeln!(told, "{:?}", state.settle(settled).await).unwrap();
}

async fn dead(state: &dyn State, numbers: &mut Numbers, told: &mut String) {
    let dead = state.dead_events(None).await.unwrap();
    writeln!(told, "{dead:?}").unwrap();
    let Some(event) = dead.first().map(|event| event.number) else { return };
    match numbers.below(3) {
        0 => writeln!(told, "{:?}", state.replay(event).await).unwrap(),
        1 => writeln!(told, "{:?}", state.drop_event(event).await).unwrap(),
        _ => {
            let events = vec![self::event(numbers)];
            writeln!(told, "{:?}", state.read_again(event, events).await).unwrap();
        }
    }
}

async fn hooks(state: &dyn State, numbers: &mut Numbers, told: &mut String, id: &str) {
    let object = numbers.one_of(&OBJECTS).to_owned();
    match numbers.below(7) {
        0 => writeln!(told, "{:?}", state.make_hook(id, &format!("token of {id}")).await),
        1 => {
            let row = SubscriptionRow {
                connection: id.to_owned(),
                object,
                events: vec!["e".to_owned()],
                ..SubscriptionRow::default()
            };
            writeln!(told, "{:?}", state.put_subscription(row).await)
        }
        2 => writeln!(told, "{:?}", state.remove_subscription(id, &object).await),
        3 => {
            let served = vec![(id.to_owned(), numbers.below(2))];
            writeln!(told, "{:?}", state.beat(Beat { gap_after_ms: 60_000, served }).await)
        }
        4 => writeln!(told, "{:?}", state.close_gap(id, START_MS, u64::MAX >> 1).await),
        5 => writeln!(told, "{:?}", state.open_gap(id, START_MS + numbers.below(9)).await),
        _ => {
            let owner = numbers.one_of(&OWNERS);
            writeln!(told, "{:?}", crate::inbox::Inbox::lease(state, id, owner, 30_000).await)
        }
    }
    .unwrap();
}

async fn push(state: &dyn State, numbers: &mut Numbers, told: &mut String, id: &str) {
    let run = format!("run-{}-{id}", numbers.below(2));
    let index = numbers.below(4);
    let holder = Holder { run: run.clone(), index, owner: numbers.one_of(&OWNERS).to_owned() };
    let key = numbers.one_of(&KEYS);
    match numbers.below(10) {
        0 => {
            let row = PushRow {
                id: run,
                connection: id.to_owned(),
                object: "orders".to_owned(),
                mode: Mode::Upsert,
                header: None,
                digest: None,
                made_ms: START_MS,
                ended_ms: None,
                counts: IntentCounts::default(),
            };
            writeln!(told, "{:?}", state.begin(row).await)
        }
        1 | 2 => {
            let key = key.to_owned();
            let input = Some("{}".to_owned());
            let item =
                IntentRow { run, index, line: index + 1, key, input, ..IntentRow::default() };
            writeln!(told, "{:?}", state.add(vec![item]).await)
        }
        3 => writeln!(told, "{:?}", state.seal(&run, [numbers.below(2) as u8; 32]).await),
        4 | 5 => writeln!(told, "{:?}", state.claim(&holder, 15_000).await),
        6 => writeln!(told, "{:?}", crate::push::Intents::hold(state, &holder, key, 15_000).await),
        7 => writeln!(told, "{:?}", state.sending(&holder, Sent::Update, Some("1")).await),
        8 => {
            let (how, outcome) = match numbers.below(3) {
                0 => (IntentState::Done, Some(Outcome::Updated)),
                1 => (IntentState::Parked, None),
                _ => (IntentState::Failed, None),
            };
            let end = IntentEnd {
                state: how,
                outcome,
                id: None,
                error: Some("\0".to_owned()),
                conflict: None,
            };
            let asked = state.moment(id).await.unwrap();
            let mut batch = Batch::new(id, "orders", Source::Ours, asked);
            batch.records.push(DataRecord {
                id: index.to_string(),
                updated_at: None,
                created_at: None,
                version: None,
                data: format!("{{\"n\":{}}}", numbers.below(3)),
            });
            let batch = (how == IntentState::Done).then_some(batch);
            writeln!(told, "{:?}", state.end(&holder, end, batch).await)
        }
        _ => {
            writeln!(told, "{:?} {:?}", state.renew("one", 15_000).await, state.forget(&run).await)
        }
    }
    .unwrap();
}

async fn export(state: &dyn State, told: &mut String) {
    writeln!(told, "{:#?}", state.connections().await).unwrap();
    writeln!(told, "{:#?} {:#?}", state.hooks().await, state.subscriptions(None).await).unwrap();
    writeln!(told, "{:#?}", state.deliveries(None, None, 999).await).unwrap();
    for run in state.pushes(None).await.unwrap() {
        writeln!(told, "{run:?} {:#?}", state.intents(&run.id, 0, 99).await).unwrap();
    }
    for name in NAMES {
        let id = format!("id-of-{name}");
        writeln!(told, "{:?} {:?}", state.secrets(&id).await, state.grant(&id).await).unwrap();
        writeln!(told, "{:?}", state.count_events(Some(&id)).await).unwrap();
        writeln!(told, "{:#?}", state.records(&id, "orders", None, 99).await).unwrap();
        writeln!(told, "{:#?}", state.changes(&id, 0, 999).await).unwrap();
        // Numbers of the journal may be skipped.
        for row in state.journal(&id, vec![], None, 999).await.unwrap() {
            writeln!(
                told,
                "{:?} {:?} {:?} {:?} {:?}",
                row.at_ms, row.kind, row.object, row.by, row.data
            )
            .unwrap();
        }
    }
}
