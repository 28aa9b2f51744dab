//! `detect`: which couriers a tracking number may belong to.

use super::{LIST, SLUG};
use crate::api::endpoints::{OVER_ALL, READ, per_second};
use crate::api::{Api, Call};
use connector_sdk::include_json;
use connector_sdk::{
    ActionCall, Error, Outcome, dates,
    declare::{Action, Endpoint},
    json::{self, Value, Writer, quoted},
    text::join,
};

/// A question, whatever its method and scope say.
pub(super) const COURIERS_DETECT: Endpoint = Endpoint {
    name: "couriers-detect",
    method: "POST",
    path: "/tracking/*/couriers/detect",
    limits: &[OVER_ALL, per_second("couriers-detect", 3)],
    scope: Some("aftership:courier:write"),
    ..READ
};

/// What `detect` is.
pub(super) const DETECT: Action = Action {
    name: "detect",
    title: "Detect the couriers of a tracking number",
    on_record: false,
    writes: false,
    input_schema: include_json!("detect-input.json"),
    output_schema: include_json!("detect-output.json"),
};

const SHIP_DATE: &str = "tracking_ship_date";

/// Every candidate as AfterShip answers them, in its order; the empty list when there is none.
pub(super) fn invoke(api: &Api<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
    let body = body(call.input)?;
    let answer = api.send(Call::new(COURIERS_DETECT, "detect the courier").body(body))?;
    answer.listing_by(LIST, SLUG)?;
    Ok(Outcome { output: answer.data()?.to_owned(), written: Vec::new() })
}

/// The input as it is, but for two members (AfterShip API 2026-07, POST /couriers/detect): here,
/// and only here, the ship date is `YYYYMMDD`; and AfterShip's own example writes several couriers
/// into one item of `slug`, with a comma, which its API does not split.
fn body(input: &str) -> Result<String, Error> {
    let mut body = Writer::new();
    // Checked against the input schema already, so this is an object.
    for (name, value) in json::members(input).unwrap_or_default() {
        match name.as_str() {
            SHIP_DATE => body.text(&name, &ship_date(value)?),
            SLUG if value.contains(',') => body.raw(&name, &one_each(value)),
            _ => body.raw(&name, value),
        }
    }
    Ok(body.finish())
}

/// A list of slugs, none with a comma.
fn one_each(slugs: &str) -> String {
    let slugs = Value::parse(slugs);
    let slugs = slugs.as_ref().map_or(&[][..], Value::items).iter().filter_map(Value::text);
    let each: Vec<String> = slugs
        .flat_map(|item| item.split(','))
        .filter(|slug| !slug.is_empty())
        .map(quoted)
        .collect();
    format!("[{}]", join(&each, ","))
}

fn ship_date(value: &str) -> Result<String, Error> {
    let date = Value::parse(value).ok();
    let date = date.as_ref().and_then(Value::text).and_then(compact);
    date.ok_or_else(|| {
        let text = "`tracking_ship_date` must be a date, like 2026-11-22 or 20261122.";
        Error::invalid_member("/tracking_ship_date", text)
    })
}

fn compact(date: &str) -> Option<String> {
    let digits = date.replace('-', "");
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    let dashed = format!("{year}-{month}-{day}");
    dates::parse(&format!("{dashed}T00:00:00Z"))?;
    (date == digits || date == dashed).then_some(digits)
}
