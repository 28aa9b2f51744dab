//! When a made-up shipment was promised, and how that went.

use fastrand::Rng;

use super::writer::Writer;
use super::{Rngs, pick};
use crate::dates::{self, DAY_MS};

/// Values of `confidence_code`.
///
/// Source: AfterShip API 2026-07, confidence codes.
const CONFIDENCE_CODES: &[u32] = &[10000, 10001, 20001, 30001, 30002, 30003, 30004];

/// Values of `source` in an estimate.
const SOURCES: &[&str] = &["Carrier EDD", "AfterShip EDD", "Custom EDD", "Order EDD"];

/// Values of `revise_reason`, as JSON.
const REASONS: &[&str] =
    &["null", "null", "\"extreme_weather\"", "\"carrier_processing\"", "\"customs_clearance\""];

/// Writes the members that tell about delivery dates. Those that a shipment does not have are
/// null.
pub(super) fn write(
    json: &mut Writer,
    rngs: &mut Rngs,
    created_ms: u64,
    transit_time: Option<i64>,
) {
    let Rngs { first, second } = rngs;
    let dates = Dates { created_ms };
    let promised = match second.u8(0..16) {
        0 => dates.range("promised_delivery_date", 5),
        _ => "null".to_owned(),
    };
    json.raw("order_promised_delivery_date", &promised);
    let expected = (!first.bool()).then(|| first.u64(3..9));
    let estimate = expected.map(|days| {
        let code = pick(second, CONFIDENCE_CODES);
        dates.range("estimated_delivery_date", days).replacen(
            ',',
            &format!(",\"confidence_code\":{code},"),
            1,
        )
    });
    json.raw("aftership_estimated_delivery_date", estimate.as_deref().unwrap_or("null"));
    let days = expected.unwrap_or(4);
    sometimes(json, second, "courier_estimated_delivery_date", 10, |_| {
        dates.range("estimated_delivery_date", days)
    });
    sometimes(json, second, "custom_estimated_delivery_date", 20, |rng| dates.kind(rng, days, ""));
    sometimes(json, second, "first_estimated_delivery", 12, |rng| {
        let source = format!(",\"source\":\"{}\"", pick(rng, SOURCES));
        dates.kind(rng, days, &source)
    });
    sometimes(json, second, "latest_estimated_delivery", 12, |rng| {
        let (source, reason) = (pick(rng, SOURCES), pick(rng, REASONS));
        let more = format!(",\"source\":\"{source}\",\"revise_reason\":{reason}");
        dates.kind(rng, days + 1, &more)
    });
    match expected {
        Some(days) => on_time(json, second, days, transit_time),
        None => {
            // A throw that once decided whether they are there.
            second.bool();
            json.nulls("on_time_status on_time_difference");
        }
    }
}

/// Writes `on_time_status` and `on_time_difference`: days late, or early where below zero.
fn on_time(json: &mut Writer, rng: &mut Rng, expected: u64, transit_time: Option<i64>) {
    let (status, difference) = match transit_time {
        Some(days) => {
            let late = days - i64::try_from(expected).unwrap_or(0);
            (["early", "on-time", "late"], late)
        }
        None => (["trending-early", "trending-on-time", "trending-late"], rng.i64(-1..4)),
    };
    let [early, on_time, late] = status;
    json.text(
        "on_time_status",
        match difference {
            ..0 => early,
            0 => on_time,
            1.. => late,
        },
    );
    json.number_or_null("on_time_difference", Some(difference));
}

/// Writes a member: once in so many times, else as null.
fn sometimes(
    json: &mut Writer,
    rng: &mut Rng,
    name: &str,
    rarity: u8,
    value: impl FnOnce(&mut Rng) -> String,
) {
    match rng.u8(0..rarity) {
        0 => {
            let value = value(rng);
            json.raw(name, &value);
        }
        _ => json.raw(name, "null"),
    }
}

/// The days after a shipment's creation.
struct Dates {
    created_ms: u64,
}

impl Dates {
    /// An object with the members `name`, `name_min` and `name_max`, all dates.
    fn range(&self, name: &str, days: u64) -> String {
        let day = |days: u64| dates::format_day(self.created_ms + days * DAY_MS);
        format!(
            "{{\"{name}\":\"{}\",\"{name}_min\":\"{}\",\"{name}_max\":\"{}\"}}",
            day(days),
            day(days - 1),
            day(days + 1)
        )
    }

    /// An object with a day or a range of them, in one of the forms that times have.
    fn kind(&self, rng: &mut Rng, days: u64, more: &str) -> String {
        let form = rng.u8(0..3);
        let time = |days: u64| {
            let at_ms = self.created_ms + days * DAY_MS;
            match form {
                0 => dates::format_day(at_ms),
                1 => dates::format_naive(at_ms),
                _ => dates::format_utc(at_ms),
            }
        };
        match rng.bool() {
            true => format!(
                "{{\"type\":\"specific\"{more},\"datetime\":\"{}\",\"datetime_min\":null,\
                 \"datetime_max\":null}}",
                time(days)
            ),
            false => format!(
                "{{\"type\":\"range\"{more},\"datetime\":null,\"datetime_min\":\"{}\",\
                 \"datetime_max\":\"{}\"}}",
                time(days - 1),
                time(days + 1)
            ),
        }
    }
}
