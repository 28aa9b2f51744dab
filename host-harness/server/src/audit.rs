//! Who did what: each write by itself, before it is done and with its outcome; reads as numbers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{RawPathParams, Request};
use axum::middleware::Next;
use axum::response::Response;
use connector_state::access::{EndedWrite, NewWrite, ReadCount, WriteStart};
use connector_state::{Database, LeaseHolder, StoreError};
use tokio::runtime::Handle;

use crate::authorise::{ApiCall, Caller};
use crate::lock;
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// How a write ended whose caller went: perhaps it was done, perhaps not.
const CANCELLED: &str = "cancelled";
/// Seconds after which a state that lost an answer is worth another try.
const AGAIN: u64 = 2;
/// For how long a write counts as under way.
const FOR_MS: u64 = 60_000;

/// Notes what callers do. Bodies are noted nowhere.
pub struct Audit {
    database: Arc<dyn Database>,
    holder: LeaseHolder,
    /// Reads of the newest minute, by caller. They are written when a later minute begins: a host that
    /// ends loses one minute of them.
    reads: Mutex<Reads>,
}

#[derive(Default)]
struct Reads {
    minute: u64,
    by_caller: BTreeMap<Arc<str>, u64>,
}

impl Audit {
    /// Notes it in `database`.
    #[must_use]
    pub fn new(database: Arc<dyn Database>) -> Self {
        Self { database, holder: LeaseHolder::new(), reads: Mutex::default() }
    }

    /// Counts a read.
    pub async fn count_read(&self, caller: &Caller) {
        let minute = connector_contract::clock::unix_ms(self.database.time()) / 60_000;
        let full = {
            let mut reads = lock(&self.reads);
            let full = (reads.minute != minute).then(|| {
                let before = std::mem::replace(&mut reads.minute, minute);
                (before, std::mem::take(&mut reads.by_caller))
            });
            *reads.by_caller.entry(Arc::clone(&caller.name)).or_default() += 1;
            full
        };
        let Some((minute, by_caller)) = full.filter(|(_, callers)| !callers.is_empty()) else {
            return;
        };
        let count = |(caller, reads): (Arc<str>, u64)| ReadCount {
            minute,
            caller: caller.to_string(),
            reads,
        };
        // A read is answered although it could not be counted.
        let _ = self.database.count_reads(by_caller.into_iter().map(count).collect()).await;
    }

    /// Notes a write, does it, and notes how it ended.
    ///
    /// # Errors
    /// When it cannot be noted: then it is not done.
    pub async fn write(
        &self,
        caller: &Caller,
        call: &ApiCall<'_>,
        target: String,
        request: Request,
        next: Next,
    ) -> Result<Response, Problem> {
        let connection = match call.connection {
            Some(name) => self.database.connection(name).await?.map(|row| row.id),
            None => None,
        };
        let write = NewWrite {
            caller: caller.name.to_string(),
            action: format!("{} {}", call.method, call.route),
            connection,
            target,
            key: None,
            attempt: self.holder.name().to_owned(),
            for_ms: FOR_MS,
        };
        let start = match self.database.begin_write(write).await {
            // Whether it was noted or not, it was not done.
            Err(StoreError::Unknown { .. }) => {
                let text = "the write could not be noted, so it was not done";
                return Err(Problem::new(ProblemKind::Unavailable, ProblemSource::Host, text)
                    .retry_after(AGAIN));
            }
            start => start?,
        };
        let WriteStart::Go { number, .. } = start else { return Ok(next.run(request).await) };
        let mut noted = NotedWrite {
            database: Arc::clone(&self.database),
            ended: Some(EndedWrite {
                number,
                attempt: self.holder.name().to_owned(),
                outcome: CANCELLED.to_owned(),
                answer: None,
            }),
        };
        let answer = next.run(request).await;
        let kind = answer.extensions().get::<ProblemKind>();
        if let Some(mut ended) = noted.ended.take() {
            kind.map_or("ok", |kind| kind.word()).clone_into(&mut ended.outcome);
            // It is done, and its answer true, although that could not be noted.
            let _ = self.database.end_write(ended).await;
        }
        Ok(answer)
    }
}

/// A write that is under way. Dropped before its end, its caller has gone and its work was stopped.
struct NotedWrite {
    database: Arc<dyn Database>,
    ended: Option<EndedWrite>,
}

impl Drop for NotedWrite {
    fn drop(&mut self) {
        let (Some(ended), Ok(runtime)) = (self.ended.take(), Handle::try_current()) else { return };
        let database = Arc::clone(&self.database);
        runtime.spawn(async move {
            // Without it, it stays without an outcome.
            let _ = database.end_write(ended).await;
        });
    }
}

/// What a request is about beside its connection.
pub fn target(parameters: &RawPathParams) -> String {
    let others = parameters.iter().filter(|(key, _)| *key != "connection");
    others.map(|(_, value)| value).collect::<Vec<_>>().join("/")
}
