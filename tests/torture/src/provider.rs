//! What happens at the provider by itself: carriers scan, other programs write.

use std::sync::Arc;
use std::time::Duration;

use aftership_simulator::Ghost;
use bytes::Bytes;
use fastrand::Rng;
use http::Request;
use serde_json::Value;
use tokio::time::{sleep, sleep_until, timeout_at};

use crate::account::{Account, Changed, Removed, rival_key};
use crate::day::World;
use crate::lock;
use crate::plan::{CALM, DAY};

const HOUR_MS: u64 = 3_600_000;
const TAGS: [&str; 4] = ["InTransit", "OutForDelivery", "AttemptFail", "Delivered"];
/// Of these fewer trackings are removed.
const FEW: usize = 4;

/// Changes an account until the calm begins.
pub async fn live(world: Arc<World>, number: usize) {
    let account = &world.accounts[number];
    let mut random = Rng::with_seed(world.plan.seed.wrapping_mul(7_919) ^ number as u64);
    let most = if account.is_hot() { HOUR_MS } else { 5 * HOUR_MS };
    let mut count = 0;
    loop {
        let pause = sleep(Duration::from_millis(random.u64(1_000..most)));
        // The calm waits for nobody.
        let _ = timeout_at(world.began + CALM, pause).await;
        if world.began.elapsed() >= CALM {
            break;
        }
        for _ in 0..random.usize(1..4) {
            count += 1;
            let what = change(account, &mut random, count).await;
            world.journal.note(format_args!("a{number:02} {what}"));
            lock(&account.facts).changes += 1;
            if random.bool() {
                sleep(Duration::from_millis(random.u64(0..3_000))).await;
            }
        }
    }
    account.simulator.configure(|options| {
        options.faults = None;
        options.webhooks.faults = None;
    });
    sleep_until(world.began + DAY).await;
}

/// One change, in a word or two.
async fn change(account: &Account, random: &mut Rng, count: usize) -> String {
    let simulator = &account.simulator;
    let ids = simulator.ids();
    let Some(id) = random.choice(&ids) else { return "nothing".to_owned() };
    match random.u8(0..20) {
        0..9 => {
            let tag = random.choice(TAGS).unwrap();
            simulator.scan(id, tag, &format!("scan {count}")).unwrap();
            changed(account, id, true);
            format!("scan {tag} {id}")
        }
        9..13 => {
            let note = format!("{{\"note\":\"note {count}\"}}");
            simulator.update(id, &note).unwrap();
            changed(account, id, false);
            format!("update {id}")
        }
        13..16 => {
            let (new, text) = fresh(account, count, random);
            simulator.insert(&text).unwrap();
            changed(account, &new, false);
            format!("insert {new}")
        }
        16 if count.is_multiple_of(3) && hides(account, id) => {
            // Lists do not show it any more, and it is still there.
            lock(&account.facts).hidden.insert(id.clone());
            format!("hide {id}")
        }
        17 if ids.len() > FEW => {
            let text = simulator.remove(id).unwrap();
            let tracking: Value = serde_json::from_str(&text).unwrap();
            let tracking_number = tracking["tracking_number"].as_str().unwrap().to_owned();
            let removed = Removed { at_ms: simulator.now_ms(), tracking_number };
            lock(&account.facts).removed.insert(id.clone(), removed);
            format!("remove {id}")
        }
        _ => {
            rival(account, random.usize(1..8)).await;
            "rival".to_owned()
        }
    }
}

fn changed(account: &Account, id: &str, told: bool) {
    let changed = Changed { at_ms: account.simulator.now_ms(), told };
    lock(&account.facts).changed.insert(id.to_owned(), changed);
}

/// Hides a tracking from lists, if it is more than a few weeks old: what is young is not looked for.
fn hides(account: &Account, id: &str) -> bool {
    let text = account.simulator.tracking(id).unwrap_or_default();
    let is_young = text.contains(r#""created_at":"2026-11"#);
    !is_young && account.simulator.remove_in_part(id, Ghost::Unlisted)
}

/// Another program uses up what the account may ask for.
async fn rival(account: &Account, requests: usize) {
    for _ in 0..requests {
        let request = Request::get("/tracking/2026-07/trackings?limit=1");
        let request =
            request.header("as-api-key", rival_key(account.number)).body(Bytes::new()).unwrap();
        let answer = account.simulator.handle(request);
        let _ = tokio::time::timeout(Duration::from_secs(1), answer).await;
    }
}

fn fresh(account: &Account, count: usize, random: &mut Rng) -> (String, String) {
    let id = format!("{:032x}", random.u128(..));
    let at = time(account.simulator.now_ms());
    let number = format!("NEW{:02}{count:06}", account.number);
    let text = format!(
        r#"{{"id":"{id}","tracking_number":"{number}","slug":"dhl","tag":"Pending","title":null,"note":null,"created_at":"{at}","updated_at":"{at}","checkpoints":[]}}"#
    );
    (id, text)
}

/// As the provider writes a time.
fn time(ms: u64) -> String {
    let (days, left) = (ms / 86_400_000, ms / 1_000 % 86_400);
    // A day lasts into the next one, and no month ends in it.
    let day = 22 + days - crate::plan::START_MS / 86_400_000;
    let (hour, minute, second) = (left / 3_600, left / 60 % 60, left % 60);
    format!("2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00")
}
