//! When a shipment is picked up, from the time of its order.
//!
//! Source: AfterShip API 2026-07, POST /estimated-delivery-date/predict, `estimated_pickup`. How
//! the time is computed is undocumented: an order after the cut-off or on no business day counts
//! as one of the next business day, then takes its processing time in business days, and is picked
//! up at the cut-off.

use serde_json::{Value, json};
use time::{Date, PrimitiveDateTime, Time};

use super::fields::Fields;
use crate::dates;
use crate::errors::ApiError;

const MEMBERS: &[&str] =
    &["order_time", "order_cutoff_time", "business_days", "order_processing_time"];

/// The most days that an order may take to be ready.
const MOST_DAYS: u64 = 365;

/// What `estimated_pickup` holds, defaults included.
pub(super) struct EstimatedPickup {
    pub(super) order_time: Option<PrimitiveDateTime>,
    cutoff: Time,
    /// 1 is Monday, 7 is Sunday, and so is 0.
    business_days: Vec<u8>,
    processing: Processing,
}

/// `order_processing_time`.
struct Processing {
    /// Days, however it is written; others count for nothing.
    unit: String,
    value: u64,
}

impl EstimatedPickup {
    /// Reads the value of the member `name`.
    pub(super) fn read<'a>(
        fields: &Fields<'a>,
        name: &str,
        value: &'a Value,
        lenient: bool,
    ) -> Result<Self, ApiError> {
        let pickup = fields.object(name, value, MEMBERS, lenient)?;
        let clock = |value: &Value| value.as_str().and_then(dates::parse_clock);
        let order_time = pickup.local_time("order_time")?;
        let cutoff =
            pickup.read("order_cutoff_time", "must be a time of the day like 18:00:00", clock)?;
        let rule = "must be integers from 1 (Monday) to 7 (Sunday)";
        let business_days = pickup.read("business_days", rule, business_days)?;
        Ok(Self {
            order_time,
            cutoff: cutoff.unwrap_or(Time::MIDNIGHT + time::Duration::hours(18)),
            business_days: business_days.unwrap_or_else(|| (1..=5).collect()),
            processing: processing(&pickup, lenient)?,
        })
    }

    /// When it is picked up; `None` without an order's time and beyond the last day of the calendar.
    pub(super) fn time(&self) -> Option<PrimitiveDateTime> {
        let order_time = self.order_time?;
        let mut day = order_time.date();
        if order_time.time() > self.cutoff {
            day = day.next_day()?;
        }
        day = self.business_day_from(day)?;
        let days = if self.processing.unit.starts_with("day") { self.processing.value } else { 0 };
        for _ in 0..days {
            day = self.business_day_from(day.next_day()?)?;
        }
        Some(day.with_time(self.cutoff))
    }

    /// The member as answers show it, with the time that was computed or an empty text.
    pub(super) fn write(&self, time: Option<PrimitiveDateTime>) -> Value {
        json!({
            "order_time": self.order_time.map(dates::format_local),
            "order_cutoff_time": dates::format_clock(self.cutoff),
            "business_days": self.business_days,
            "order_processing_time": { "unit": self.processing.unit, "value": self.processing.value },
            "pickup_time": time.map(dates::format_local).unwrap_or_default(),
        })
    }

    /// The first business day that is not before a day.
    fn business_day_from(&self, mut day: Date) -> Option<Date> {
        let is_business = |day: Date| {
            let number = day.weekday().number_from_monday();
            self.business_days.iter().any(|open| *open == number || *open + 7 == number)
        };
        while !is_business(day) {
            day = day.next_day()?;
        }
        Some(day)
    }
}

fn business_days(value: &Value) -> Option<Vec<u8>> {
    let number = |day: &Value| u8::try_from(day.as_u64()?).ok().filter(|day| *day <= 7);
    let days: Vec<u8> = value.as_array()?.iter().map(number).collect::<Option<_>>()?;
    (!days.is_empty()).then_some(days)
}

fn processing(pickup: &Fields<'_>, lenient: bool) -> Result<Processing, ApiError> {
    let name = "order_processing_time";
    let default = || "day".to_owned();
    let Some(value) = pickup.get(name) else { return Ok(Processing { unit: default(), value: 0 }) };
    let processing = pickup.object(name, value, &["unit", "value"], lenient)?;
    let unit = processing.text("unit", usize::MAX)?.map_or_else(default, str::to_owned);
    let days = |value: &Value| value.as_u64().filter(|days| *days <= MOST_DAYS);
    let rule = format!("must be an integer from 0 to {MOST_DAYS}");
    let value = processing.read("value", &rule, days)?.unwrap_or(0);
    Ok(Processing { unit, value })
}
