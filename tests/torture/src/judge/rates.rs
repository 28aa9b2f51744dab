//! How fast requests were sent, over all hosts.

use std::collections::BTreeMap;

use host_harness::contract::permissions::{Endpoint, Measure, Rate};

use crate::day::World;
use crate::find::Violation;
use crate::lock;

/// A request whose turn came may meet a stream that takes so long to open.
const SLOW_MS: u64 = 200;

/// Judges all accounts by the limits that the manifest declares.
pub fn judge(world: &World, found: &mut Vec<Violation>) {
    let manifest = world.engine.connector.manifest();
    let rates: BTreeMap<&str, &Rate> = manifest
        .limits
        .iter()
        .filter_map(|limit| match &limit.measure {
            Measure::Requests(rate) => Some((limit.name.as_str(), rate)),
            Measure::Points(_) | Measure::AtOnce(_) => None,
        })
        .collect();
    let mut times: BTreeMap<(usize, &str), Vec<u64>> = BTreeMap::new();
    for sent in lock(&world.network.sent).iter() {
        let (method, path) = sent.request.split_once(' ').unwrap_or_default();
        let endpoints = manifest.endpoints.iter();
        let endpoint = { endpoints }.find(|endpoint| is_at(endpoint, method, path));
        for name in endpoint.iter().flat_map(|endpoint| &endpoint.limits) {
            times.entry((sent.account, name)).or_default().push(sent.at_ms);
        }
    }
    for ((account, name), times) in times {
        let Some(rate) = rates.get(name) else { continue };
        let (most, within_ms) = (rate.amount as usize, u64::from(rate.window_ms) - SLOW_MS);
        let too_fast = times.windows(most + 1).find(|window| window[most] - window[0] < within_ms);
        if let Some(window) = too_fast {
            let what =
                format!("a{account:02} {name}: {} requests from {} ms on", most + 1, window[0]);
            found.push(Violation::new("I-7", what));
        }
    }
}

/// Whether a request is to this endpoint: `*` stands for one segment, a last `**` for any rest.
fn is_at(endpoint: &Endpoint, method: &str, path: &str) -> bool {
    if endpoint.method != method || endpoint.path.is_empty() {
        return false;
    }
    let (mut wanted, mut there) = (endpoint.path.split('/'), path.split('/'));
    loop {
        match (wanted.next(), there.next()) {
            (None, None) | (Some("**"), _) => return true,
            (Some("*"), Some(_)) => {}
            (one, other) if one == other => {}
            _ => return false,
        }
    }
}
