//! [`Hosts`] in memory.

use std::collections::BTreeMap;

use super::{Memory, Rows, inbox, mirror};
use crate::hosts::{AT_ONCE, HostBeat, HostRow, HostShare, Hosts, plan};
use crate::{Answer, process_of};

/// Who works for what.
#[derive(Debug, Default, Clone)]
pub struct HostTables {
    /// By the names of their holders; how many connections each has is counted when it is read.
    hosts: BTreeMap<String, HostRow>,
    /// By connection: the holder of the host that works for it.
    claims: BTreeMap<String, String>,
}

impl HostTables {
    fn all(&self) -> Vec<HostRow> {
        let counted = |(holder, row): (&String, &HostRow)| {
            let connections = self.claims.values().filter(|host| *host == holder).count() as u64;
            HostRow { connections, ..row.clone() }
        };
        self.hosts.iter().map(counted).collect()
    }

    fn of(&self, holder: &str) -> impl DoubleEndedIterator<Item = &String> {
        self.claims.iter().filter(move |(_, host)| *host == holder).map(|(id, _)| id)
    }
}

impl Hosts for Memory {
    fn share(&self, beat: HostBeat) -> Answer<'_, HostShare> {
        self.write(move |rows, now_ms| {
            let of = |row: &&crate::ConnectionRow| row.connector == beat.connector;
            let connections: Vec<String> =
                rows.store.connections.values().filter(of).map(|row| row.id.clone()).collect();
            let plan = plan::share(&beat, &rows.hosts.all(), connections.len() as u64, now_ms);
            let tables = &mut rows.hosts;
            plan.gone.iter().for_each(|gone| drop(tables.hosts.remove(gone)));
            tables.hosts.insert(beat.holder.clone(), plan.row);
            let given: Vec<_> = tables.of(&beat.holder).rev().take(plan.give_up).cloned().collect();
            let is_free = |id: &&String| {
                let host = tables.claims.get(*id);
                host.is_none_or(|host| !tables.hosts.contains_key(host))
            };
            let taken: Vec<_> =
                connections.iter().filter(is_free).take(plan.take).cloned().collect();
            let moved = given.len().max(taken.len());
            for id in given {
                rows.hosts.claims.remove(&id);
                end_leases(rows, &id, &beat.holder);
            }
            for id in taken {
                let before = rows.hosts.claims.insert(id.clone(), beat.holder.clone());
                before.into_iter().for_each(|host| end_leases(rows, &id, &host));
            }
            let connections = rows.hosts.of(&beat.holder).cloned().collect();
            Ok(HostShare { connections, more: moved == AT_ONCE })
        })
    }

    fn leave(&self, holder: &str) -> Answer<'_, ()> {
        let holder = holder.to_owned();
        self.answer(move |rows| {
            rows.hosts.hosts.remove(&holder);
            Ok(())
        })
    }

    fn hosts(&self) -> Answer<'_, Vec<HostRow>> {
        self.write(|rows, now_ms| {
            let mut all = rows.hosts.all();
            all.retain(|host| host.lease.is_held(now_ms));
            all.sort_by(|a, b| (&a.name, &a.lease.attempt).cmp(&(&b.name, &b.lease.attempt)));
            Ok(all)
        })
    }
}

/// Ends the leases on a connection's work that the process of a host has.
fn end_leases(rows: &mut Rows, connection: &str, holder: &str) {
    let process = process_of(holder);
    mirror::end_leases(rows, connection, process);
    inbox::end_leases(rows, connection, process);
}

/// Removes what a connection had.
pub(super) fn erase(rows: &mut Rows, connection: &str) {
    rows.hosts.claims.remove(connection);
}
