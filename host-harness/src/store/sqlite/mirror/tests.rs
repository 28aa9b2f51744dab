use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::super::tests::OnDisk;
use super::*;
use crate::clock::TokioClock;
use crate::mirror::conformance::{Both, Database, START_S, conformance};
use crate::store;

impl Database for OnDisk {
    fn new() -> Self {
        <Self as store::conformance::Database>::new()
    }

    fn open(&self) -> Arc<dyn Both> {
        let start = UNIX_EPOCH + Duration::from_secs(START_S);
        Arc::new(Sqlite::open(&self.path(), Arc::new(TokioClock::starting_at(start))).unwrap())
    }
}

conformance!(OnDisk);
