//! A store whose process stops for good before or after one of its calls.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use host_harness::store::{
    Answer, Change, ConnectionChanges, ConnectionRow, GrantChange, GrantRow, SecretChange,
    SecretRow, SessionRow, Store,
};

use super::process::say;

/// Steps of one that is used for a renewal: each call has one before and one after it.
pub struct Stops {
    store: Arc<dyn Store>,
    stop: Option<usize>,
    steps: AtomicUsize,
}

impl Stops {
    pub fn new(store: Arc<dyn Store>, stop: Option<usize>) -> Self {
        Self { store, stop, steps: AtomicUsize::new(0) }
    }

    async fn step(&self) {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        if self.stop.is_some_and(|stop| step >= stop) {
            if self.stop == Some(step) {
                say("stopped");
            }
            pending::<()>().await;
        }
    }

    fn around<'a, T: Send + 'a>(&'a self, answer: Answer<'a, T>) -> Answer<'a, T> {
        Box::pin(async move {
            self.step().await;
            let answer = answer.await;
            self.step().await;
            answer
        })
    }
}

impl Store for Stops {
    fn connections(&self) -> Answer<'_, Vec<ConnectionRow>> {
        self.store.connections()
    }

    fn connection(&self, name: &str) -> Answer<'_, Option<ConnectionRow>> {
        self.store.connection(name)
    }

    fn connections_since(&self, revision: u64) -> Answer<'_, ConnectionChanges> {
        self.store.connections_since(revision)
    }

    fn secrets(&self, connection: &str) -> Answer<'_, Vec<SecretRow>> {
        self.store.secrets(connection)
    }

    fn grant(&self, connection: &str) -> Answer<'_, Option<GrantRow>> {
        self.around(self.store.grant(connection))
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<'_, ()> {
        self.around(self.store.commit(changes))
    }

    fn change_grant(&self, connection: &str, change: GrantChange) -> Answer<'_, Option<GrantRow>> {
        self.around(self.store.change_grant(connection, change))
    }

    fn change_secret(
        &self,
        connection: &str,
        name: &str,
        change: SecretChange,
    ) -> Answer<'_, Vec<SecretRow>> {
        self.store.change_secret(connection, name, change)
    }

    fn maintain(&self) -> Answer<'_, bool> {
        self.store.maintain()
    }

    fn take_session(&self, state: &[u8; 32]) -> Answer<'_, Option<SessionRow>> {
        self.store.take_session(state)
    }
}
