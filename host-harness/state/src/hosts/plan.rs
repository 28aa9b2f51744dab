//! Who is there, and how many connections each works for. Pure.

use super::{AT_ONCE, HostBeat, HostRow};
use crate::Lease;

/// What becomes of a host that says that it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharePlan {
    /// Its row from now on.
    pub row: HostRow,
    /// Hosts that are gone, by the names of their holders: forgotten with this step.
    pub gone: Vec<String>,
    /// So many connections it gives up.
    pub give_up: usize,
    /// So many free connections it takes, if there are so many.
    pub take: usize,
}

/// Decides on a beat at `now_ms`, by all hosts that are kept and the number of connections of the
/// connector. The first hosts by the names of their holders have one more where they do not divide
/// evenly, so all hosts come to the same shares.
#[must_use]
pub fn share(beat: &HostBeat, hosts: &[HostRow], connections: u64, now_ms: u64) -> SharePlan {
    let lease =
        Lease { attempt: beat.holder.clone(), until_ms: now_ms.saturating_add(beat.for_ms) };
    let (mut gone, mut before, mut others) = (vec![], 0, 0);
    for host in hosts.iter().filter(|host| host.lease.attempt != beat.holder) {
        if !host.lease.blocks(&lease, now_ms) {
            gone.push(host.lease.attempt.clone());
        } else if host.connector == beat.connector {
            others += 1;
            before += u64::from(host.lease.attempt < beat.holder);
        }
    }
    let old = hosts.iter().find(|host| host.lease.attempt == beat.holder);
    let (had, began_ms) = old.map_or((0, now_ms), |old| (old.connections, old.began_ms));
    let all = others + 1;
    let share = connections / all + u64::from(before < connections % all);
    let (give_up, take) = (had.saturating_sub(share), share.saturating_sub(had));
    let at_once = |count: u64| usize::try_from(count).unwrap_or(AT_ONCE).min(AT_ONCE);
    let row = HostRow {
        lease,
        name: beat.name.clone(),
        version: beat.version.clone(),
        connector: beat.connector.clone(),
        began_ms,
        connections: had,
    };
    SharePlan { row, gone, give_up: at_once(give_up), take: at_once(take) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn host(holder: &str, until_ms: u64, connections: u64) -> HostRow {
        HostRow {
            lease: Lease { attempt: holder.to_owned(), until_ms },
            name: holder.to_owned(),
            version: "1".to_owned(),
            connector: "orders".to_owned(),
            began_ms: 5,
            connections,
        }
    }

    fn planned(holder: &str, hosts: &[HostRow], connections: u64) -> SharePlan {
        let beat = HostBeat {
            holder: holder.to_owned(),
            name: holder.to_owned(),
            version: "1".to_owned(),
            connector: "orders".to_owned(),
            for_ms: 10_000,
        };
        share(&beat, hosts, connections, NOW)
    }

    #[test]
    fn shares_add_up_and_differ_by_one_at_most() {
        for count in 1..9_u32 {
            let names: Vec<String> = (0..count).map(|number| format!("h{number}")).collect();
            let hosts: Vec<_> = names.iter().map(|name| host(name, NOW + 1, 0)).collect();
            for connections in [0, 1, 7, 8, 9, 200] {
                let takes = names.iter().map(|name| planned(name, &hosts, connections).take as u64);
                let takes: Vec<u64> = takes.collect();
                assert_eq!(takes.iter().sum::<u64>(), connections);
                let most = takes.iter().max().unwrap() - takes.iter().min().unwrap();
                assert!(most <= 1, "{takes:?}");
            }
        }
    }

    #[test]
    fn hosts_that_are_gone_have_no_share() {
        let hosts = [host("a", NOW + 10_000, 5), host("b", NOW, 5), host("c", NOW + 10_001, 0)];
        let plan = planned("a", &hosts, 10);
        assert_eq!(plan.gone, ["b", "c"], "one is over, one was told by a clock that was set back");
        assert_eq!((plan.give_up, plan.take), (0, 5));
        assert_eq!(plan.row, host("a", NOW + 10_000, 5));
        let other = HostRow { connector: "parcels".to_owned(), ..host("d", NOW + 1, 3) };
        let plan = planned("n", &[hosts[0].clone(), other], 7);
        assert_eq!((plan.gone.len(), plan.take, plan.row.began_ms), (0, 3, NOW));
        assert_eq!(planned("a", &[hosts[0].clone(), host("z", NOW + 1, 0)], 4).give_up, 3);
    }

    #[test]
    fn a_step_is_bounded() {
        let plan = planned("a", &[], 1_200);
        assert_eq!(plan.take, AT_ONCE);
        let plan = planned("a", &[host("a", NOW + 1, 1_200)], 100);
        assert_eq!(plan.give_up, AT_ONCE);
    }
}
