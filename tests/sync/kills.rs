//! A pull that is cut anywhere: what is kept and what comes later is the whole, once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use host_harness::mirror::{ChangeKind, Mirror as _};

use super::mirrored::{DUE, Mirrored, OBJECT};
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
    let mut cuts = 0;
    for polls in 0.. {
        let mut mirrored = Mirrored::with(&connector, 45, |_| {}).await;
        let pull = mirrored.pull();
        let ended = Cut { future: Box::pin(pull.run(&DUE)), polls }.await;
        drop(pull);
        let pages = match ended {
            Some(ended) => {
                ended.unwrap();
                break;
            }
            None => {
                mirrored.reopen();
                let scans = mirrored.database().scans(&mirrored.connection).await.unwrap();
                scans.first().map_or(0, |scan| if scan.running { scan.pages } else { 0 })
            }
        };
        let report = mirrored.sync(DUE).await;
        assert_eq!(report.resumed, pages > 0, "after {polls}");
        mirrored.assert_true().await;
        let created = mirrored.changes_of(ChangeKind::Created).await;
        assert_eq!(created.len(), 45, "after {polls}");
        assert_eq!(mirrored.kept(OBJECT).await.len(), 45, "after {polls}");
        cuts += 1;
    }
    assert!(cuts > 40, "{cuts}");
    eprintln!("cut at {cuts} steps");
}
