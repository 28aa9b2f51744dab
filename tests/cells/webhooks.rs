//! AfterShip's webhooks, which only its admin can set.

use super::steps;
use crate::support::world::World;

#[tokio::test(start_paused = true)]
async fn subscribe() {
    let world = World::new().await;
    let url = "https://hooks.example.com/aftership/6c1f";
    let manual = steps(&world, "webhooks", url).await;
    let text = manual.steps.join("\n");
    let events = ["tracking_update", "edd_revise", "tracking_pending_time"];
    for word in events.into_iter().chain([url, "2026-07"]) {
        assert!(text.contains(word), "no {word} in {text}");
    }
    let secrets: Vec<&str> = manual.secrets.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(secrets, ["webhook-secret"]);
    assert!(world.requests().is_empty(), "nothing pretends to have subscribed");
}
