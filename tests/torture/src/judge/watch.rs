//! How old what is kept may be, looked at while the day goes on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep_until;

use super::records::{is_listed, made};
use crate::account::{Account, Changed};
use crate::day::World;
use crate::find::Violation;
use crate::host::{EVERY, OBJECT};
use crate::lock;
use crate::state::State;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
/// Ends of all hosts, storms and failed tries delay what is told or read by less than this.
const TROUBLE: Duration = Duration::from_secs(3 * 3_600);

/// Looks each hour whether an account has shown something for long that is not kept.
pub async fn watch(world: Arc<World>) {
    let state = world.state();
    let mut found = BTreeSet::new();
    let mut next = world.began;
    loop {
        next += LOOK_EVERY;
        sleep_until(next).await;
        for account in &world.accounts {
            look(&world, account, &state, &mut found).await;
        }
    }
}

async fn look(world: &World, account: &Account, state: &State, found: &mut BTreeSet<String>) {
    let now_ms = account.simulator.now_ms();
    let (changed, hidden) = {
        let facts = lock(&account.facts);
        (facts.changed.clone(), facts.hidden.clone())
    };
    for (id, changed) in changed {
        if now_ms.saturating_sub(changed.at_ms) < longest_ms(account, changed) {
            continue;
        }
        let Some(text) = account.simulator.tracking(&id) else { continue };
        let is_read = !hidden.contains(&id) && is_listed(made(&text));
        let is_told = account.hook.is_some() && changed.told;
        // What hosts write themselves changes at other times.
        if !(is_read || is_told) || text.contains(r#""tracking_number":"PUSH"#) {
            continue;
        }
        let kept = state.mirror.record(&account.row.id, OBJECT, &id).await;
        // The state may be busy with somebody else.
        let Ok(kept) = kept else { continue };
        if kept.is_none_or(|kept| kept.data != text) && found.insert(id.clone()) {
            let (name, at_ms) = (account.number, changed.at_ms);
            let what = format!("a{name:02} {id}, changed at {at_ms}, was not kept by {now_ms}");
            lock(&world.network.found).push(Violation::new("I-17", what));
        }
    }
}

/// After so long a change is kept.
fn longest_ms(account: &Account, changed: Changed) -> u64 {
    let usual = match (&account.hook, changed.told) {
        (Some(_), true) => Duration::from_secs(3_600),
        (Some(_), false) => EVERY[0],
        (None, _) => EVERY[1],
    };
    u64::try_from((usual + TROUBLE).as_millis()).unwrap()
}
