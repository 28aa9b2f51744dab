//! All of it under one name.

use std::path::Path;

use connector_state::rates::Booked;
use connector_state::views::ViewFile;
use connector_state::{Answer, Database, Sealed, StoreError};

use crate::Sqlite;

impl Database for Sqlite {
    fn booked(&self, scopes: Vec<String>, now_ms: u64) -> Answer<'_, Vec<Booked>> {
        Self::booked(self, scopes, now_ms)
    }

    fn check(&self) -> Answer<'_, ()> {
        Self::check(self)
    }

    fn backup(&self, to: &Path) -> Option<Answer<'_, ()>> {
        Some(Self::backup(self, to))
    }

    fn make_views(
        &self,
        connector: &str,
        file: &ViewFile,
    ) -> Answer<'_, Result<Vec<String>, String>> {
        Self::make_views(self, connector, file)
    }

    fn master_proof(&self, _: Option<Sealed>) -> Answer<'_, Option<Sealed>> {
        Box::pin(std::future::ready(Ok::<_, StoreError>(None)))
    }
}
