//! What is handed on, and what of an answer counts.

use super::world::*;
use super::*;

#[tokio::test(start_paused = true)]
async fn each_change_is_handed_on_once_as_it_was() {
    let world = World::new().await;
    for n in 1..4 {
        world.change(&[("r1", n), ("r2", n)]).await;
    }
    world.seconds(5).await;
    assert_eq!(world.target.taken(), ["r1 1", "r2 1", "r1 2", "r2 2", "r1 3", "r2 3"]);
    let second = world.target.taken.lock().unwrap()[2].1.clone();
    assert_eq!(second["type"], "orders.updated");
    assert_eq!(second["data"]["members"], json!(["n"]));
    assert_eq!(second["data"]["previous"], json!({ "n": 1 }));
    // The next one goes on from there.
    world.change(&[("r1", 4)]).await;
    world.seconds(120).await;
    assert_eq!(world.target.taken().len(), 7);
    assert_eq!(world.lag().await, ForwardLag::default());
}

#[tokio::test(start_paused = true)]
async fn filters_choose() {
    let filters = vec!["orders.n=2".to_owned(), "orders.n:3->4".to_owned()];
    let world = World::of(|row| row.filters = filters).await;
    world.change(&[("r1", 1), ("r1", 2), ("r1", 3), ("r1", 4), ("r1", 5)]).await;
    world.seconds(5).await;
    assert_eq!(world.target.taken(), ["r1 2", "r1 4"]);
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_told_to_the_target() {
    let world = World::new().await;
    world.connect("other").await;
    world.change(&[("r1", 1), ("r1", 2), ("r1", 3)]).await;
    sleep(Duration::from_secs(1)).await;
    world.state.prune_changes(SHOP, 0).await.unwrap();
    world.change(&[("r1", 4)]).await;
    world.change_of("other", &[("r2", 1)]).await;
    world.target.says(|data| Says::Status(if data["from"] == 1 { 500 } else { 200 }));
    world.seconds(60).await;
    // What follows the gap waits for it, and others do not.
    assert_eq!(world.target.taken(), ["r2 1"]);
    world.target.answers(200, &[]);
    world.seconds(600).await;
    assert_eq!(world.target.taken(), ["r2 1", "gap 1 3", "r1 4"]);
    let gap = world.target.taken.lock().unwrap()[1].1.clone();
    assert_eq!(gap["type"], "changes.missed");
    assert_eq!(gap["data"], json!({ "connection": "shop", "from": 1, "to": 3 }));
    let said =
        "events: changes 1 to 3 of shop were forgotten before it took them, and it was told so";
    assert!(world.notes().iter().any(|note| note.starts_with(said)), "{:?}", world.notes());
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_is_not_taken_holds_up_nothing_for_ever() {
    // Refused; failing while others are taken; failing alone, as where the target is away.
    for (status, hours, others) in [(400, 1, 0), (500, 12, 60), (500, 8 * 24, 0)] {
        let world = World::new().await;
        world.connect("other").await;
        world.change(&[("r1", 1)]).await;
        sleep(Duration::from_secs(1)).await;
        world.state.prune_changes(SHOP, 0).await.unwrap();
        world.change(&[("r1", 2)]).await;
        world.target.says(move |data| Says::Status(if data["from"] == 1 { status } else { 200 }));
        let traffic = async {
            for n in 0..others {
                world.change_of("other", &[("r2", n)]).await;
                sleep(Duration::from_secs(600)).await;
            }
        };
        tokio::join!(world.seconds(hours * 3_600), traffic);
        let taken = world.target.taken();
        assert!(taken.contains(&"r1 2".to_owned()), "{status} {others}: {taken:?}");
        assert!(world.notes().iter().any(|note| note.contains("did not take the message")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_a_repeat_under_the_same_id() {
    let world = World::new().await;
    world.change(&[("r1", 1)]).await;
    let ids = Arc::new(Mutex::new(true));
    world.target.says(move |_| match std::mem::take(&mut *ids.lock().unwrap()) {
        true => Says::Nothing,
        false => Says::Status(200),
    });
    world.seconds(60).await;
    assert_eq!((world.target.taken().len(), world.target.tries().len()), (1, 2));
    assert_eq!(world.target.tries()[0], world.target.tries()[1]);
}

/// No more than a little is read of an answer, and its status counts.
#[tokio::test(start_paused = true)]
async fn a_long_answer_is_not_read() {
    for status in [200, 400] {
        let world = World::new().await;
        world.target.says(move |_| Says::Long(status, 1_048_576));
        world.change(&[("r1", 1), ("r2", 1)]).await;
        world.seconds(60).await;
        assert_eq!(world.target.tries(), ["r1 1", "r2 1"]);
        assert_eq!(world.parked().await.len(), if status == 200 { 0 } else { 2 });
        let written = *world.target.written.lock().unwrap();
        assert!(written < 2 * 256 * 1_024, "{written}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_chat_gets_what_its_template_makes_unsigned() {
    let template = r##"{"channel":"#orders","text":"Order {{/data/id}} is at {{/data/record/n}}","data":{"id":"{{/data/id}}"}}"##;
    let mut world = World::new().await;
    world.target.is_signed = false;
    world.row.template = Some(template.to_owned());
    let address = TargetAddress::open(&world.row, &world.vault, Private).unwrap();
    address.signed_by(None).seal(&mut world.row, &world.vault).unwrap();
    world.change(&[("r1", 7)]).await;
    world.seconds(5).await;
    let got = world.target.taken.lock().unwrap()[0].1.clone();
    assert_eq!(
        got,
        json!({ "channel": "#orders", "text": "Order r1 is at 7", "data": { "id": "r1" } })
    );
}
