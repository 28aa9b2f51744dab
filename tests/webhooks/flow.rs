//! From the sender to the mirror, in virtual time.

use std::collections::BTreeSet;
use std::time::Duration;

use aftership_simulator::{WebhookFault, WebhookFaultPlan, WebhookVersion};
use host_harness::mirror::{ChangeKind, Mirror as _};
use host_harness::vault::Secret;
use host_harness::webhooks::Inbox as _;

use super::world::{Post, SECRET};

const TAGS: [&str; 3] = ["InTransit", "OutForDelivery", "Delivered"];
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Trackings that nobody has heard of yet.
async fn trackings(post: &Post, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(post.world.create(&format!("1Z12345E02052{number:05}"), "ups").await);
    }
    ids
}

#[tokio::test(start_paused = true)]
async fn each_stage_is_one_clean_change_whether_it_comes_once_or_often_or_by_the_poll() {
    let mut post = Post::new("stages", |webhook| webhook).await;
    let ids = trackings(&post, 3).await;
    post.poll().await;
    post.world.simulator.fault_next_webhook(WebhookFault::Copies(3));
    post.world.simulator.fault_next_webhook(WebhookFault::Repeats(2));
    for id in &ids {
        post.world.simulator.scan(id, "InTransit", "on its way").unwrap();
    }
    post.pass(Duration::from_secs(600)).await;
    post.poll().await;
    post.assert_same().await;
    for id in &ids {
        let changes = post.changes("trackings", id).await;
        assert_eq!(changes, [ChangeKind::Created, ChangeKind::Updated], "{id}");
        // Its scan, derived from the delivery.
        assert_eq!(post.changes("checkpoints", id).await, [ChangeKind::Created], "{id}");
    }
    let counts = post.receiver.counts();
    assert_eq!((counts.kept, counts.repeats, counts.unverified), (3, 4, 0));
}

/// Copies, repeats, delays, bad signatures, cut bodies, lost answers, for days: what the sender
/// was told was taken is in the inbox, and the mirror ends as the account is.
#[tokio::test(start_paused = true)]
async fn a_storm_loses_nothing_and_makes_nothing_twice() {
    let mut post = Post::with(
        "storm",
        |webhook| webhook,
        |options| {
            options.webhooks.faults = Some(WebhookFaultPlan::new(11, 0.5));
        },
    )
    .await;
    let ids = trackings(&post, 40).await;
    let simulator = post.world.simulator.clone();
    let scanning = tokio::spawn(async move {
        for tag in TAGS {
            for id in &ids {
                simulator.scan(id, tag, tag).unwrap();
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            tokio::time::sleep(Duration::from_secs(3_600)).await;
        }
        ids
    });
    post.pass(4 * DAY).await;
    let ids = scanning.await.unwrap();
    let journal = post.world.simulator.webhook_journal();
    let taken: BTreeSet<&str> = journal
        .iter()
        .filter(|attempt| attempt.is_taken())
        .map(|attempt| attempt.event_id.as_str())
        .collect();
    let kept = post.sqlite.deliveries(None, None, u32::MAX).await.unwrap();
    let kept: BTreeSet<String> =
        kept.into_iter().flat_map(|row| row.events).filter_map(|event| event.id).collect();
    let missing: Vec<_> = taken.iter().filter(|id| !kept.contains(**id)).collect();
    // Those that were applied before the last three days are forgotten by now.
    let old = journal
        .iter()
        .filter(|attempt| attempt.ended_ms + 259_000_000 < post.world.simulator.now_ms());
    let old: BTreeSet<&str> = old.map(|attempt| attempt.event_id.as_str()).collect();
    assert!(missing.iter().all(|id| old.contains(**id)), "{missing:?}");
    assert_eq!(post.world.simulator.webhooks_open(), 0);
    post.assert_same().await;
    for id in &ids {
        let changes = post.changes("trackings", id).await;
        assert!(changes.len() <= 1 + TAGS.len(), "{id}: {changes:?}");
    }
    assert_eq!(post.sqlite.count_events(None).await.unwrap(), (0, 0));
    let counts = post.receiver.counts();
    assert!(counts.unverified > 0 && counts.repeats > 0, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn an_old_version_is_looked_up() {
    let mut post = Post::new("old", |webhook| webhook.version(WebhookVersion::V2025_07)).await;
    let ids = trackings(&post, 2).await;
    post.world.simulator.scan(&ids[0], "InTransit", "on its way").unwrap();
    post.pass(Duration::from_secs(60)).await;
    let kept = post.sqlite.record(&post.row.id, "trackings", &ids[0]).await.unwrap().unwrap();
    assert!(kept.data.contains("on its way"), "{}", kept.data);
    let read = post.world.requests().into_iter().filter(|request| request.starts_with("GET"));
    assert_eq!(read.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_with_overlap_loses_nothing() {
    let mut post = Post::new("rotation", |webhook| webhook).await;
    let ids = trackings(&post, 30).await;
    let (vault, row) = (post.vault.clone(), post.row.clone());
    let (simulator, webhook) = (post.world.simulator.clone(), post.webhook);
    tokio::spawn(async move {
        for (number, id) in ids.iter().enumerate() {
            // First here, then at the provider, then deliveries go on with both.
            if number == 10 {
                let new = Secret::new("another_secret_0123456789");
                vault.put(&row, "webhook-secret", &new, 3 * DAY).await.unwrap();
            }
            if number == 20 {
                simulator.rotate_webhook_secret(webhook, "another_secret_0123456789").unwrap();
            }
            simulator.scan(id, "InTransit", "on its way").unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    });
    post.pass(Duration::from_secs(600)).await;
    post.assert_same().await;
    let attempts = post.world.simulator.webhook_journal();
    assert_eq!(attempts.len(), 30, "each was taken at once");
}

/// The sender repeats what was refused, so a mistyped secret costs time and nothing else.
#[tokio::test(start_paused = true)]
async fn a_wrong_secret_heals_when_it_is_put_right() {
    let mut post = Post::new("wrong", |webhook| webhook).await;
    post.world.simulator.rotate_webhook_secret(post.webhook, "typed_at_the_provider").unwrap();
    let ids = trackings(&post, 5).await;
    for id in &ids {
        post.world.simulator.scan(id, "InTransit", "on its way").unwrap();
    }
    let (vault, row) = (post.vault.clone(), post.row.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        let right = Secret::new("typed_at_the_provider");
        vault.put(&row, "webhook-secret", &right, Duration::ZERO).await.unwrap();
    });
    post.pass(DAY).await;
    post.assert_same().await;
    let counts = post.receiver.counts();
    assert!(counts.kept == 5 && counts.unverified >= 5, "{counts:?}");
}

/// The one delivery that is signed with something else than the provider's secret.
#[tokio::test(start_paused = true)]
async fn what_a_stranger_signs_changes_nothing() {
    let mut post = Post::new("stranger", |webhook| webhook).await;
    assert_ne!(SECRET, "a_strangers_secret");
    post.world.simulator.rotate_webhook_secret(post.webhook, "a_strangers_secret").unwrap();
    let ids = trackings(&post, 1).await;
    post.world.simulator.scan(&ids[0], "Delivered", "not true").unwrap();
    post.pass(4 * DAY).await;
    assert_eq!(post.world.simulator.webhook_journal().len(), 14, "the sender gave up");
    assert!(post.sqlite.deliveries(None, None, 10).await.unwrap().is_empty());
    assert_eq!(post.sqlite.moment(&post.row.id).await.unwrap(), 0);
}
