//! How a made-up shipment went: its checkpoints in time.

use fastrand::Rng;

use super::tables::City;
use super::writer::Writer;
use super::{Rngs, pick};
use crate::dates::{self, DAY_MS};
use crate::text;

/// One stage of a shipment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// `tag`.
    pub(super) tag: &'static str,
    /// `subtag`.
    pub(super) subtag: &'static str,
    /// `subtag_message`.
    pub(super) subtag_message: &'static str,
    /// `message`, as JSON text.
    message: &'static str,
}

/// A shipment of which nothing is known yet.
pub(super) const PENDING: Step = step("Pending", "Pending_001", "Pending", "null");

const INFO: Step = step(
    "InfoReceived",
    "InfoReceived_001",
    "Info Received",
    r#""Shipping label created, awaiting item""#,
);
const ACCEPTED: Step =
    step("InTransit", "InTransit_002", "Acceptance scan", r#""Accepted at \"Hub 7\"""#);
const DEPARTED: Step =
    step("InTransit", "InTransit_007", "Departure Scan", r#""包裹已离开处理中心 \/ departed""#);
const CUSTOMS: Step =
    step("Exception", "Exception_004", "Delayed (Customs clearance)", r#""Held by customs""#);
const OUT: Step = step(
    "OutForDelivery",
    "OutForDelivery_001",
    "Out for Delivery",
    r#""Zustellung l\u00e4uft \ud83d\ude9a""#,
);
const ATTEMPT: Step = step(
    "AttemptFail",
    "AttemptFail_002",
    "Addressee not available",
    r#""Destinataire absent, avis déposé""#,
);
const PICKUP: Step = step(
    "AvailableForPickup",
    "AvailableForPickup_001",
    "Available for pickup",
    r#""Ready at the parcel shop""#,
);
const RETURNED: Step =
    step("Exception", "Exception_011", "Returned to sender", r#""Returned to sender""#);
const DELIVERED: Step =
    step("Delivered", "Delivered_001", "Delivered", r#""Delivered, left at front door""#);
const SIGNED: Step =
    step("Delivered", "Delivered_003", "Sign by customer", r#""Entregado. Firmado por J. DOE""#);
const EXPIRED: Step = step("Expired", "Expired_001", "Expired", r#""No information""#);

/// Ways that a shipment of less than a day, a few days, and more may have gone.
const YOUNG: &[&[Step]] = &[&[], &[INFO], &[INFO, ACCEPTED]];
const UNDER_WAY: &[&[Step]] = &[
    &[INFO, ACCEPTED],
    &[ACCEPTED, DEPARTED],
    &[INFO, ACCEPTED, OUT],
    &[ACCEPTED, DEPARTED, CUSTOMS],
    &[INFO, ACCEPTED, DEPARTED, OUT, ATTEMPT],
    &[ACCEPTED, PICKUP],
    &[ACCEPTED, OUT, DELIVERED],
];
const OLD: &[&[Step]] = &[
    &[INFO, DELIVERED],
    &[ACCEPTED, DELIVERED],
    &[ACCEPTED, OUT, SIGNED],
    &[INFO, ACCEPTED, OUT, DELIVERED],
    &[INFO, ACCEPTED, DEPARTED, OUT, DELIVERED],
    &[ACCEPTED, ATTEMPT, PICKUP, SIGNED],
    &[INFO, CUSTOMS, RETURNED],
    &[ACCEPTED, PICKUP],
    &[ACCEPTED, EXPIRED],
    &[],
];

/// A shipment's stages and their times.
pub(super) struct Journey {
    /// The stages so far, first to last.
    pub(super) steps: Vec<Step>,
    /// When something changed last, in milliseconds.
    pub(super) updated_ms: u64,
    created_ms: u64,
    pace_ms: u64,
}

impl Journey {
    /// Draws a way that fits the age.
    pub(super) fn draw(rng: &mut Rng, created_ms: u64, now_ms: u64) -> Self {
        let age_ms = now_ms.saturating_sub(created_ms);
        let ways = match age_ms / DAY_MS {
            0 => YOUNG,
            1..=4 => UNDER_WAY,
            _ => OLD,
        };
        let steps = pick(rng, ways).to_vec();
        let stages = steps.len() as u64 + 1;
        let pace_ms = rng.u64(DAY_MS / 4..DAY_MS * 2).min(age_ms / stages);
        Self { updated_ms: created_ms + pace_ms * (stages - 1), steps, created_ms, pace_ms }
    }

    /// How many days it took.
    pub(super) fn days(&self) -> i64 {
        i64::try_from((self.updated_ms - self.created_ms) / DAY_MS).unwrap_or(0)
    }

    /// Writes the member `checkpoints`. As couriers report them, some scans come twice and some
    /// out of their order in time.
    pub(super) fn write(&self, json: &mut Writer, rngs: &mut Rngs, slug: &str, to: &City) {
        let Rngs { first, second } = rngs;
        let mut at_ms = self.created_ms;
        let mut scans: Vec<_> = Vec::with_capacity(self.steps.len() + 1);
        for step in &self.steps {
            at_ms += self.pace_ms;
            let (time, raw_tag) = (local(first, at_ms), first.bool());
            scans.push(Scan { step, at_ms, time, raw_tag, hash: first.u64(..) });
        }
        if second.u8(0..12) == 0
            && let Some(scan) = second.choice(&scans).cloned()
        {
            scans.push(Scan { hash: second.u64(..), ..scan });
        }
        if second.u8(0..5) == 0 && scans.len() > 1 {
            let place = second.usize(1..scans.len());
            scans.swap(place - 1, place);
        }
        let list: Vec<_> = scans.iter().map(|scan| scan.write(slug, to)).collect();
        json.raw("checkpoints", &format!("[{}]", list.join(",")));
    }
}

/// One checkpoint.
#[derive(Clone)]
struct Scan<'a> {
    step: &'a Step,
    at_ms: u64,
    /// `checkpoint_time`.
    time: String,
    raw_tag: bool,
    /// What `hash` is made of.
    hash: u64,
}

impl Scan<'_> {
    fn write(&self, slug: &str, to: &City) -> String {
        let Self { step, at_ms, time, raw_tag, hash } = self;
        let mut json = Writer::new();
        json.text("created_at", &dates::format_utc(*at_ms));
        json.text("slug", slug);
        json.text("checkpoint_time", time);
        json.raw("location", to.city);
        json.raw("city", to.city);
        json.raw("state", to.state);
        json.nulls("postal_code coordinate country_region_name");
        json.text("country_region", to.country_region);
        json.raw("message", step.message);
        json.text("tag", step.tag);
        json.text("subtag", step.subtag);
        json.text("subtag_message", step.subtag_message);
        json.raw("raw_tag", if *raw_tag { "null" } else { "\"RO\"" });
        json.raw("events", "[]");
        json.text("source", "carrier");
        json.text("hash", &text::hex(40, *hash));
        json.finish()
    }
}

/// The time as a courier may write it: with a zone or without.
fn local(rng: &mut Rng, at_ms: u64) -> String {
    const HOUR_MS: u64 = 3_600_000;
    match rng.u8(0..3) {
        0 => dates::format_naive(at_ms),
        1 => format!("{}+08:00", dates::format_naive(at_ms + 8 * HOUR_MS)),
        _ => format!("{}-05:00", dates::format_naive(at_ms.saturating_sub(5 * HOUR_MS))),
    }
}

const fn step(
    tag: &'static str,
    subtag: &'static str,
    subtag_message: &'static str,
    message: &'static str,
) -> Step {
    Step { tag, subtag, subtag_message, message }
}
