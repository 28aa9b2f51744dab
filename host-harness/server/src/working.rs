//! Runs of pushes worked off: each by one host at a time, and gone on with by another when that one has died.

use std::sync::Arc;
use std::time::Duration;

use connector_service::jobs::{Stage, Stopped};
use connector_service::push::{OnConflict, Push, PushError};
use connector_state::push::runs::{RunHold, TakenRun};
use connector_state::{ConnectionRow, LeaseHolder, StoreError};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::app::Api;
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// For how long a host has a run, unless it extends that.
const LEASE_MS: u64 = 15_000;
/// How often runs are looked for whose host has died.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Such runs that are taken in one look.
const AT_ONCE: usize = 8;

/// Pushes to an object of a connection.
///
/// # Errors
/// When the connection cannot be made.
pub async fn pusher(app: &Api, row: &ConnectionRow, object: &str) -> Result<Push, Problem> {
    let connection = app.open(&row.name).await?.connection;
    let (intents, mirror) = (app.database.clone() as _, app.database.clone() as _);
    let key = app.vault.key(row)?;
    Ok(Push::new(connection, intents, mirror, app.clock(), &row.id, key, object).await?)
}

/// Whether this host works a run off now.
pub fn is_working(app: &Api, run: &str) -> bool {
    app.surroundings.jobs.runs(&job(run))
}

/// Works a run off as a job of this host, unless another host does. From now on another one goes on with
/// it when this one dies.
///
/// # Errors
/// When it cannot be begun.
pub async fn work(
    app: &Arc<Api>,
    push: Push,
    run: String,
    policy: OnConflict,
) -> Result<(), Problem> {
    // One that goes on is left alone.
    if app.surroundings.jobs.runs(&job(&run)) {
        return Ok(());
    }
    let holder = LeaseHolder::new();
    if !app.database.hold_run(hold(app, &run, policy, &holder)).await? {
        return Ok(());
    }
    keep(app, push, run, policy, holder)
}

/// Goes on with runs whose hosts have died, as long as it is polled.
pub async fn go_on(app: &Arc<Api>) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        for _ in 0..AT_ONCE {
            match take(app).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(why) => {
                    warn!(why = %why.detail, "pushes of hosts that have died are not gone on with");
                    break;
                }
            }
        }
    }
}

/// Takes one run, if there is one.
async fn take(app: &Arc<Api>) -> Result<bool, Problem> {
    let (connector, holder) = (&app.connector.manifest().name, LeaseHolder::new());
    let taken = app.database.take_run(connector, holder.name(), LEASE_MS).await?;
    let Some(TakenRun { row: run, policy }) = taken else { return Ok(false) };
    let begun = async {
        let name = app.names().await?.remove(&run.connection).unwrap_or_default();
        let row = app.row(&name).await?;
        let push = pusher(app, &row, &run.object).await?;
        // A word that is not known is of another version of this program.
        let policy = OnConflict::of(&policy).unwrap_or(OnConflict::Park);
        Ok::<_, Problem>((push, policy))
    };
    match begun.await {
        Ok((push, policy)) => {
            warn!(run = %run.id, "going on with a push of a host that has ended");
            keep(app, push, run.id, policy, holder)?;
        }
        // It waits for a person, or for `resume`.
        Err(why) => {
            warn!(run = %run.id, why = %why.detail, "a push cannot be gone on with");
            app.database.let_go_run(&run.id, holder.name(), false).await?;
        }
    }
    Ok(true)
}

fn job(run: &str) -> String {
    format!("pushing {run}")
}

fn hold(app: &Api, run: &str, policy: OnConflict, holder: &LeaseHolder) -> RunHold {
    RunHold {
        run: run.to_owned(),
        connector: app.connector.manifest().name.clone(),
        policy: policy.word().to_owned(),
        attempt: holder.name().to_owned(),
        for_ms: LEASE_MS,
    }
}

/// Works a run off that `holder` has.
fn keep(
    app: &Arc<Api>,
    push: Push,
    run: String,
    policy: OnConflict,
    holder: LeaseHolder,
) -> Result<(), Problem> {
    let (told, name) = (run.clone(), job(&run));
    let report = move |stopped: &Stopped| warn!(run = %told, why = %stopped.why, "a push stopped");
    let (own, mut first) = (Arc::clone(app), Some(holder));
    let begun = app.surroundings.jobs.keep(Stage::Work, &name, report, move |stop| {
        let (app, push, run) = (Arc::clone(&own), push.clone(), run.clone());
        let holder = first.take().unwrap_or_else(LeaseHolder::new);
        async move {
            let hold = hold(&app, &run, policy, &holder);
            let work = Box::pin(push.run(&run, policy, |_| {}));
            let (ended, goes_on) = tokio::select! {
                ended = work => match ended {
                    // What waits for the provider or a person is gone on with by `resume`.
                    Ok(_) | Err(PushError::Stopped(_)) => (Ok(()), false),
                    // It was removed, or its connection was.
                    Err(PushError::Store(StoreError::NoPush(_) | StoreError::NoConnection(_))) => (Ok(()), false),
                    Err(why) => (Err(why.to_string()), true),
                },
                () = lost(&app, &hold) => return Ok(()),
                () = stop.requested() => (Ok(()), true),
            };
            // Without it another host waits until the lease is over.
            let _ = app.database.let_go_run(&run, holder.name(), goes_on).await;
            ended
        }
    });
    begun
        .map_err(|why| Problem::new(ProblemKind::Unavailable, ProblemSource::Host, why.to_string()))
}

/// Extends the lease of a run, until another host has it.
async fn lost(app: &Api, hold: &RunHold) {
    let mut renewal = interval(Duration::from_millis(LEASE_MS / 3));
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        renewal.tick().await;
        // While the state is away nobody else takes it either.
        if let Ok(false) = app.database.hold_run(hold.clone()).await {
            return;
        }
    }
}
