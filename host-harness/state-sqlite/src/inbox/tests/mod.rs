//! What only this database does.

mod failures;
mod speed;
mod stored;

use connector_contract::clock::Instant;
use connector_contract::types::DataRecord;
use connector_state::inbox::{EventEffect, NewDelivery, NewEvent};

const WHOSE: &str = "id-of-a";

/// A delivery of an event, whose record's data is part of the body. Its key looks random, as those
/// of providers do.
fn delivery(number: u64, bytes: usize) -> NewDelivery {
    let id = format!("{number:032x}");
    let head = format!(r#"{{"id":"{id}","updated_at":"2026-11-21T17:47:10+00:00","note":""#);
    let data = format!("{head}{}\"}}", "x".repeat(bytes.saturating_sub(60 + head.len())));
    let body = format!(r#"{{"event":"updated","event_id":"{id}","msg":{data}}}"#);
    let mut key = [0; 32];
    let spread = u128::from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) << 64;
    key[..16].copy_from_slice(&(spread | u128::from(number)).to_be_bytes());
    let updated_at = Some("2026-11-21T17:47:10+00:00".to_owned());
    let record = DataRecord {
        id: id.clone(),
        updated_at: updated_at.clone(),
        created_at: None,
        version: None,
        data,
    };
    NewDelivery {
        connection: WHOSE.to_owned(),
        method: "POST".to_owned(),
        url: "https://h.example/hooks/0123456789abcdef0123456789abcdef".to_owned(),
        headers: vec![("x-webhook-version".to_owned(), b"2026-07".to_vec())],
        body: body.into_bytes(),
        events: vec![NewEvent {
            key,
            id: Some(id),
            object: "orders".to_owned(),
            name: "updated".to_owned(),
            occurred_at: updated_at,
            effect: EventEffect::Upserted(record),
            asks: false,
            reason: None,
        }],
        arrived: Instant::now(),
    }
}
