//! How fast requests were sent, over all hosts.

use std::collections::BTreeMap;

use crate::day::World;
use crate::find::Violation;
use crate::lock;

/// Requests a second, by method and by whether a record is named, as the manifest has them.
const SECOND: [(&str, bool, usize); 5] = [
    ("GET", false, 6),
    ("GET", true, 5),
    ("POST", false, 20),
    ("PUT", true, 5),
    ("DELETE", true, 5),
];
/// Requests a minute, all together.
const MINUTE: usize = 600;
/// A request whose turn came may meet a stream that takes so long to open.
const SLOW_MS: u64 = 200;

/// Judges all accounts.
pub fn judge(world: &World, found: &mut Vec<Violation>) {
    let mut times: BTreeMap<(usize, Option<usize>), Vec<u64>> = BTreeMap::new();
    for sent in lock(&world.network.sent).iter() {
        let (method, path) = sent.request.split_once(' ').unwrap_or_default();
        if !path.contains("/trackings") {
            continue;
        }
        let one = !path.ends_with("/trackings");
        let class = SECOND.iter().position(|(name, named, _)| *name == method && *named == one);
        times.entry((sent.account, class)).or_default().push(sent.at_ms);
        times.entry((sent.account, None)).or_default().push(sent.at_ms);
    }
    for ((account, class), times) in times {
        let (most, within_ms) = match class {
            Some(class) => (SECOND[class].2, 1_000 - SLOW_MS),
            None => (MINUTE, 60_000 - SLOW_MS),
        };
        let too_fast = times.windows(most + 1).find(|window| window[most] - window[0] < within_ms);
        if let Some(window) = too_fast {
            let what =
                format!("a{account:02} {class:?}: {} requests from {} ms on", most + 1, window[0]);
            found.push(Violation::new("I-7", what));
        }
    }
}
