//! A pull that is cut anywhere: what is kept and what comes later is the whole, once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use host_harness::mirror::{ChangeKind, Mirror as _};

use super::mirrored::{DUE, Mirrored};
use crate::support::{component, runtime};

/// Lets a future go on for so many polls.
struct Cut<F> {
    future: Pin<Box<F>>,
    polls: usize,
}

impl<F: Future> Future for Cut<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.future.as_mut().poll(context).map(Some)
    }
}

/// Each step between two of them is a request, an answer, a call of the connector or one of the
/// database: all points at which a process can end.
#[tokio::test(start_paused = true)]
async fn cut_at_every_step_of_a_scan_of_five_pages() {
    let connector = runtime().load(&component()).await.unwrap();
    // How many polls it takes differs a little from run to run: what blocks is on other threads.
    let (mut cuts, mut whole) = (0, 0);
    for polls in 0.. {
        let mut mirrored = Mirrored::with(&connector, 45, |_| {}).await;
        if cut(&mirrored, polls).await {
            mirrored.assert_true().await;
            whole += 1;
            if whole == 4 {
                break;
            }
            continue;
        }
        mirrored.reopen();
        let first = under_way(&mirrored).await;
        // The run that goes on is cut as well, somewhere else.
        let polls_more = polls * 7 % 31;
        let ended = cut(&mirrored, polls_more).await;
        mirrored.reopen();
        let second = under_way(&mirrored).await;
        // At the end of its pages the scan is not under way any more, and only its sweep is left.
        let at_end = mirrored.database().scans(&mirrored.connection).await.unwrap();
        let at_end = at_end.first().is_some_and(|scan| scan.completed_ms.is_some());
        assert!(ended || at_end || second >= first, "after {polls} and {polls_more}");
        let report = mirrored.sync(DUE).await;
        assert_eq!(report.resumed, second > 0, "after {polls} and {polls_more}");
        mirrored.assert_true().await;
        let created = mirrored.changes_of(ChangeKind::Created).await;
        assert_eq!(created.len(), 45, "after {polls} and {polls_more}");
        cuts += 1;
    }
    assert!(cuts > 15, "{cuts}");
    eprintln!("cut at {cuts} steps, and again at another");
}

/// Runs for so many polls. Answers whether that was enough.
async fn cut(mirrored: &Mirrored, polls: usize) -> bool {
    let pull = mirrored.pull();
    let run = Cut { future: Box::pin(pull.run(&DUE)), polls };
    let ended = run.await;
    ended.map(Result::unwrap).is_some()
}

/// Pages that are committed of the scan that was cut.
async fn under_way(mirrored: &Mirrored) -> u64 {
    let scans = mirrored.database().scans(&mirrored.connection).await.unwrap();
    scans.first().map_or(0, |scan| if scan.running { scan.pages } else { 0 })
}
