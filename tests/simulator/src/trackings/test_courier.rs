//! The test courier: a fresh tracking of slug `testing-courier` is announced, moved and delivered
//! within seconds, without anybody doing anything.
//!
//! Nothing runs in the background: before each request, what fell due by the clock is caught up,
//! each stage with the time at which it was due.

use super::checkpoint::Checkpoint;
use crate::couriers::TEST_COURIER;
use crate::dates;
use crate::state::State;
use crate::store::Slot;
use crate::store::record::{Record, Words};

/// Tag, subtag, words for the subtag, message: one row a stage.
const STAGES: &[(&str, &str, &str, &str)] = &[
    ("InfoReceived", "InfoReceived_001", "Info Received", "Shipment information received"),
    ("InTransit", "InTransit_001", "In Transit", "Shipment is in transit"),
    ("Delivered", "Delivered_001", "Delivered", "Shipment delivered"),
];

/// Starts a tracking that was just created; does nothing for other couriers.
pub(crate) fn start(state: &mut State, slot: Slot, mut record: Record) {
    if record.facts.slug.as_ref() == TEST_COURIER {
        record.stage = Some(0);
        let due_ms = due(state, &record, 0);
        state.store.replace(slot, record);
        state.store.schedule(slot, due_ms);
    }
}

/// Carries out every stage that is due at `now_ms`, earliest first.
pub(crate) fn settle(state: &mut State, now_ms: u64) {
    while let Some((due_ms, slot)) = state.store.next_due(now_ms) {
        let Some(record) = state.store.get(slot).cloned() else { continue };
        let Some(stage) = record.stage else { continue };
        // The slot may hold another tracking by now, or this one another courier.
        if due(state, &record, stage) != due_ms || record.facts.slug.as_ref() != TEST_COURIER {
            continue;
        }
        let Some(moved) = advance(&mut state.store.words, &record, stage, due_ms) else {
            continue;
        };
        let next = moved.stage.map(|stage| due(state, &moved, stage));
        state.store.replace(slot, moved);
        if let Some(due_ms) = next {
            state.store.schedule(slot, due_ms);
        }
    }
}

fn due(state: &State, record: &Record, stage: u8) -> u64 {
    record.facts.created_ms + state.options.test_courier_step_ms * (u64::from(stage) + 1)
}

fn advance(words: &mut Words, record: &Record, stage: u8, due_ms: u64) -> Option<Record> {
    let (tag, subtag, subtag_message, message) = STAGES.get(usize::from(stage))?;
    let (time, naive) = (dates::format_utc(due_ms), dates::format_naive(due_ms));
    let mut members = record.members();
    let slug = TEST_COURIER;
    let checkpoint_time = &naive;
    let source = "carrier";
    Checkpoint { slug, checkpoint_time, message, tag, subtag, subtag_message, source }
        .add_to(&mut members, &time);
    let count = members.integer("tracked_count").unwrap_or(0) + 1;
    members.set("tracked_count", count.to_string());
    members.set_text("updated_at", &time);
    if *tag == "InTransit" {
        members.set_text("shipment_pickup_date", &naive);
    }
    if *tag == "Delivered" {
        members.set_text("shipment_delivery_date", &naive);
        members.set("active", "false");
    }
    let mut moved = record.with_members(&members, words).ok()?;
    moved.facts.updated_ms = due_ms;
    let next = usize::from(stage) + 1;
    moved.stage = (next < STAGES.len()).then_some(stage + 1);
    Some(moved)
}
