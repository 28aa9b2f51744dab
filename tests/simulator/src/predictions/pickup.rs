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
    order_time: PrimitiveDateTime,
    cutoff: Time,
    /// 1 is Monday, 7 is Sunday.
    business_days: Vec<u8>,
    processing_days: u64,
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
        let local = |value: &Value| value.as_str().and_then(dates::parse_local);
        let clock = |value: &Value| value.as_str().and_then(dates::parse_clock);
        let rule = "must be a time like 2026-11-22 15:00:00";
        let order_time = pickup.read("order_time", rule, local)?;
        let cutoff =
            pickup.read("order_cutoff_time", "must be a time of the day like 18:00:00", clock)?;
        let rule = "must be different integers from 1 (Monday) to 7 (Sunday)";
        let business_days = pickup.read("business_days", rule, business_days)?;
        Ok(Self {
            order_time: order_time.ok_or_else(|| pickup.refused("order_time", "is required"))?,
            cutoff: cutoff.unwrap_or(Time::MIDNIGHT + time::Duration::hours(18)),
            business_days: business_days.unwrap_or_else(|| (1..=5).collect()),
            processing_days: processing_days(&pickup, lenient)?,
        })
    }

    /// When it is picked up; `None` beyond the last day of the calendar.
    pub(super) fn time(&self) -> Option<PrimitiveDateTime> {
        let mut day = self.order_time.date();
        if self.order_time.time() > self.cutoff {
            day = day.next_day()?;
        }
        day = self.business_day_from(day)?;
        for _ in 0..self.processing_days {
            day = self.business_day_from(day.next_day()?)?;
        }
        Some(day.with_time(self.cutoff))
    }

    /// The member as answers show it, with the time that was computed.
    pub(super) fn write(&self, time: PrimitiveDateTime) -> Value {
        json!({
            "order_time": dates::format_local(self.order_time),
            "order_cutoff_time": dates::format_clock(self.cutoff),
            "business_days": self.business_days,
            "order_processing_time": { "unit": "day", "value": self.processing_days },
            "pickup_time": dates::format_local(time),
        })
    }

    /// The first business day that is not before a day.
    fn business_day_from(&self, mut day: Date) -> Option<Date> {
        while !self.business_days.contains(&day.weekday().number_from_monday()) {
            day = day.next_day()?;
        }
        Some(day)
    }
}

fn business_days(value: &Value) -> Option<Vec<u8>> {
    let number = |day: &Value| u8::try_from(day.as_u64()?).ok().filter(|day| (1..=7).contains(day));
    let days: Vec<u8> = value.as_array()?.iter().map(number).collect::<Option<_>>()?;
    let different = (1..=7).all(|day| days.iter().filter(|known| **known == day).count() <= 1);
    (!days.is_empty() && different).then_some(days)
}

fn processing_days(pickup: &Fields<'_>, lenient: bool) -> Result<u64, ApiError> {
    let name = "order_processing_time";
    let Some(value) = pickup.get(name) else { return Ok(0) };
    let processing = pickup.object(name, value, &["unit", "value"], lenient)?;
    let unit = |value: &Value| (value.as_str() == Some("day")).then_some(());
    processing.read("unit", "must be `day`", unit)?;
    let days = |value: &Value| value.as_u64().filter(|days| *days <= MOST_DAYS);
    let rule = format!("must be an integer from 0 to {MOST_DAYS}");
    Ok(processing.read("value", &rule, days)?.unwrap_or(0))
}
