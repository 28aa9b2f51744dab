//! What this host works for, among all hosts that share a state.
//!
//! | what happens | what follows |
//! |---|---|
//! | this host runs | it says so every three seconds, and works for the connections of its share |
//! | it cannot say so for ten seconds | it works for none until it can: others may have taken them |
//! | it ends in order | it gives them up at once |
//! | another host comes, ends or dies | shares are counted anew, within three seconds of that being known |
//!
//! A scan that a host goes on with after it has lost the connection is refused by the state; what else
//! it does does no harm ([`connector_state::hosts`]).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use connector_state::LeaseHolder;
use connector_state::hosts::{HostBeat, Hosts};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::jobs::{Jobs, NotBegun, Shutdown, Stage, Stopped};

/// For so long a host counts as there.
const LEASE: Duration = Duration::from_secs(10);
/// How often it says that it is.
const EVERY: Duration = Duration::from_secs(3);

/// What people should know of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName {
    /// What they call it.
    pub name: String,
    /// Which version of the program it runs.
    pub version: String,
    /// Name of the connector whose connections it works for.
    pub connector: String,
}

/// The connections that this host works for. Clones tell the same.
#[derive(Debug, Clone)]
pub struct WorkShare(Option<watch::Receiver<Arc<BTreeSet<String>>>>);

impl WorkShare {
    /// All connections, for a program that shares nothing out.
    #[must_use]
    pub fn all() -> Self {
        Self(None)
    }

    /// Whether other hosts may work for some.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.is_some()
    }

    /// Whether it works for the connection with this id.
    #[must_use]
    pub fn includes(&self, id: &str) -> bool {
        self.0.as_ref().is_none_or(|share| share.borrow().contains(id))
    }

    /// Returns when it has changed since this clone last returned from here.
    pub async fn changed(&mut self) {
        let changed = match &mut self.0 {
            Some(share) => share.changed().await,
            None => std::future::pending().await,
        };
        if changed.is_err() {
            // The job was dropped with everything else.
            std::future::pending::<()>().await;
        }
    }
}

/// Takes part among the hosts of a state, by a job. `report` hears of each failure.
///
/// # Errors
/// [`NotBegun`].
pub fn keep(
    jobs: &Jobs,
    hosts: Arc<dyn Hosts>,
    host: HostName,
    report: impl Fn(&Stopped) + Send + 'static,
) -> Result<WorkShare, NotBegun> {
    let (to, share) = watch::channel(Arc::default());
    let to = Arc::new(to);
    jobs.keep(Stage::Work, "sharing the work", report, move |stop| {
        take_part(Arc::clone(&hosts), host.clone(), Arc::clone(&to), stop)
    })?;
    Ok(WorkShare(Some(share)))
}

/// Says that the host is there, again and again.
async fn take_part(
    hosts: Arc<dyn Hosts>,
    host: HostName,
    to: Arc<watch::Sender<Arc<BTreeSet<String>>>>,
    stop: Shutdown,
) -> Result<(), String> {
    let holder = LeaseHolder::new();
    let beat = HostBeat {
        holder: holder.name().to_owned(),
        name: host.name,
        version: host.version,
        connector: host.connector,
        for_ms: u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX),
    };
    let mut until = Instant::now() + LEASE;
    let ended = loop {
        let asked = Instant::now();
        let answer = tokio::select! {
            biased;
            () = stop.requested() => break Ok(()),
            answer = timeout_at(until, hosts.share(beat.clone())) => answer,
        };
        let more = match answer {
            Ok(Ok(share)) => {
                until = asked + LEASE;
                publish(&to, share.connections);
                share.more
            }
            Ok(Err(why)) if Instant::now() >= until => break Err(why.to_string()),
            Ok(Err(_)) => false,
            Err(_) => break Err("the state does not answer".to_owned()),
        };
        if more {
            continue;
        }
        tokio::select! {
            biased;
            () = stop.requested() => break Ok(()),
            () = sleep(EVERY) => {}
            () = sleep_until(until) => {}
        }
    };
    publish(&to, BTreeSet::new());
    if ended.is_ok() {
        let left = timeout_at(Instant::now() + LEASE, hosts.leave(holder.name())).await;
        // Its lease ends by itself too.
        drop(left);
    }
    ended
}

fn publish(to: &watch::Sender<Arc<BTreeSet<String>>>, connections: BTreeSet<String>) {
    to.send_if_modified(|now| {
        let is_new = **now != connections;
        if is_new {
            *now = Arc::new(connections);
        }
        is_new
    });
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use connector_contract::clock::TokioClock;
    use connector_state::conformance::{START_S, connection};
    use connector_state::memory::{Halt, Memory};
    use connector_state::{Change, Store as _};

    use super::*;
    use crate::jobs::{ShutdownTrigger, Supervisor};

    /// A host with its own way to the state.
    struct OneHost {
        state: Arc<Memory>,
        share: WorkShare,
        trigger: ShutdownTrigger,
        supervisor: Supervisor,
    }

    async fn state() -> Arc<Memory> {
        let start = UNIX_EPOCH + Duration::from_secs(START_S);
        let clock = Arc::new(TokioClock::starting_at(start));
        let state = Memory::open(&Arc::default(), &Halt::at(None), clock);
        let rows = (0..6).map(|number| Change::PutConnection(connection(&format!("c{number}"))));
        state.commit(rows.collect()).await.unwrap();
        state
    }

    fn begin(state: &Arc<Memory>, name: &str) -> OneHost {
        let state = state.again();
        let (trigger, shutdown) = Shutdown::new();
        let supervisor = Supervisor::new(shutdown);
        let host = HostName {
            name: name.to_owned(),
            version: "1".to_owned(),
            connector: "orders".to_owned(),
        };
        let share = keep(supervisor.jobs(), Arc::clone(&state) as _, host, |_| {}).unwrap();
        OneHost { state, share, trigger, supervisor }
    }

    impl OneHost {
        fn count(&self) -> usize {
            let ids = (0..6).map(|number| format!("id-of-c{number}"));
            ids.filter(|id| self.share.includes(id)).count()
        }
    }

    async fn pass(seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_share_the_work_and_take_over_from_one_another() {
        let state = state().await;
        let mut first = begin(&state, "first");
        first.share.changed().await;
        assert_eq!(first.count(), 6, "alone it works for all at once");
        let second = begin(&state, "second");
        let third = begin(&state, "third");
        pass(7).await;
        assert_eq!([&first, &second, &third].map(OneHost::count), [2, 2, 2]);
        // One ends in order.
        second.trigger.request();
        second.supervisor.run().await;
        assert_eq!(second.count(), 0);
        pass(4).await;
        assert_eq!([&first, &third].map(OneHost::count), [3, 3]);
        // One dies: its leases end with its process, which is this one here.
        drop(third.supervisor);
        pass(4).await;
        assert_eq!(first.count(), 6);
        assert!(WorkShare::all().includes("whatever"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_cannot_reach_the_state_works_for_nothing() {
        let state = state().await;
        let first = begin(&state, "first");
        pass(1).await;
        first.state.fail(2);
        pass(8).await;
        assert_eq!(first.count(), 6, "a short trouble changes nothing");
        first.state.fail(9);
        pass(12).await;
        assert_eq!(first.count(), 0);
        pass(60).await;
        assert_eq!(first.count(), 6);
    }
}
