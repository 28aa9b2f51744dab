//! Rules over time of AfterShip's trackings, as days pass.

use std::time::{Duration, SystemTime};

use host_harness::mirror::{ChangeKind, ListQuery, Mirror as _};
use host_harness::service::views::keep_indexes;
use host_harness::store::Store as _;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::mirrored::{DUE, HOUR, Mirrored, OBJECT, down, pass};

const DAY: u64 = 24 * HOUR;

/// One tracking under way, that is promised for in three days.
async fn one() -> (Mirrored, String) {
    let mirrored = Mirrored::of(0).await;
    keep_indexes(mirrored.world.connection.connector(), &**mirrored.database())
        .await
        .unwrap()
        .unwrap();
    let id = format!("{:032x}", 1);
    let at = |days: u64| {
        let ms = mirrored.world.simulator.now_ms() + days * DAY * 1_000;
        let at = OffsetDateTime::from(SystemTime::UNIX_EPOCH + Duration::from_millis(ms));
        at.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap().replace('Z', "+00:00")
    };
    let tracking = json!({
        "id": id, "tracking_number": "N1", "slug": "ups", "tag": "InTransit", "active": true,
        "created_at": at(0), "updated_at": at(0), "checkpoints": [],
        "latest_estimated_delivery": {"type": "specific", "datetime": at(3)},
    });
    mirrored.world.simulator.insert(&tracking.to_string()).unwrap();
    mirrored.sync(DUE).await;
    (mirrored, id)
}

/// What was told of rules so far: the rule, and whether it was raised.
async fn told(mirrored: &Mirrored) -> Vec<(String, bool)> {
    let changes = mirrored.changes_of(ChangeKind::Rule).await.into_iter();
    changes.filter_map(|change| change.rule).map(|told| (told.rule, told.raised)).collect()
}

fn says(told: &[(&str, bool)]) -> Vec<(String, bool)> {
    told.iter().map(|(rule, raised)| ((*rule).to_owned(), *raised)).collect()
}

async fn listed(mirrored: &Mirrored, rule: &str) -> usize {
    let query = ListQuery {
        connection: mirrored.connection.clone(),
        object: OBJECT.to_owned(),
        sort: "id".to_owned(),
        rule: Some(rule.to_owned()),
        limit: 9,
        ..ListQuery::default()
    };
    mirrored.database().list(query).await.unwrap().records.len()
}

#[tokio::test(start_paused = true)]
async fn a_parcel_is_late_stalls_and_waits_as_days_pass() {
    let (mirrored, id) = one().await;
    let scan = |tag: &str| mirrored.world.simulator.scan(&id, tag, "on its way").unwrap();
    pass(3 * DAY - HOUR).await;
    scan("InTransit");
    mirrored.sync(DUE).await;
    assert_eq!(told(&mirrored).await, []);
    pass(HOUR).await;
    mirrored.sync(DUE).await;
    let mut expected = vec![("late", true)];
    assert_eq!(told(&mirrored).await, says(&expected));
    assert_eq!((listed(&mirrored, "late").await, listed(&mirrored, "stalled").await), (1, 0));

    // Seven days after its last scan, which has no offset.
    pass(7 * DAY + 12 * HOUR - 2 * HOUR).await;
    mirrored.sync(DUE).await;
    assert_eq!(told(&mirrored).await, says(&expected));
    pass(HOUR).await;
    mirrored.sync(DUE).await;
    expected.push(("stalled", true));
    assert_eq!(told(&mirrored).await, says(&expected));

    // A scan clears that at once; five days in a shop, and a day more until nobody can call it early.
    scan("AvailableForPickup");
    mirrored.sync(DUE).await;
    expected.push(("stalled", false));
    pass(4 * DAY).await;
    mirrored.sync(DUE).await;
    assert_eq!(told(&mirrored).await, says(&expected));
    pass(2 * DAY).await;
    mirrored.sync(DUE).await;
    expected.push(("not-picked-up", true));
    assert_eq!(told(&mirrored).await, says(&expected));

    scan("Delivered");
    pass(HOUR).await;
    mirrored.sync(DUE).await;
    expected.extend([("late", false), ("not-picked-up", false)]);
    assert_eq!(told(&mirrored).await, says(&expected));
    assert_eq!((listed(&mirrored, "late").await, listed(&mirrored, "not-picked-up").await), (0, 0));
    pass(30 * DAY).await;
    mirrored.sync(DUE).await;
    assert_eq!(told(&mirrored).await, says(&expected));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_raised_while_the_provider_cannot_be_read() {
    let (mirrored, id) = one().await;
    pass(4 * DAY).await;
    // It has arrived meanwhile, which nobody knows.
    mirrored.world.simulator.scan(&id, "Delivered", "at the door").unwrap();
    mirrored.lists(down());
    mirrored.run(DUE).await.unwrap_err();
    assert_eq!(told(&mirrored).await, []);
    pass(DAY).await;
    mirrored.sync(DUE).await;
    assert_eq!(told(&mirrored).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_setting_is_worked_out_over_what_is_there() {
    let (mirrored, _) = one().await;
    pass(5 * DAY).await;
    mirrored.sync(DUE).await;
    let database = mirrored.database();
    let mut expected = vec![("late", true)];
    for (rule, days, more) in
        [("late", Some(9), ("late", false)), ("stalled", Some(4), ("stalled", true))]
    {
        database.set_rule(&mirrored.connection, rule, Some(days)).await.unwrap();
        while database.maintain().await.unwrap() {}
        pass(HOUR).await;
        mirrored.sync(DUE).await;
        expected.push(more);
        assert_eq!(told(&mirrored).await, says(&expected), "{rule}");
    }
}
