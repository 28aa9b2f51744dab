//! A process that is killed at every call of its host, and another one that goes on.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use aftership_simulator::Simulator;
use host_harness::egress::{Connect, Pending, Resolve, Stream};
use host_harness::journal::{Journal as _, JournalKind};
use host_harness::mirror::{Applied, Batch};
use host_harness::push::{
    Claimed, Decided, Decision, Holder, IntentEnd, IntentRow, IntentState, Intents, Mode,
    OnConflict, PushRow, Sent,
};
use host_harness::store::Answer;
use host_harness::store::Sqlite;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::sync::Notify;

use super::conflicts::changed_there;
use super::shop::{Process, Shop, assert_no_echo, ends, run, wish};

/// Counts the calls that leave the engine: to the store, and bytes to the network.
#[derive(Default)]
struct Calls {
    count: AtomicUsize,
    /// The call that kills, from 1; 0: none.
    fatal: usize,
    /// After the call was made, instead of before.
    after: bool,
    killed: Notify,
}

impl Calls {
    /// Whether this call is the last.
    fn is_fatal(&self) -> bool {
        self.count.fetch_add(1, Ordering::SeqCst) + 1 == self.fatal
    }

    async fn around<T>(&self, call: Answer<'_, T>) -> Result<T, host_harness::store::StoreError> {
        if !self.is_fatal() {
            return call.await;
        }
        if self.after {
            let _ = call.await;
        }
        self.killed.notify_one();
        std::future::pending().await
    }
}

/// A store whose calls are counted.
struct Counted(Arc<Sqlite>, Arc<Calls>);

impl Intents for Counted {
    fn begin(&self, run: PushRow) -> Answer<'_, ()> {
        Box::pin(self.1.around(self.0.begin(run)))
    }
    fn add(&self, items: Vec<IntentRow>) -> Answer<'_, ()> {
        Box::pin(self.1.around(self.0.add(items)))
    }
    fn seal(&self, run: &str, digest: [u8; 32]) -> Answer<'_, String> {
        Box::pin(self.1.around(self.0.seal(run, digest)))
    }
    fn run(&self, run: &str) -> Answer<'_, Option<PushRow>> {
        Intents::run(&*self.0, run)
    }
    fn pushes(&self, connection: Option<&str>) -> Answer<'_, Vec<PushRow>> {
        self.0.pushes(connection)
    }
    fn intents(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        self.0.intents(run, from, limit)
    }
    fn claim(&self, item: &Holder, for_ms: u64) -> Answer<'_, Claimed> {
        Box::pin(self.1.around(self.0.claim(item, for_ms)))
    }
    fn hold(&self, item: &Holder, key: &str, for_ms: u64) -> Answer<'_, Option<u64>> {
        Box::pin(self.1.around(self.0.hold(item, key, for_ms)))
    }
    fn sending(&self, item: &Holder, sent: Sent, id: Option<&str>) -> Answer<'_, ()> {
        Box::pin(self.1.around(self.0.sending(item, sent, id)))
    }
    fn end(
        &self,
        item: &Holder,
        end: IntentEnd,
        batch: Option<Batch>,
    ) -> Answer<'_, Option<Applied>> {
        Box::pin(self.1.around(self.0.end(item, end, batch)))
    }
    fn discard(&self, run: &str) -> Answer<'_, bool> {
        self.0.discard(run)
    }

    fn conflicts(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        self.0.conflicts(run, from, limit)
    }
    fn decide(
        &self,
        run: &str,
        items: Vec<(u64, [u8; 32])>,
        decision: Decision,
    ) -> Answer<'_, Vec<Decided>> {
        Box::pin(self.1.around(self.0.decide(run, items, decision)))
    }
    fn renew(&self, owner: &str, for_ms: u64) -> Answer<'_, ()> {
        self.0.renew(owner, for_ms)
    }
    fn forget(&self, run: &str) -> Answer<'_, ()> {
        self.0.forget(run)
    }
}

/// The simulator, over streams whose writes are counted.
struct Wire(Simulator, Arc<Calls>);

impl Resolve for Wire {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) })
    }
}

impl Connect for Wire {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, _: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        let (ours, theirs) = duplex(256 * 1024);
        let (simulator, calls) = (self.0.clone(), Arc::clone(&self.1));
        tokio::spawn(async move { simulator.serve_stream(theirs).await });
        Box::pin(async move { Ok(Box::new(Line { inner: ours, calls, cut: false }) as _) })
    }
}

struct Line {
    inner: DuplexStream,
    calls: Arc<Calls>,
    /// Nothing comes through any more.
    cut: bool,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut {
            // What was sent is on its way: the other side answers, and nobody hears it.
            let before = buffer.filled().len();
            if Pin::new(&mut self.inner).poll_read(context, buffer).is_ready() {
                buffer.set_filled(before);
                self.calls.killed.notify_one();
            }
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.cut && self.calls.is_fatal() {
            self.cut = true;
            if !self.calls.after {
                self.calls.killed.notify_one();
                return Poll::Pending;
            }
        }
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// Ten items: new ones, one that is there as wished, two that are there otherwise.
fn lines() -> Vec<Value> {
    (0..10).map(|n| wish(&format!("AAAA-{n}"), "new")).collect()
}

async fn prepared() -> Shop {
    let shop = Shop::new().await;
    let process = shop.process().await;
    let before = [wish("AAAA-0", "new"), wish("AAAA-1", "old"), wish("AAAA-2", "old")];
    process.run(&before, Mode::Upsert).await;
    shop
}

/// Works until the fatal call. Answers whether it came, and how many calls there were.
async fn until_killed(
    shop: &Shop,
    fatal: usize,
    after: bool,
    work: impl AsyncFnOnce(&Process, Arc<dyn Intents>),
) -> (bool, usize) {
    let calls = Arc::new(Calls { fatal, after, ..Calls::default() });
    let wire = Wire(shop.simulator.clone(), Arc::clone(&calls));
    let process = shop.process_over(Arc::new(wire)).await;
    let store = Counted(Arc::clone(&process.store), Arc::clone(&calls));
    let killed = tokio::select! {
        biased;
        () = calls.killed.notified() => true,
        () = work(&process, Arc::new(store)) => false,
    };
    (killed, calls.count.load(Ordering::SeqCst))
}

/// Pushes all lines.
async fn push_all(process: &Process, intents: Arc<dyn Intents>) {
    let push = process.push_by("trackings", intents).await;
    let ran = run(&push, &lines(), Mode::Upsert, OnConflict::Fail).await;
    assert_eq!(ran.unwrap().0.done, 10);
}

#[tokio::test(start_paused = true)]
async fn a_kill_at_any_call_loses_nothing_and_makes_nothing_twice() {
    let (killed, calls) = until_killed(&prepared().await, 0, false, push_all).await;
    assert!(!killed && calls > 40, "{calls} calls");
    let mut kills = 0;
    for fatal in 1..=calls {
        for after in [false, true] {
            let shop = prepared().await;
            let (killed, _) = until_killed(&shop, fatal, after, push_all).await;
            kills += usize::from(killed);
            let process = shop.process().await;
            let (summary, told) = process.run(&lines(), Mode::Upsert).await;
            let told = ends(&told);
            assert_eq!(summary.done, 10, "call {fatal}, after {after}: {told:?}");
            let there = shop.trackings();
            assert_eq!(there.len(), 10, "call {fatal}, after {after}");
            assert!(there.values().all(|one| one["title"] == "new"));
            // Nothing that was made was refused as a second one, or changed twice.
            let well = |method: &str, status: u16| {
                let journal = shop.simulator.journal().into_iter();
                journal.filter(|one| one.method == method && one.status == Some(status)).count()
            };
            assert_eq!((well("POST", 201), well("PUT", 200)), (10, 2), "{fatal}, {after}");
            assert_no_echo(&process.pull().await);
            assert!(process.changes().await.iter().all(|change| change.ours), "{fatal}, {after}");
        }
    }
    println!("{kills} kills at {calls} calls of ten items: nothing lost, nothing twice");
    assert!(kills > calls, "{kills} of {calls}");
}

/// A run of which one item waits for a decision.
async fn parked() -> (Shop, String) {
    let (shop, process, _) = changed_there().await;
    let lines = [wish("AAAA-1", "b")];
    let parked = process.run_to("trackings", &lines, Mode::Upsert, OnConflict::Park).await;
    let run = parked.unwrap().1.remove(0).run;
    (shop, run)
}

/// Decides, and carries it out. Answers what came of the decision, where it waited.
async fn decide(
    process: &Process,
    intents: Arc<dyn Intents>,
    run: &str,
    decision: Decision,
) -> Option<Decided> {
    let open = intents.conflicts(run, 0, 1).await.unwrap().pop();
    let mut decided = None;
    if let Some(theirs) = open.and_then(|item| item.conflict).map(|conflict| conflict.theirs) {
        decided = intents.decide(run, vec![(0, theirs)], decision).await.unwrap().pop();
    }
    let push = process.push_by("trackings", intents).await;
    push.run(run, OnConflict::Fail, |_| {}).await.unwrap();
    decided
}

#[tokio::test(start_paused = true)]
async fn a_decision_survives_a_kill_at_any_call_and_is_carried_out_once() {
    for (decision, changes) in [(Decision::Ours, 1), (Decision::Theirs, 0)] {
        let kill = async |fatal, after| {
            let (shop, run) = parked().await;
            let ended = until_killed(&shop, fatal, after, async |process, intents| {
                assert_eq!(decide(process, intents, &run, decision).await, Some(Decided::Now));
            });
            (ended.await, shop, run)
        };
        let ((killed, calls), ..) = kill(0, false).await;
        assert!(!killed && calls >= 4, "{calls} calls");
        for fatal in 1..=calls {
            for after in [false, true] {
                let ((killed, _), shop, run) = kill(fatal, after).await;
                let process = shop.process().await;
                decide(&process, Arc::clone(&process.store) as _, &run, decision).await;
                let at = format!("{decision:?}, call {fatal}, after {after}, killed {killed}");
                let item = process.store.intents(&run, 0, 1).await.unwrap().remove(0);
                assert_eq!((item.state, item.conflict_ms), (IntentState::Done, None), "{at}");
                assert_eq!(item.decision, Some(decision), "{at}");
                let title = if changes > 0 { "b" } else { "theirs" };
                assert_eq!(shop.trackings()["AAAA-1"]["title"], title, "{at}");
                let journal = shop.simulator.journal().into_iter();
                let sent = journal.filter(|one| one.method == "PUT" && one.status == Some(200));
                assert_eq!(sent.count(), changes, "{at}");
                assert_no_echo(&process.pull().await);
                let decided = vec![JournalKind::ConflictsDecided];
                let told = process.store.journal(&process.row.id, decided, None, 9).await.unwrap();
                assert_eq!(told.len(), 1, "{at}");
            }
        }
    }
}
