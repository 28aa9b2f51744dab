//! Tasks of programs that run long: one that ends before its time is told of and begun again.

use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::errors::in_one;
use super::output::{duration, lines};
use super::shutdown::Shutdown;

/// First pause before something is begun again; it doubles each time ...
const FIRST: Duration = Duration::from_secs(1);
/// ... up to this.
const LONGEST: Duration = Duration::from_secs(60);
/// What ran for so long without trouble begins with the first pause again.
const GOOD_AFTER: Duration = Duration::from_secs(300);

/// What is said of a task that panicked; the panic has been printed where it happened.
pub const PANICKED: &str = "a fault of this program, please report it";

/// How long to leave alone what keeps failing.
#[derive(Debug, Default)]
pub struct Pauses(u32);

impl Pauses {
    /// The next pause, after a try that ran for this time.
    pub fn after(&mut self, ran: Duration) -> Duration {
        if ran >= GOOD_AFTER {
            self.0 = 0;
        }
        let pause = FIRST.saturating_mul(1 << self.0.min(16)).min(LONGEST);
        self.0 = self.0.saturating_add(1);
        pause
    }
}

/// Keeps a task running until the program is asked to end: `start` begins it, first and again.
/// Returns when the task has ended after that.
pub async fn supervise<F>(
    what: &str,
    shutdown: Shutdown,
    say: impl Fn(&str),
    mut start: impl FnMut() -> F,
) where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let mut pauses = Pauses::default();
    // Ends with this future.
    let mut task = JoinSet::new();
    loop {
        task.spawn(start());
        let began = Instant::now();
        let ended = task.join_next().await;
        if shutdown.is_requested() {
            return;
        }
        let why = match ended {
            Some(Ok(Err(why))) => lines(&in_one(&why)),
            Some(Err(_)) => PANICKED.to_owned(),
            Some(Ok(Ok(()))) | None => "it came to an end".to_owned(),
        };
        let pause = pauses.after(began.elapsed());
        say(&format!("{what} stopped: {why}; it begins again in {}", duration(pause)));
        tokio::select! {
            () = sleep(pause) => {}
            () = shutdown.requested() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::shutdown::tests::by_hand;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_dies_is_told_of_and_begun_again_ever_later() {
        let (stop, shutdown) = by_hand();
        let began = Instant::now();
        let starts = Arc::<Mutex<Vec<u64>>>::default();
        let said = Mutex::new(vec![]);
        let stopped = shutdown.clone();
        let start = || {
            let mut starts = starts.lock().unwrap();
            starts.push(began.elapsed().as_secs());
            let (count, stopped) = (starts.len(), stopped.clone());
            async move {
                match count {
                    1 => panic!("on purpose"),
                    2 => anyhow::bail!("no port"),
                    3..9 => return Ok(()),
                    // It goes well for long.
                    9 => sleep(GOOD_AFTER).await,
                    _ => stopped.requested().await,
                }
                Ok(())
            }
        };
        let say = |text: &str| said.lock().unwrap().push(text.to_owned());
        let running = supervise("receiving", shutdown, say, start);
        let ending = async {
            sleep(Duration::from_secs(1_000)).await;
            stop.send_replace(true);
        };
        tokio::join!(running, ending);
        assert_eq!(*starts.lock().unwrap(), [0, 1, 3, 7, 15, 31, 63, 123, 183, 484]);
        let said = said.into_inner().unwrap();
        assert!(said[0].starts_with("receiving stopped: a fault of this program"), "{}", said[0]);
        assert_eq!(said[1], "receiving stopped: no port; it begins again in 2.0 s");
        assert_eq!(said.len(), 9, "its end on request is none");
    }
}
