//! Reading that somebody asks for. It goes on when their page is gone.

use std::sync::Arc;

use connector_service::jobs::{NotBegun, Stage};
use http::Method;
use serde_json::json;
use tracing::warn;

use super::Console;
use super::act::Call;
use super::guard::Asker;
use crate::authorise::Scope;
use crate::problem::{Problem, ProblemKind, ProblemSource};
use crate::routes::encoded;

/// What became of asking for a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It has begun.
    Now,
    /// It was under way already.
    Before,
}

impl Console {
    /// Has a connection read, as who asks. It is noted and decided as a call of the API.
    ///
    /// # Errors
    /// When they may not, or this host ends or has too much to do.
    pub fn begin_sync(
        self: &Arc<Self>,
        asker: &Asker,
        name: &str,
        key: &str,
    ) -> Result<Begun, Problem> {
        if !asker.may(Scope::Write) {
            let text = format!("this session may {} alone", asker.scope.word());
            return Err(Problem::new(ProblemKind::Forbidden, ProblemSource::Request, text));
        }
        let job = format!("console reads {name}");
        let jobs = &self.app.surroundings.jobs;
        if jobs.runs(&job) {
            return Ok(Begun::Before);
        }
        let (console, asker) = (Arc::clone(self), asker.clone());
        let (path, key) = (format!("/v1/connections/{}/sync", encoded(name)), key.to_owned());
        let kept = jobs.keep(
            Stage::Work,
            &job,
            |_| {},
            move |stop| {
                let (console, asker) = (Arc::clone(&console), asker.clone());
                let (path, key) = (path.clone(), key.clone());
                async move {
                    let call = Call {
                        method: Method::POST,
                        path: &path,
                        body: Some(json!({})),
                        key: &key,
                    };
                    tokio::select! {
                        () = stop.requested() => {}
                        done = Box::pin(console.call(&asker, call)) => {
                            if let Err(why) = done {
                                warn!(why = %why.detail, "a read that was asked for failed");
                            }
                        }
                    }
                    Ok(())
                }
            },
        );
        kept.map(|()| Begun::Now).map_err(|why| {
            let text = match why {
                NotBegun::Ending => "this host is ending",
                _ => "this host has as much to do as it takes",
            };
            Problem::new(ProblemKind::Unavailable, ProblemSource::Host, text)
        })
    }
}
