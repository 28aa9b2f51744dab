//! Whoever waits for a limit holds no instance, and keeps nobody else waiting.

use std::sync::Arc;
use std::time::Duration;

use aftership_simulator::{Answer, Matcher, Options, Simulator, TokioClock};
use host_harness::contract::limits::Rate;
use host_harness::contract::types::DataRecord;
use host_harness::egress::Limiter;
use host_harness::runtime::{CallError, Connection, Connector, Runtime, RuntimeOptions};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::world::{KEY, NOW_MS, connecting, list};
use crate::support::{Watch, cache, component};

/// Few instances, so that each one that is held is missed.
async fn connector() -> (Runtime, Connector) {
    let mut options = RuntimeOptions::default();
    (options.instances, options.offline_instances) = (2, 1);
    options.cache = Some(cache());
    let runtime = Runtime::new(&options).unwrap();
    let connector = runtime.load(&component()).await.unwrap();
    (runtime, connector)
}

/// A connection of each account, which may list so often.
async fn connections(
    accounts: impl IntoIterator<Item = String>,
    rate: Rate,
) -> (Simulator, Vec<Connection>, Runtime) {
    let (runtime, connector) = connector().await;
    let clock = Arc::new(TokioClock::new(NOW_MS));
    // The provider's own limits are out of the way: all accounts are one for the simulator.
    let options =
        Options { api_keys: vec![KEY.to_owned()], clock, limits: false, ..Options::default() };
    let simulator = Simulator::new(options);
    let watch: Arc<Watch> = Arc::default();
    let wide = Rate::new(600_000, Duration::from_secs(60));
    let limiter = Limiter::default().instead("trackings-list", rate).instead("all", wide);
    let limiter = Arc::new(limiter);
    let mut connections = Vec::new();
    for account in accounts {
        let connection = connecting(&connector, &simulator, &watch, KEY);
        let connection = connection.limiter(Arc::clone(&limiter)).account(account);
        connections.push(connection.build().await.unwrap());
    }
    (simulator, connections, runtime)
}

fn ask(tasks: &mut JoinSet<Result<(), CallError>>, connection: &Connection) {
    let connection = connection.clone();
    tasks.spawn(async move { connection.list(&list(None, Some(1))).await.map(drop) });
}

#[tokio::test(start_paused = true)]
async fn two_accounts_at_their_limits_leave_both_instances_to_others() {
    let accounts = ["one", "two", "three"].map(str::to_owned);
    let (_, all, runtime) = connections(accounts, Rate::new(1, Duration::from_secs(20))).await;
    let [one, two, three] = all.try_into().unwrap_or_else(|_| panic!("three of them"));
    let mut waiting = JoinSet::new();
    for connection in [&one, &two, &one, &two] {
        ask(&mut waiting, connection);
    }
    // The first of each goes, and the second of each waits.
    for _ in 0..2 {
        waiting.join_next().await.unwrap().unwrap().unwrap();
    }
    let began = Instant::now();
    three.list(&list(None, Some(1))).await.unwrap();
    let holder = DataRecord {
        id: "t1".to_owned(),
        updated_at: None,
        created_at: None,
        version: None,
        data: r#"{"id":"t1","checkpoints":[]}"#.to_owned(),
    };
    three.derive(&["checkpoints".to_owned()], vec![holder]).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(waiting.len(), 2, "they wait still");
    assert_eq!(runtime.metrics().suspended, 2);
    // And they are served in the end, by calls that were begun anew.
    while let Some(ended) = waiting.join_next().await {
        ended.unwrap().unwrap();
    }
    assert!(began.elapsed() >= Duration::from_secs(19), "{:?}", began.elapsed());
}

/// A turn that comes while all instances are busy is not used up: what waits for an instance goes
/// at the limit's pace afterwards, and not all at once.
#[tokio::test(start_paused = true)]
async fn turns_do_not_bunch_where_instances_are_scarce() {
    let accounts = ["limited", "slow", "slower"].map(str::to_owned);
    let (simulator, all, _) = connections(accounts, Rate::new(1, Duration::from_secs(1))).await;
    let [limited, slow, slower] = all.try_into().unwrap_or_else(|_| panic!("three of them"));
    limited.list(&list(None, Some(1))).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        ask(&mut tasks, &limited);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    for connection in [&slow, &slower] {
        let late = Answer::real().delayed(Duration::from_secs(10));
        simulator.answer_next(Matcher::any(), late);
        ask(&mut tasks, connection);
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap().unwrap();
    }
    let times: Vec<u64> = simulator.journal().iter().map(|entry| entry.at_ms).collect();
    let [_, _, _, waited @ ..] = times.as_slice() else { panic!("{times:?}") };
    assert_eq!(waited.len(), 4, "{times:?}");
    assert!(waited[0] >= NOW_MS + 10_000, "both instances were busy: {times:?}");
    assert!(waited.windows(2).all(|pair| pair[1] - pair[0] >= 1_000), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn of_two_hundred_connections_most_wait_and_the_others_do_not() {
    let crowd = std::iter::repeat_n("crowded".to_owned(), 180);
    let others = (0..20).map(|number| format!("account {number}"));
    // 180 fit into 27 s, less than the longest wait.
    let rate = Rate::new(20, Duration::from_secs(3));
    let (_, all, _) = connections(crowd.chain(others), rate).await;
    let (crowd, others) = all.split_at(180);
    let (mut waiting, mut free) = (JoinSet::new(), JoinSet::new());
    for connection in crowd {
        ask(&mut waiting, connection);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    for connection in others {
        ask(&mut free, connection);
    }
    while let Some(ended) = free.join_next().await {
        ended.unwrap().unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let mut served = 0;
    while let Some(ended) = waiting.join_next().await {
        ended.unwrap().unwrap();
        served += 1;
    }
    assert_eq!(served, 180);
}
