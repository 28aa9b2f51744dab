//! All of it under one name.

use std::path::Path;

use connector_state::rates::Booked;
use connector_state::views::ViewFile;
use connector_state::{Answer, Database, Sealed};

use crate::Postgres;

impl Database for Postgres {
    fn booked(&self, scopes: Vec<String>, now_ms: u64) -> Answer<'_, Vec<Booked>> {
        Self::booked(self, scopes, now_ms)
    }

    fn check(&self) -> Answer<'_, ()> {
        Self::check(self)
    }

    fn backup(&self, _: &Path) -> Option<Answer<'_, ()>> {
        None
    }

    fn make_views(
        &self,
        connector: &str,
        file: &ViewFile,
    ) -> Answer<'_, Result<Vec<String>, String>> {
        Self::make_views(self, connector, file)
    }

    fn master_proof(&self, new: Option<Sealed>) -> Answer<'_, Option<Sealed>> {
        Self::master_proof(self, new)
    }
}
