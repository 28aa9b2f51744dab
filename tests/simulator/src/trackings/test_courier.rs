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
use crate::store::record::{Record, Stage, Words};

/// Tag, subtag, words for the subtag, message: one row a stage.
const STAGES: &[(&str, &str, &str, &str)] = &[
    ("InfoReceived", "InfoReceived_001", "Info Received", "Shipment information received"),
    ("InTransit", "InTransit_001", "In Transit", "Shipment is in transit"),
    ("Delivered", "Delivered_001", "Delivered", "Shipment delivered"),
];

/// Starts a tracking that was just created; does nothing for other couriers.
pub(crate) fn start(state: &mut State, slot: Slot, mut record: Record) {
    if record.facts.slug.as_ref() == TEST_COURIER {
        let due_ms = record.facts.created_ms + state.options.test_courier_step_ms;
        record.stage = Some(Stage { index: 0, due_ms });
        state.store.replace(slot, record);
        state.store.schedule(slot, due_ms);
    }
}

/// Carries out every stage that is due at `now_ms`, earliest first.
pub(crate) fn settle(state: &mut State, now_ms: u64) {
    let step_ms = state.options.test_courier_step_ms.max(1);
    while let Some((due_ms, slot)) = state.store.next_due(now_ms) {
        let Some(record) = state.store.get(slot).cloned() else { continue };
        // The slot may hold another tracking by now, or this one another courier.
        let due = record.stage.filter(|stage| stage.due_ms == due_ms);
        let Some(stage) = due.filter(|_| record.facts.slug.as_ref() == TEST_COURIER) else {
            continue;
        };
        let Some(mut moved) = advance(&mut state.store.words, &record, stage) else {
            continue;
        };
        let next = Stage { index: stage.index + 1, due_ms: due_ms + step_ms };
        moved.stage = Some(next).filter(|next| usize::from(next.index) < STAGES.len());
        let more = moved.stage.is_some();
        state.replace(slot, moved, due_ms);
        if more {
            state.store.schedule(slot, next.due_ms);
        }
    }
}

fn advance(words: &mut Words, record: &Record, stage: Stage) -> Option<Record> {
    let Stage { index, due_ms } = stage;
    let (tag, subtag, subtag_message, message) = STAGES.get(usize::from(index))?;
    let (time, naive) = (dates::format_utc(due_ms), dates::format_naive(due_ms));
    let mut members = record.members();
    let checkpoint = Checkpoint {
        slug: TEST_COURIER,
        checkpoint_time: &naive,
        message,
        tag,
        subtag,
        subtag_message,
        source: "carrier",
    };
    checkpoint.add_to(&mut members, &time);
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
    Some(moved)
}
