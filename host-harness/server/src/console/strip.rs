//! Deliveries of a day, half hour by half hour.

use askama::Template;
use askama::filters::HtmlSafe;
use connector_service::documents::date;
use connector_state::inbox::{DeliveryRow, EventState};
use serde::Serialize;

use super::text::number;

/// Half hours of a day.
pub const HALVES: u64 = 48;
const HALF_MS: u64 = 30 * 60_000;
/// Height of the strip, and width of a half hour with its gap.
const HIGH: u64 = 64;
const STEP: u64 = 20;

/// What came in a half hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Half {
    /// When it began.
    pub from: String,
    /// Half hours since 1970.
    pub half: u64,
    /// Deliveries of which nothing is left to do.
    pub applied: u64,
    /// Deliveries with an event that waits.
    pub waits: u64,
    /// Deliveries with an event that was given up.
    pub dead: u64,
}

/// The half hours of the day until now, of these deliveries.
#[must_use]
pub fn halves(rows: &[DeliveryRow], now_ms: u64) -> Vec<Half> {
    let last = now_ms / HALF_MS;
    let first = last.saturating_sub(HALVES - 1);
    let empty = |half: u64| Half { from: date(half * HALF_MS), half, ..Half::default() };
    let mut halves: Vec<Half> = (first..=last).map(empty).collect();
    for row in rows {
        let at = (row.received_ms / HALF_MS).checked_sub(first);
        let at = at.and_then(|at| usize::try_from(at).ok());
        let Some(half) = at.and_then(|at| halves.get_mut(at)) else { continue };
        let has = |state| row.events.iter().any(|event| event.state == state);
        if has(EventState::Dead) {
            half.dead += 1;
        } else if has(EventState::Waiting) {
            half.waits += 1;
        } else {
            half.applied += 1;
        }
    }
    halves
}

struct Bar {
    href: String,
    title: String,
    x: u64,
    /// From below: kind, where it begins, how high it is.
    parts: Vec<(&'static str, u64, u64)>,
}

/// A picture of half hours, each a link to what it counts.
#[derive(Template)]
#[template(path = "console/strip.html")]
pub struct Strip {
    title: String,
    width: u64,
    bars: Vec<Bar>,
    rows: Vec<Half>,
}

/// A template, which escapes its texts.
impl HtmlSafe for Strip {}

impl Strip {
    /// Of half hours; `href` leads to one.
    pub fn new(halves: &[Half], href: impl Fn(u64) -> String) -> Self {
        let all = |half: &Half| half.applied + half.waits + half.dead;
        let most = halves.iter().map(all).max().unwrap_or_default().max(1);
        let total: u64 = halves.iter().map(all).sum();
        let bars = halves.iter().enumerate().map(|(at, half)| {
            let mut y = HIGH;
            let mut parts = Vec::new();
            for (kind, count) in
                [("dead", half.dead), ("waits", half.waits), ("applied", half.applied)]
            {
                // What is there is seen.
                let high = (count * (HIGH - 6)).div_ceil(most);
                if high > 0 {
                    y = y.saturating_sub(high);
                    parts.push((kind, y, high));
                }
            }
            let title = format!(
                "{}: {} applied, {} wait, {} dead",
                half.from,
                number(half.applied),
                number(half.waits),
                number(half.dead)
            );
            Bar { href: href(half.half), title, x: at as u64 * STEP, parts }
        });
        let bars = bars.collect();
        let title = format!("{} deliveries in the 48 half hours until now", number(total));
        Self { title, width: HALVES * STEP, bars, rows: halves.to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_hours_are_those_of_the_day() {
        let row = |received_ms| DeliveryRow { received_ms, ..connector_service_row() };
        let now_ms = 1_000 * HALF_MS + 5;
        let found = halves(&[row(now_ms), row(999 * HALF_MS), row(952 * HALF_MS)], now_ms);
        assert_eq!((found.len() as u64, found[0].half, found[47].half), (HALVES, 953, 1_000));
        let counts: Vec<u64> = found.iter().rev().take(3).map(|half| half.applied).collect();
        assert_eq!(counts, [1, 1, 0]);
        assert_eq!(found.iter().map(|half| half.applied).sum::<u64>(), 2, "one came before");
        let strip = Strip::new(&found, |half| format!("/deliveries?half={half}"));
        assert_eq!(strip.bars.iter().filter(|bar| !bar.parts.is_empty()).count(), 2);
        assert!(strip.to_string().contains("/deliveries?half=1000"));
    }

    fn connector_service_row() -> DeliveryRow {
        DeliveryRow {
            number: 1,
            connection: String::new(),
            received_ms: 0,
            answered_ms: 0,
            bytes: 0,
            method: String::new(),
            url: String::new(),
            headers: vec![],
            body: vec![],
            events: vec![],
        }
    }
}
