//! How long a shipment takes and how sure that is; the same for the same shipment.

use time::{Date, PrimitiveDateTime, Weekday};

use super::request::{Address, Request};
use crate::text::digest;

/// The days of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Estimate {
    /// `estimated_delivery_date`.
    pub(super) day: Date,
    /// `estimated_delivery_date_min`.
    pub(super) min: Date,
    /// `estimated_delivery_date_max`.
    pub(super) max: Date,
    /// `confidence_code`.
    ///
    /// Source: AfterShip API 2026-07, confidence codes.
    pub(super) confidence_code: u32,
}

/// Delivered after so many working days, one earlier or later; `None` beyond the last day of the
/// calendar.
pub(super) fn estimate(request: &Request<'_>, pickup: PrimitiveDateTime) -> Option<Estimate> {
    let Request { slug, service, origin, destination, .. } = request;
    let home = origin.country_region == destination.country_region;
    let way = format!(
        "{slug} {} {} {}",
        service.unwrap_or_default(),
        origin.country_region,
        destination.country_region
    );
    let dice = digest(&way);
    let (days, spread) = if home { (2 + dice % 3, 1) } else { (4 + dice % 6, 2) };
    let min = after(pickup.date(), days - 1)?;
    let day = after(min, 1)?;
    Some(Estimate { day, min, max: after(day, spread)?, confidence_code: confidence(request) })
}

fn confidence(request: &Request<'_>) -> u32 {
    let Request { service, origin, destination, .. } = request;
    let vague = |address: &Address<'_>| address.city.is_none() && address.postal_code.is_none();
    if vague(origin) || vague(destination) {
        30004
    } else if origin.country_region != destination.country_region {
        20001
    } else if service.is_none() {
        10001
    } else {
        10000
    }
}

/// So many working days later, Monday to Friday.
fn after(mut day: Date, days: u64) -> Option<Date> {
    for _ in 0..days {
        day = day.next_day()?;
        while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            day = day.next_day()?;
        }
    }
    Some(day)
}
