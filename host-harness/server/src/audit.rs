//! Who did what: each write by itself, before it is done and with its outcome; reads as numbers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{RawPathParams, Request};
use axum::middleware::Next;
use axum::response::Response;
use connector_state::access::{EndedWrite, NewWrite, ReadCount, WriteStart};
use connector_state::{Database, LeaseHolder};

use crate::authorise::{ApiCall, Caller};
use crate::lock;
use crate::problem::{Problem, ProblemKind};

/// For how long a write counts as under way.
const FOR_MS: u64 = 60_000;

/// Notes what callers do. Bodies are noted nowhere.
pub struct Audit {
    database: Arc<dyn Database>,
    holder: LeaseHolder,
    /// Reads of the newest minute, by caller. They are written when a later minute begins: a host that
    /// is killed loses one minute of them.
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
        let start = self.database.begin_write(write).await?;
        let answer = next.run(request).await;
        if let WriteStart::Go { number, .. } = start {
            let kind = answer.extensions().get::<ProblemKind>();
            let outcome = kind.map_or_else(|| "ok".to_owned(), |kind| kind.word().to_owned());
            let attempt = self.holder.name().to_owned();
            // It is done, and its answer true, although that could not be noted.
            let _ = self
                .database
                .end_write(EndedWrite { number, attempt, outcome, answer: None })
                .await;
        }
        Ok(answer)
    }
}

/// What a request is about beside its connection.
pub fn target(parameters: &RawPathParams) -> String {
    let others = parameters.iter().filter(|(key, _)| *key != "connection");
    others.map(|(_, value)| value).collect::<Vec<_>>().join("/")
}
