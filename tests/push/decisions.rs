//! Items that wait for a decision about somebody else's change, and what becomes of them.

use std::time::Duration;

use host_harness::push::{
    Decided, Decision, IntentRow, IntentState, Intents as _, Mode, OnConflict, Summary,
};
use serde_json::{Value, json};

use super::conflicts::changed_there;
use super::shop::{Process, Ran, Shop, assert_no_echo, ends, wish};

/// One record that somebody changed, and an item for it that waits.
async fn parked(mode: Mode) -> (Shop, Process, IntentRow) {
    let (shop, process, _) = changed_there().await;
    let (_, mut told) = park(&process, &[wish("AAAA-1", "b")], mode).await;
    assert_eq!(ends(&told), ["parked"]);
    let item = told.remove(0);
    assert_eq!(open(&process, &item.run).await, [0]);
    (shop, process, item)
}

async fn park(process: &Process, lines: &[Value], mode: Mode) -> Ran {
    process.run_to("trackings", lines, mode, OnConflict::Park).await.unwrap()
}

/// Indexes of the items of a run that wait.
async fn open(process: &Process, run: &str) -> Vec<u64> {
    let items = process.store.conflicts(run, 0, 100).await.unwrap();
    items.into_iter().map(|item| item.index).collect()
}

/// Decides about an item as it stands now.
async fn decide(process: &Process, run: &str, index: u64, decision: Decision) -> Decided {
    let item = process.store.intents(run, index, 1).await.unwrap().remove(0);
    let theirs = item.conflict.map(|conflict| conflict.theirs).unwrap_or_default();
    process.store.decide(run, vec![(index, theirs)], decision).await.unwrap().remove(0)
}

/// Goes on with a run.
async fn resume(process: &Process, run: &str, policy: OnConflict) -> Ran {
    let mut told = Vec::new();
    let push = process.push("trackings").await;
    let summary = push.run(run, policy, |ended| told.push(ended)).await.unwrap();
    (summary, told)
}

fn member<'m>(members: &'m [Value], name: &str) -> &'m Value {
    members.iter().find(|one| one["member"] == name).unwrap()
}

async fn members(process: &Process, run: &str) -> Vec<Value> {
    let item = process.store.conflicts(run, 0, 1).await.unwrap().remove(0);
    serde_json::from_str(&item.conflict.unwrap().members).unwrap()
}

/// Somebody changes the title there.
async fn change_there(shop: &Shop, id: &str, title: &str) {
    tokio::time::advance(Duration::from_secs(5)).await;
    shop.simulator.update(id, &json!({ "title": title }).to_string()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_item_waits_and_holds_up_no_other() {
    let (shop, process, id) = changed_there().await;
    let lines =
        [wish("AAAA-1", "b"), wish("AAAA-2", "x"), wish("AAAA-1", "c"), wish("AAAA-1", "theirs")];
    let (summary, told) = park(&process, &lines, Mode::Upsert).await;
    // A later item of the record is judged on its own: one that wishes what stands there is done.
    assert_eq!(ends(&told), ["parked", "created", "parked", "unchanged"]);
    let counts = (summary.done, summary.parked, summary.conflicts, summary.failed);
    assert_eq!(counts, (2, 2, 2, 0));
    assert_eq!((&shop.trackings()["AAAA-1"]["title"], shop.count("PUT")), (&json!("theirs"), 0));
    let waits = &told[0];
    assert_eq!((waits.id.as_deref(), waits.state), (Some(id.as_str()), IntentState::Parked));
    assert!(waits.error.as_ref().unwrap().contains("--decide"), "{:?}", waits.error);
    let at_stake = members(&process, &waits.run).await;
    let title = json!({ "member": "title", "seen": "a", "theirs": "theirs", "ours": "b" });
    assert_eq!(member(&at_stake, "title"), &title);
    assert_eq!(at_stake[0], title, "what would be written comes first");
    assert!(member(&at_stake, "updated_at").get("ours").is_none());

    // It is not tried again by itself, whatever is asked of conflicts now.
    let requests = shop.simulator.journal().len();
    for policy in [OnConflict::Ours, OnConflict::Fail] {
        let (again, told) = resume(&process, &waits.run, policy).await;
        assert_eq!((again.parked, again.conflicts, again.before), (2, 2, 2));
        assert_eq!((ends(&told)[0], told[0].attempts), ("parked", 1));
    }
    assert_eq!(shop.simulator.journal().len(), requests);
    assert_eq!(process.push("trackings").await.unfinished().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn ours_is_written_and_theirs_is_learned() {
    for is_pulled in [false, true] {
        let (shop, process, item) = parked(Mode::Upsert).await;
        if is_pulled {
            assert_eq!(process.pull().await.updated, 1);
        }
        assert_eq!(decide(&process, &item.run, 0, Decision::Ours).await, Decided::Now);
        assert_eq!(shop.trackings()["AAAA-1"]["title"], "theirs", "nothing is sent before a run");
        let (_, told) = resume(&process, &item.run, OnConflict::Fail).await;
        assert_eq!(ends(&told), ["updated"]);
        assert_eq!(shop.trackings()["AAAA-1"]["title"], "b");
        let ended = process.store.intents(&item.run, 0, 1).await.unwrap().remove(0);
        assert_eq!((ended.input, ended.conflict), (None, None));
        let before = Decided::Before(Decision::Ours);
        assert_eq!(decide(&process, &item.run, 0, Decision::Theirs).await, before);
        assert_no_echo(&process.pull().await);
        assert_eq!(process.push("trackings").await.unfinished().await.unwrap(), []);
    }

    let (shop, process, item) = parked(Mode::Upsert).await;
    assert_eq!(decide(&process, &item.run, 0, Decision::Theirs).await, Decided::Now);
    let (_, told) = resume(&process, &item.run, OnConflict::Ours).await;
    assert_eq!((ends(&told), shop.count("PUT")), (vec!["skipped"], 0));
    assert_eq!(shop.trackings()["AAAA-1"]["title"], "theirs");
    assert_eq!(process.changes().await.iter().filter(|change| !change.ours).count(), 1);
    assert_no_echo(&process.pull().await);
    // It was seen now, so it is no conflict any more.
    let (_, told) = park(&process, &[wish("AAAA-1", "c")], Mode::Upsert).await;
    assert_eq!(ends(&told), ["updated"]);
}

/// A decision is about what was seen, also when it has been pulled meanwhile.
#[tokio::test(start_paused = true)]
async fn a_record_that_changed_again_is_decided_about_again() {
    for is_pulled in [false, true] {
        for mode in [Mode::Upsert, Mode::Update, Mode::Delete] {
            let (shop, process, item) = parked(mode).await;
            let id = item.id.clone().unwrap();
            assert_eq!(decide(&process, &item.run, 0, Decision::Ours).await, Decided::Now);
            change_there(&shop, &id, "theirs again").await;
            if is_pulled {
                process.pull().await;
            }
            let (_, told) = resume(&process, &item.run, OnConflict::Ours).await;
            assert_eq!(ends(&told), ["parked"], "{mode:?}, {is_pulled}");
            assert_eq!(shop.trackings()["AAAA-1"]["title"], "theirs again");
            let at_stake = members(&process, &item.run).await;
            if mode != Mode::Delete || !is_pulled {
                assert_eq!(member(&at_stake, "title")["theirs"], "theirs again");
            }
            // What was seen before does not decide about it.
            let theirs = item.conflict.as_ref().unwrap().theirs;
            let decided = process.store.decide(&item.run, vec![(0, theirs)], Decision::Ours).await;
            assert_eq!(decided, Ok(vec![Decided::Changed]));
            assert_eq!(decide(&process, &item.run, 0, Decision::Ours).await, Decided::Now);
            let (_, told) = resume(&process, &item.run, OnConflict::Fail).await;
            let title = shop.trackings().get("AAAA-1").map(|one| one["title"].clone());
            match mode {
                Mode::Delete => assert_eq!((ends(&told), title), (vec!["deleted"], None)),
                _ => assert_eq!((ends(&told), title), (vec!["updated"], Some(json!("b")))),
            }
            assert_no_echo(&process.pull().await);
        }
    }
}

/// What a later item of the record wrote is not overwritten by a decision that did not know it.
#[tokio::test(start_paused = true)]
async fn a_decision_does_not_overtake_a_later_write() {
    let (shop, process, item) = parked(Mode::Upsert).await;
    process.pull().await;
    let (_, told) = process.run(&[wish("AAAA-1", "later")], Mode::Upsert).await;
    assert_eq!(ends(&told), ["updated"]);
    assert_eq!(decide(&process, &item.run, 0, Decision::Ours).await, Decided::Now);
    let (_, told) = resume(&process, &item.run, OnConflict::Ours).await;
    assert_eq!(ends(&told), ["parked"]);
    assert_eq!(shop.trackings()["AAAA-1"]["title"], "later");
    assert_eq!(member(&members(&process, &item.run).await, "title")["theirs"], "later");

    // Of two items of one run, the later one is asked about again once the earlier one is written.
    let (shop, process, _) = changed_there().await;
    let lines = [wish("AAAA-1", "first"), wish("AAAA-1", "second")];
    let (_, told) = park(&process, &lines, Mode::Upsert).await;
    let run = told[0].run.clone();
    for index in 0..2 {
        assert_eq!(decide(&process, &run, index, Decision::Ours).await, Decided::Now);
    }
    assert_eq!(ends(&resume(&process, &run, OnConflict::Park).await.1), ["updated", "parked"]);
    assert_eq!(decide(&process, &run, 1, Decision::Ours).await, Decided::Now);
    assert_eq!(ends(&resume(&process, &run, OnConflict::Park).await.1), ["updated", "updated"]);
    assert_eq!(shop.trackings()["AAAA-1"]["title"], "second");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_gone_is_not_made_again() {
    for (decision, end) in [(Decision::Ours, "failed"), (Decision::Theirs, "skipped")] {
        let (shop, process, item) = parked(Mode::Upsert).await;
        shop.simulator.remove(item.id.as_ref().unwrap());
        assert_eq!(decide(&process, &item.run, 0, decision).await, Decided::Now);
        let (summary, told) = resume(&process, &item.run, OnConflict::Park).await;
        assert_eq!((ends(&told), shop.count("POST")), (vec![end], 1), "{told:?}");
        assert_eq!(Summary { before: 0, ..summary }.conflicts, 0);
        assert_eq!(process.push("trackings").await.unfinished().await.unwrap(), []);
    }
}
