//! A provider that fails a fifth of all requests, and a rival.

use aftership_simulator::{Answer, Fault, FaultPlan, Matcher};
use bytes::Bytes;
use host_harness::push::{IntentState, Intents as _, Mode, OnConflict, PushError};
use http::Request;
use serde_json::Value;

use super::shop::{Shop, assert_no_echo, ends, wish};
use crate::support::world::{KEY, TRACKINGS};

/// Whether what was told of every item is what the account holds.
fn assert_true(shop: &Shop, lines: &[Value], told: &[host_harness::push::IntentRow]) {
    let there = shop.trackings();
    assert_eq!(told.len(), lines.len());
    for (line, item) in lines.iter().zip(told) {
        let found = there.get(line["tracking_number"].as_str().unwrap());
        match item.state {
            IntentState::Done => assert_eq!(found.unwrap()["title"], line["title"], "{item:?}"),
            IntentState::Failed | IntentState::Pending => assert!(item.error.is_some(), "{item:?}"),
            IntentState::Parked => {}
            IntentState::Sending => panic!("{item:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fifth_of_all_requests_fails_and_every_word_is_true() {
    let (mut sent, mut needed) = (0, 0);
    for seed in 0..6 {
        let shop = Shop::with(|options| options.faults = Some(FaultPlan::new(seed, 0.2))).await;
        let process = shop.process().await;
        let lines: Vec<_> = (0..60).map(|n| wish(&format!("AAAA-{n:03}"), "a")).collect();
        let (summary, told) = process.run(&lines, Mode::Upsert).await;
        assert_true(&shop, &lines, &told);
        println!("seed {seed}: {summary:?}");
        sent += shop.simulator.journal().len();
        needed += 62;
        // What is open is gone on with, and what failed is pushed again: then all is as wished.
        shop.simulator.configure(|options| options.faults = None);
        process.run(&lines, Mode::Upsert).await;
        let (summary, told) = process.run(&lines, Mode::Upsert).await;
        assert_eq!(summary.done, 60, "seed {seed}: {:?}", ends(&told));
        assert_eq!(shop.trackings().len(), 60);
        assert_no_echo(&process.pull().await);
        assert!(process.changes().await.iter().all(|change| change.ours), "seed {seed}");
    }
    println!("{sent} requests sent where {needed} were needed");
}

/// Another program makes the same trackings at the same time.
#[tokio::test(start_paused = true)]
async fn a_rival_makes_the_same_records() {
    for (mode, seed) in [(Mode::Upsert, 1), (Mode::Create, 2)] {
        let shop = Shop::with(|options| {
            options.limits = false;
            options.faults = Some(FaultPlan::new(seed, 0.1));
        })
        .await;
        let process = shop.process().await;
        let lines: Vec<_> = (0..80).map(|n| wish(&format!("AAAA-{n:03}"), "ours")).collect();
        let simulator = shop.simulator.clone();
        let rival = tokio::spawn(async move {
            for n in (0..80).step_by(2) {
                tokio::time::sleep(std::time::Duration::from_millis(60)).await;
                let body = wish(&format!("AAAA-{n:03}"), "theirs").to_string();
                let request = Request::builder().method("POST").uri(TRACKINGS);
                let request =
                    request.header("as-api-key", KEY).header("content-type", "application/json");
                simulator.handle(request.body(Bytes::from(body)).unwrap()).await;
            }
        });
        let fail = OnConflict::Fail;
        let (summary, told) = process.run_to("trackings", &lines, mode, fail).await.unwrap();
        rival.await.unwrap();
        println!("{mode:?}: {summary:?}");
        assert_true(&shop, &lines, &told);
        if mode == Mode::Create {
            // Whatever is theirs was told as a conflict, and is as they left it.
            let there = shop.trackings();
            let theirs = there.values().filter(|one| one["title"] == "theirs").count();
            let done = told.iter().filter(|item| item.state == IntentState::Done).count();
            assert!(theirs + done >= 80 - summary.parked as usize, "{theirs} theirs, {done} done");
        }
    }
}

/// A provider that is not there costs no item anything but time.
#[tokio::test(start_paused = true)]
async fn when_the_provider_is_away_the_rest_is_left_for_later() {
    let away = FaultPlan { seed: 1, rate: 1.0, menu: vec![Fault::Unavailable] };
    let shop = Shop::with(|options| options.faults = Some(away)).await;
    let process = shop.process().await;
    let lines: Vec<_> = (0..1_000).map(|n| wish(&format!("AAAA-{n:04}"), "a")).collect();
    let fail = OnConflict::Fail;
    let stopped = process.run_to("trackings", &lines, Mode::Upsert, fail).await;
    assert!(matches!(stopped, Err(PushError::Stopped(_))));
    let pushes = process.store.pushes(None).await.unwrap();
    let counts = pushes[0].counts;
    assert_eq!((counts.failed, counts.pending), (0, 1_000), "{counts:?}");
    shop.simulator.configure(|options| options.faults = None);
    // Another process asks at once, whatever this one has met.
    let (summary, _) = shop.process().await.run(&lines, Mode::Upsert).await;
    assert_eq!((summary.done, summary.failed), (1_000, 0));
}

/// A firewall's page says nothing of the items, which wait.
#[tokio::test(start_paused = true)]
async fn items_that_a_firewall_refuses_wait() {
    let shop = Shop::with(|_| {}).await;
    for _ in 0..20 {
        let page =
            Answer::new(403, "<html>Access denied</html>").header("content-type", "text/html");
        shop.simulator.answer_next(Matcher::new("GET", TRACKINGS), page);
    }
    let process = shop.process().await;
    let lines: Vec<_> = (0..2).map(|n| wish(&format!("AAAA-{n:04}"), "a")).collect();
    let (summary, told) = process.run(&lines, Mode::Upsert).await;
    assert_eq!((summary.waiting, summary.failed), (2, 0), "{told:?}");
    assert!(told[0].error.as_deref().unwrap().contains("a gateway, not AfterShip"), "{told:?}");
    shop.simulator.clear_answers();
    let (summary, _) = shop.process().await.run(&lines, Mode::Upsert).await;
    assert_eq!(summary.done, 2);
}

/// The hours of a daily quota are no pause between two tries.
#[tokio::test(start_paused = true)]
async fn a_quota_that_is_used_up_ends_the_push_and_tells_until_when() {
    let shop = Shop::with(|_| {}).await;
    let used_up = Answer::new(429, "{}").header("retry-after", "21600");
    shop.simulator.answer_next(Matcher::new("GET", TRACKINGS), used_up);
    let process = shop.process().await;
    let lines: Vec<_> = (0..3).map(|n| wish(&format!("AAAA-{n:04}"), "a")).collect();
    let began = tokio::time::Instant::now();
    let fail = OnConflict::Fail;
    let stopped = process.run_to("trackings", &lines, Mode::Upsert, fail).await.unwrap_err();
    assert!(stopped.to_string().contains("The limit is used up until 20"), "{stopped}");
    assert!(began.elapsed() < std::time::Duration::from_secs(60));
    assert_eq!(shop.simulator.journal().len(), 1);
    tokio::time::sleep(std::time::Duration::from_secs(21_600)).await;
    let (summary, _) = process.run(&lines, Mode::Upsert).await;
    assert_eq!((summary.done, summary.failed), (3, 0));
}
