//! Jobs that run as long as the program does: one that dies is begun again, and one request ends
//! all of them in order.
//!
//! | what happens | what follows |
//! |---|---|
//! | a job fails or panics | it is reported, and begun again after a pause: 1 s, doubled each time up to 60 s, and 1 s again after five minutes without trouble |
//! | a job returns `Ok` | it has ended for good |
//! | the end is requested | the jobs of each [`Stage`] are asked to end and waited for, stage by stage |
//! | a job is removed, or replaced by one of its name | it is dropped where it stands |
//! | the [`Supervisor`] is dropped | all jobs are dropped where they stand, and further ones refused |
//! | [`MOST`] jobs run | a further one is refused |

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::backoff::Backoff;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep};

use crate::lock;

/// Jobs that run at once: more than a process has connections.
pub const MOST: usize = 16_384;

/// Pauses before a job is begun again.
pub(crate) const FAILED: Backoff =
    Backoff::new(&[1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
/// A job that ran for so long without trouble begins with the first pause again.
const GOOD_AFTER: Duration = Duration::from_secs(300);

/// What is said of a job that panicked; the panic has been printed where it happened.
pub const PANICKED: &str = "a fault of this program, please report it";

/// Tells whether an end has been requested. Clones tell the same.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

/// Requests the end of everything that has its [`Shutdown`].
#[derive(Debug)]
pub struct ShutdownTrigger(watch::Sender<bool>);

/// When in a shutdown a job is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// First: it takes in what others work on.
    Receive,
    /// After those: it works on what was taken in.
    Work,
}

/// Why a job stopped, and when it is begun again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Its error, or [`PANICKED`].
    pub why: String,
    /// Time until then.
    pub pause: Duration,
}

/// Why a job was not begun.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotBegun {
    /// [`MOST`] jobs run.
    #[error("{MOST} jobs run already; more connections than that need another process")]
    TooMany,
    /// The supervisor is gone.
    #[error("the program is ending")]
    Ending,
}

/// Owns the jobs of a program, and ends them.
#[derive(Debug)]
pub struct Supervisor {
    jobs: Jobs,
    shutdown: Shutdown,
}

/// Begins and removes jobs of a [`Supervisor`]. Clones are of the same one.
#[derive(Debug, Clone)]
pub struct Jobs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    receive: ShutdownTrigger,
    work: ShutdownTrigger,
    /// By name; `None` when no more may begin.
    running: Mutex<Option<HashMap<String, AbortHandle>>>,
}

impl Shutdown {
    /// One that has not been requested, and what requests it.
    pub fn new() -> (ShutdownTrigger, Self) {
        let (to, requested) = watch::channel(false);
        (ShutdownTrigger(to), Self(requested))
    }

    /// Returns when the end has been requested.
    pub async fn requested(&self) {
        let mut requested = self.0.clone();
        if requested.wait_for(|requested| *requested).await.is_err() {
            // Nobody can request it any more.
            std::future::pending::<()>().await;
        }
    }

    /// The result of a job that is to run until the end is requested.
    ///
    /// # Errors
    /// When it was not requested: the job ended too early.
    pub fn ended(&self) -> Result<(), String> {
        if self.is_requested() { Ok(()) } else { Err("it came to an end".to_owned()) }
    }

    /// Whether the end has been requested.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }
}

impl ShutdownTrigger {
    /// Requests the end.
    pub fn request(&self) {
        self.0.send_replace(true);
    }
}

impl Supervisor {
    /// A supervisor without jobs; `shutdown` ends those that it will have.
    pub fn new(shutdown: Shutdown) -> Self {
        let ((receive, _), (work, _)) = (Shutdown::new(), Shutdown::new());
        let running = Mutex::new(Some(HashMap::new()));
        Self { jobs: Jobs(Arc::new(Shared { receive, work, running })), shutdown }
    }

    /// Where jobs are begun.
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// Waits until the end is requested, then ends the jobs in the order of their stages. Returns
    /// when all have ended.
    pub async fn run(&self) {
        self.shutdown.requested().await;
        for stage in [&self.jobs.0.receive, &self.jobs.0.work] {
            stage.request();
            // Each job holds a receiver until it has ended.
            stage.0.closed().await;
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let running = lock(&self.jobs.0.running).take();
        running.into_iter().flatten().for_each(|(_, job)| job.abort());
    }
}

impl Jobs {
    /// Keeps a job running: `start` begins it, first and again, and hands it what tells it to end.
    /// `report` hears of each failure.
    ///
    /// # Errors
    /// [`NotBegun`].
    pub fn keep<F>(
        &self,
        stage: Stage,
        name: &str,
        report: impl Fn(&Stopped) + Send + 'static,
        start: impl FnMut(Shutdown) -> F + Send + 'static,
    ) -> Result<(), NotBegun>
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let mut running = lock(&self.0.running);
        let running = running.as_mut().ok_or(NotBegun::Ending)?;
        if running.len() >= MOST && !running.contains_key(name) {
            running.retain(|_, job| !job.is_finished());
            if running.len() >= MOST {
                return Err(NotBegun::TooMany);
            }
        }
        let trigger = match stage {
            Stage::Receive => &self.0.receive,
            Stage::Work => &self.0.work,
        };
        let job = tokio::spawn(supervise(Shutdown(trigger.0.subscribe()), report, start));
        if let Some(before) = running.insert(name.to_owned(), job.abort_handle()) {
            before.abort();
        }
        Ok(())
    }

    /// Whether a job of this name runs, or is to be begun again.
    pub fn runs(&self, name: &str) -> bool {
        let running = lock(&self.0.running);
        running.as_ref().and_then(|all| all.get(name)).is_some_and(|job| !job.is_finished())
    }

    /// Drops the job of this name, if there is one.
    pub fn remove(&self, name: &str) {
        if let Some(job) = lock(&self.0.running).as_mut().and_then(|running| running.remove(name)) {
            job.abort();
        }
    }
}

/// Runs a job, again and again, until it has ended for good or after it was asked to.
async fn supervise<F>(
    shutdown: Shutdown,
    report: impl Fn(&Stopped),
    mut start: impl FnMut(Shutdown) -> F,
) where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let mut failures = 0_u32;
    // A task of its own, so that its panic is seen here; it ends with this future.
    let mut task = JoinSet::new();
    while !shutdown.is_requested() {
        task.spawn(start(shutdown.clone()));
        let began = Instant::now();
        let ended = task.join_next().await;
        if shutdown.is_requested() {
            return;
        }
        let why = match ended {
            Some(Ok(Err(why))) => why,
            Some(Err(_)) => PANICKED.to_owned(),
            Some(Ok(Ok(()))) | None => return,
        };
        failures = if began.elapsed() >= GOOD_AFTER { 1 } else { failures.saturating_add(1) };
        let pause = FAILED.pause(failures);
        report(&Stopped { why, pause });
        tokio::select! {
            biased;
            () = shutdown.requested() => {}
            () = sleep(pause) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    type Running = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

    /// A job that ends when it is asked to, and holds `alive` while it lives.
    fn living(alive: &Arc<()>) -> impl FnMut(Shutdown) -> Running + Send + use<> {
        let alive = Arc::clone(alive);
        move |stop| {
            let alive = Arc::clone(&alive);
            Box::pin(async move {
                stop.requested().await;
                drop(alive);
                Ok(())
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_dies_is_reported_and_begun_again_ever_later() {
        let (trigger, shutdown) = Shutdown::new();
        let supervisor = Supervisor::new(shutdown);
        let began = Instant::now();
        let starts = Arc::<Mutex<Vec<u64>>>::default();
        let reports = Arc::<Mutex<Vec<Stopped>>>::default();
        let (started, reported) = (Arc::clone(&starts), Arc::clone(&reports));
        let start = move |stop: Shutdown| {
            let mut starts = started.lock().unwrap();
            starts.push(began.elapsed().as_secs());
            let count = starts.len();
            async move {
                match count {
                    1 => panic!("on purpose"),
                    2 => return Err("no port".to_owned()),
                    3..9 => return stop.ended(),
                    // It goes well for long.
                    9 => sleep(GOOD_AFTER).await,
                    _ => stop.requested().await,
                }
                stop.ended()
            }
        };
        let report = move |stopped: &Stopped| reported.lock().unwrap().push(stopped.clone());
        supervisor.jobs().keep(Stage::Work, "receiving", report, start).unwrap();
        sleep(Duration::from_secs(1_000)).await;
        trigger.request();
        supervisor.run().await;
        assert_eq!(*starts.lock().unwrap(), [0, 1, 3, 7, 15, 31, 63, 123, 183, 484]);
        let reports = reports.lock().unwrap();
        assert_eq!(reports[0], Stopped { why: PANICKED.to_owned(), pause: FAILED.pause(1) });
        assert_eq!(reports[1], Stopped { why: "no port".to_owned(), pause: FAILED.pause(2) });
        assert_eq!(reports[2].why, "it came to an end");
        assert_eq!(reports.len(), 9, "its end on request is none");
    }

    #[tokio::test(start_paused = true)]
    async fn receivers_end_before_workers_are_asked_to() {
        let (trigger, shutdown) = Shutdown::new();
        let supervisor = Supervisor::new(shutdown);
        let order = Arc::<Mutex<Vec<&str>>>::default();
        for (stage, name) in [(Stage::Work, "worker"), (Stage::Receive, "receiver")] {
            let order = Arc::clone(&order);
            let start = move |stop: Shutdown| {
                let order = Arc::clone(&order);
                async move {
                    stop.requested().await;
                    order.lock().unwrap().push("asked");
                    // What is under way takes its time.
                    sleep(Duration::from_secs(3)).await;
                    order.lock().unwrap().push(name);
                    Ok(())
                }
            };
            supervisor.jobs().keep(stage, name, |_| {}, start).unwrap();
        }
        sleep(Duration::from_secs(1)).await;
        trigger.request();
        let began = Instant::now();
        supervisor.run().await;
        assert_eq!(*order.lock().unwrap(), ["asked", "receiver", "asked", "worker"]);
        assert_eq!(began.elapsed().as_secs(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_jobs_run_than_are_allowed() {
        let (_trigger, shutdown) = Shutdown::new();
        let supervisor = Supervisor::new(shutdown);
        let alive = Arc::new(());
        let begin = |name: &str| supervisor.jobs().keep(Stage::Work, name, |_| {}, living(&alive));
        for number in 0..MOST {
            begin(&number.to_string()).unwrap();
        }
        assert_eq!(begin("one more"), Err(NotBegun::TooMany));
        begin("7").expect("one that takes another's place is no more");
        supervisor.jobs().remove("8");
        begin("one more").unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_runs_on_after_the_end() {
        let (trigger, shutdown) = Shutdown::new();
        let alive = Arc::new(());
        let supervisor = Supervisor::new(shutdown.clone());
        let jobs = supervisor.jobs().clone();
        for name in ["a", "b", "b", "c"] {
            jobs.keep(Stage::Receive, name, |_| {}, living(&alive)).unwrap();
        }
        jobs.remove("c");
        jobs.keep(Stage::Work, "done", |_| {}, |_| async { Ok(()) }).unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(["a", "c", "done"].map(|name| jobs.runs(name)), [true, false, false]);
        // Each job has one for its starts, and one for what runs.
        assert_eq!(Arc::strong_count(&alive), 1 + 2 * 2, "b was replaced, c removed");
        trigger.request();
        supervisor.run().await;
        assert_eq!(Arc::strong_count(&alive), 1);

        // Neither does it when nobody waits for the end.
        let supervisor = Supervisor::new(Shutdown::new().1);
        let panics = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&panics);
        let report = move |_: &Stopped| {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        let jobs = supervisor.jobs().clone();
        jobs.keep(Stage::Work, "a", report, |_| async { panic!("on purpose") }).unwrap();
        jobs.keep(Stage::Work, "b", |_| {}, living(&alive)).unwrap();
        sleep(Duration::from_secs(100)).await;
        drop(supervisor);
        let before = panics.load(Ordering::Relaxed);
        sleep(Duration::from_secs(1_000)).await;
        assert_eq!((panics.load(Ordering::Relaxed), Arc::strong_count(&alive)), (before, 1));
        assert_eq!(jobs.keep(Stage::Work, "c", |_| {}, living(&alive)), Err(NotBegun::Ending));
    }
}
