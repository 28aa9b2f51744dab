//! Who did what: each write by itself, before it is done and with its outcome; reads as numbers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::middleware::Next;
use axum::response::Response;
use connector_runtime::digest::digest;
use connector_service::vault::Vault;
use connector_state::Database;
use connector_state::access::ReadCount;

use crate::authorise::{ApiCall, Caller};
use crate::extract::whole;
use crate::lock;
use crate::problem::Problem;
use crate::writing::{self, AskedWrite, UPLOAD, Writing};

/// Notes what callers do. Bodies are noted nowhere.
pub struct Audit {
    database: Arc<dyn Database>,
    vault: Arc<Vault>,
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
    /// Notes it in `database`; `vault` seals what is answered.
    #[must_use]
    pub fn new(database: Arc<dyn Database>, vault: Arc<Vault>) -> Self {
        Self { database, vault, reads: Mutex::default() }
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

    /// Notes a write, does it, and notes how it ended; or answers what it was answered before.
    ///
    /// # Errors
    /// When it cannot be noted, or its key does not allow it: then it is not done.
    pub async fn write(
        &self,
        caller: &Caller,
        call: &ApiCall<'_>,
        target: String,
        request: Request,
        next: Next,
    ) -> Result<Response, Problem> {
        let row = match call.connection {
            Some(name) => self.database.connection(name).await?,
            None => None,
        };
        let asked = AskedWrite {
            caller: caller.name.to_string(),
            action: format!("{} {}", call.method, call.route),
            row,
            target,
        };
        let (mut parts, body) = request.into_parts();
        let key = writing::key(&parts.headers)?;
        let (database, vault) = (Arc::clone(&self.database), Arc::clone(&self.vault));
        let writing = Writing::new(database, vault, asked, key, &parts);
        let (body, digest_of) = match key {
            None => (body, Some([0; 32])),
            // What is uploaded is known when it has been kept.
            Some(_) if call.route == UPLOAD => (body, None),
            Some(_) => {
                let whole = whole(body).await?;
                let digest = digest(&[&whole]);
                (Body::from(whole), Some(digest))
            }
        };
        if let Some(digest) = digest_of
            && let Some(answered) = writing.begin(digest).await?
        {
            return Ok(answered);
        }
        parts.extensions.insert(writing.clone());
        Ok(writing.run(next.run(Request::from_parts(parts, body))).await)
    }
}

/// What a request is about beside its connection.
pub fn target(parameters: &RawPathParams) -> String {
    let others = parameters.iter().filter(|(key, _)| *key != "connection");
    others.map(|(_, value)| value).collect::<Vec<_>>().join("/")
}
