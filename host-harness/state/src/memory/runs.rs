//! [`Runs`] in memory.

use super::Memory;
use crate::push::runs::{AT_ONCE, RunHold, RunLease, Runs, TakenRun, hold, is_left, let_go};
use crate::{Answer, Lease};

impl Runs for Memory {
    fn hold_run(&self, asked: RunHold) -> Answer<'_, bool> {
        self.write(move |rows, now_ms| {
            if !rows.push.runs.contains_key(&asked.run) {
                return Ok(false);
            }
            let held = hold(rows.push.leases.get(&asked.run), asked, now_ms);
            let is_held = held.is_some();
            rows.push.leases.extend(held.map(|held| (held.push.clone(), held)));
            Ok(is_held)
        })
    }

    fn let_go_run(&self, run: &str, attempt: &str, goes_on: bool) -> Answer<'_, ()> {
        let (run, attempt) = (run.to_owned(), attempt.to_owned());
        self.answer(move |rows| {
            let leases = &mut rows.push.leases;
            if leases.get(&run).is_some_and(|kept| kept.lease.attempt == attempt) {
                let left = leases.remove(&run).and_then(|kept| let_go(kept, goes_on));
                leases.extend(left.map(|left| (run, left)));
            }
            Ok(())
        })
    }

    fn take_run(
        &self,
        connector: &str,
        attempt: &str,
        for_ms: u64,
    ) -> Answer<'_, Option<TakenRun>> {
        let (connector, attempt) = (connector.to_owned(), attempt.to_owned());
        self.write(move |rows, now_ms| {
            let of = |it: &&RunLease| it.connector == connector;
            let mut first: Vec<_> = rows.push.leases.values().filter(of).cloned().collect();
            first.sort_by(|a, b| (a.lease.until_ms, &a.push).cmp(&(b.lease.until_ms, &b.push)));
            first.truncate(AT_ONCE as usize);
            first.retain(|it| !it.lease.is_held(now_ms));
            for kept in first {
                let run = rows.push.runs.get(&kept.push).cloned();
                let Some(row) = run.filter(|run| is_left(Some(run))) else {
                    rows.push.leases.remove(&kept.push);
                    continue;
                };
                let until_ms = now_ms.saturating_add(for_ms);
                let lease = Lease { attempt, until_ms };
                let policy = kept.policy.clone();
                rows.push.leases.insert(kept.push.clone(), RunLease { lease, ..kept });
                return Ok(Some(TakenRun { row, policy }));
            }
            Ok(None)
        })
    }
}
