//! Carrier connections, called as the host calls them, with a closure for AfterShip. Each test
//! that sees an answer looks for the canaries in it: credentials go in and never come out.

mod listing;
mod writing;

use super::*;

use crate::testing::{Sent, enveloped, lines, pointers, scripted};
use crate::testing::{create, delete, get, update};

const OBJECT: &str = "carrier-connections";

/// A connection as AfterShip answers it, credentials in clear.
const CLEAR: &str = r#"{"id":"c1","courier_slug":"dhl-api","credentials":{"api_key":"canary-1","site":"canary-2"},"created_at":"2026-11-01T08:00:00+08:00","updated_at":"2026-11-02T08:00:00+08:00","new_member":[0.10]}"#;

/// The same as it may come out.
const CONCEALED: &str = r#"{"id":"c1","courier_slug":"dhl-api","credentials":null,"created_at":"2026-11-01T08:00:00+08:00","updated_at":"2026-11-02T08:00:00+08:00","new_member":[0.10]}"#;

/// Fails when anything shows a canary.
fn clean<T: std::fmt::Debug>(shown: T) -> T {
    let text = format!("{shown:?}");
    assert!(!["cana", "kanari", "-5", "u00e9"].iter().any(|part| text.contains(part)), "{text}");
    shown
}

fn record() -> DataRecord {
    DataRecord {
        id: "c1".into(),
        updated_at: Some("2026-11-02T08:00:00+08:00".into()),
        created_at: Some("2026-11-01T08:00:00+08:00".into()),
        version: None,
        data: CONCEALED.into(),
    }
}
