//! `detect`: which couriers a tracking number may belong to.

use super::{LIST, SLUG};
use crate::api::endpoints::COURIERS_DETECT;
use crate::api::{Api, Call, dates};
use crate::error::Error;
use crate::json::{self, Writer};
use crate::objects::{Action, ActionCall};
use crate::types::Outcome;

/// A question, though its method is POST: it may be asked again.
pub(super) const DETECT: Action = Action {
    name: "detect",
    title: "Detect the couriers of a tracking number",
    on_record: false,
    repeatable: true,
    input_schema: include_str!("detect-input.json"),
    output_schema: include_str!("detect-output.json"),
};

const SHIP_DATE: &str = "tracking_ship_date";

/// Every candidate as AfterShip answers them, in its order; the empty list when there is none.
pub(super) fn invoke(api: &Api<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
    let body = body(call.input)?;
    let answer = api.send(Call::new(COURIERS_DETECT, "detect the courier").body(body))?;
    answer.listing_by(LIST, SLUG)?;
    Ok(Outcome { output: answer.data()?.to_owned(), written: Vec::new() })
}

/// The input as it is, but for the ship date: here, and only here, AfterShip wants it as
/// `YYYYMMDD` (AfterShip API 2026-07, POST /couriers/detect).
fn body(input: &str) -> Result<String, Error> {
    let Some(date) = json::text_member(input, SHIP_DATE) else { return Ok(input.to_owned()) };
    let date = compact(&date).ok_or_else(|| {
        let text = "`tracking_ship_date` must be a date, like 2026-11-22 or 20261122.";
        Error::invalid_member("/tracking_ship_date", text)
    })?;
    let mut body = Writer::new();
    // Checked against the input schema already, so this is an object.
    for (name, value) in json::members(input).unwrap_or_default() {
        if name == SHIP_DATE { body.text(&name, &date) } else { body.raw(&name, value) }
    }
    Ok(body.finish())
}

fn compact(date: &str) -> Option<String> {
    let digits = date.replace('-', "");
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    let dashed = format!("{year}-{month}-{day}");
    dates::parse(&format!("{dashed}T00:00:00Z"))?;
    (date == digits || date == dashed).then_some(digits)
}
