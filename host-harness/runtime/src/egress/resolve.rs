//! Names to addresses, by the system's resolver.
//!
//! `getaddrinfo` blocks its thread for as long as the resolver takes, and cannot be cut off. So it
//! has threads of its own, few of them: a nameserver that is down must not take those on which the
//! store reads and writes. Whoever asks for a name that is being looked up waits for that answer,
//! so one dead name has one thread, however often it is asked for.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;

use tokio::sync::watch;

use crate::lock::lock;

/// Names that are looked up at the same time; others wait for a thread.
const THREADS: usize = 16;

/// The lookups of this process.
pub static SYSTEM: LazyLock<Arc<Lookups>> = LazyLock::new(|| {
    Lookups::new(|host| Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
});

/// An error is kept as its text, because several may wait for it.
type Found = Result<Vec<IpAddr>, String>;
type Answer = watch::Sender<Option<Found>>;
type LookUp = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Looks names up, beside everything else.
pub struct Lookups {
    look_up: Box<LookUp>,
    work: Mutex<LookupQueue>,
}

#[derive(Default)]
struct LookupQueue {
    /// Names that somebody asked for, until they are answered.
    asked: BTreeMap<String, Answer>,
    /// Those of them that no thread has taken up yet.
    waiting: VecDeque<String>,
    threads: usize,
}

impl Lookups {
    fn new(look_up: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { look_up: Box::new(look_up), work: Mutex::default() })
    }

    /// The addresses of a host name or address literal. Who stops waiting stops nobody else.
    ///
    /// # Errors
    /// What the resolver says.
    pub async fn addresses(self: &Arc<Self>, host: &str) -> io::Result<Vec<IpAddr>> {
        if let Ok(literal) = host.parse() {
            return Ok(vec![literal]);
        }
        let mut answer = self.ask(host)?;
        let found = answer.wait_for(Option::is_some).await;
        let found = found.map_err(|_| io::Error::other("the lookup was broken off"))?;
        found.clone().unwrap_or_else(|| Ok(Vec::new())).map_err(io::Error::other)
    }

    fn ask(self: &Arc<Self>, host: &str) -> io::Result<watch::Receiver<Option<Found>>> {
        let mut work = lock(&self.work);
        if let Some(asked) = work.asked.get(host) {
            return Ok(asked.subscribe());
        }
        if work.threads < THREADS {
            let resolver = Arc::clone(self);
            let thread = thread::Builder::new().name("resolver".to_owned());
            match thread.spawn(move || resolver.answer_all()) {
                Ok(_) => work.threads += 1,
                Err(why) if work.threads == 0 => return Err(why),
                Err(_) => {}
            }
        }
        let (answer, found) = watch::channel(None);
        work.asked.insert(host.to_owned(), answer);
        work.waiting.push_back(host.to_owned());
        Ok(found)
    }

    /// What a thread does, until nothing waits.
    fn answer_all(&self) {
        while let Some(host) = self.next() {
            let found = (self.look_up)(&host).map_err(|why| why.to_string());
            if let Some(answer) = lock(&self.work).asked.remove(&host) {
                answer.send_replace(Some(found));
            }
        }
    }

    /// The next name that somebody still waits for.
    fn next(&self) -> Option<String> {
        let mut work = lock(&self.work);
        while let Some(host) = work.waiting.pop_front() {
            if work.asked.get(&host).is_some_and(|answer| !answer.is_closed()) {
                return Some(host);
            }
            work.asked.remove(&host);
        }
        work.threads -= 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    const LIVE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    /// A resolver to which names that begin with `dead` are lost until the sender is dropped, and
    /// how often it was asked.
    fn resolver() -> (Arc<Lookups>, Arc<AtomicUsize>, mpsc::Sender<()>) {
        let (release, released) = mpsc::channel();
        let (asked, released) = (Arc::new(AtomicUsize::new(0)), Mutex::new(released));
        let count = Arc::clone(&asked);
        let resolver = Lookups::new(move |host: &str| {
            count.fetch_add(1, Ordering::SeqCst);
            if host.starts_with("dead") {
                let _ = released.lock().unwrap().recv();
                return Err(io::Error::other("no nameserver answered"));
            }
            Ok(vec![LIVE])
        });
        (resolver, asked, release)
    }

    #[tokio::test]
    async fn a_dead_name_has_one_thread_and_holds_up_no_other() {
        let (resolver, asked, release) = resolver();
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let resolver = Arc::clone(&resolver);
            waiting.spawn(async move { resolver.addresses("dead.example").await });
        }
        // All of them have asked before anything is answered.
        tokio::task::yield_now().await;
        assert_eq!(resolver.addresses("live.example").await.unwrap(), [LIVE]);
        drop(release);
        while let Some(found) = waiting.join_next().await {
            assert_eq!(found.unwrap().unwrap_err().to_string(), "no nameserver answered");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert_eq!(resolver.addresses("192.0.2.1").await.unwrap(), [LIVE]);
        assert_eq!(asked.load(Ordering::SeqCst), 2, "a literal is not looked up");
    }

    #[tokio::test]
    async fn threads_are_few_and_what_nobody_waits_for_is_not_looked_up() {
        let (resolver, asked, release) = resolver();
        for number in 0..100 {
            let host = format!("dead{number}.example");
            let asked = resolver.addresses(&host);
            assert!(tokio::time::timeout(std::time::Duration::ZERO, asked).await.is_err());
        }
        assert_eq!(lock(&resolver.work).threads, THREADS);
        drop(release);
        assert_eq!(resolver.addresses("live.example").await.unwrap(), [LIVE]);
        assert!(asked.load(Ordering::SeqCst) <= THREADS + 1);
    }
}
