//! Trackings, called as the host calls them, with a closure for AfterShip.

mod acting;
mod deriving;
mod filtering;
mod listing;
mod writing;

use crate::testing::{Sent, enveloped, lines, pointers, scripted};

/// 2026-11-22T09:30:00Z, the time of [`FnHost`].
const NOW_MS: u64 = 1_795_339_800_000;

/// A tracking as AfterShip answers it whole.
const WHOLE: &str = r#"{"id":"t1","legacy_id":"l1","tracking_number":"N1","slug":"dhl","active":true,"weight":0.70,"created_at":"2026-11-01T00:00:00+00:00","updated_at":"2026-11-02T00:00:00+00:00","subtag":"InTransit_001","checkpoints":[],"new_member":[1e2]}"#;
