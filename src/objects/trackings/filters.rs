//! From a filter to query parameters: every one that GET /trackings has, under AfterShip's own
//! names (AfterShip API 2026-07, GET /trackings), but for `fields`, which is a view's.

use super::view::FIELDS;
use crate::api::parameter::{ANY, list, refused, scalar};
use crate::api::window::Bounds;
use connector_sdk::{
    Error, Query, bookmark,
    dates::{self, Instant},
    json::Value,
    text::{join, sort},
};

/// How a parameter is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One text or number.
    One,
    /// A list with commas, at most so many items long.
    List(usize),
    /// `true`, `false` or both.
    Flags,
    /// A bound on times, read by [`times`].
    Time,
}

/// Every parameter but `fields`, `limit` and `cursor`, in the order in which they are sent.
const PARAMETERS: [(&str, Kind); 15] = [
    ("keyword", Kind::One),
    ("tracking_numbers", Kind::List(50)),
    ("slug", Kind::List(ANY)),
    ("transit_time", Kind::One),
    ("origin", Kind::List(ANY)),
    ("destination", Kind::List(ANY)),
    ("courier_destination_country_region", Kind::List(ANY)),
    ("tag", Kind::One),
    ("return_to_sender", Kind::Flags),
    ("shipment_tags", Kind::List(ANY)),
    ("order_id", Kind::List(ANY)),
    (CREATED_MIN, Kind::Time),
    (CREATED_MAX, Kind::Time),
    (UPDATED_MIN, Kind::Time),
    (UPDATED_MAX, Kind::Time),
];

const CREATED_MIN: &str = "created_at_min";
const CREATED_MAX: &str = "created_at_max";
const UPDATED_MIN: &str = "updated_at_min";
const UPDATED_MAX: &str = "updated_at_max";

/// A filter, ready to be planned with.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// Parameters that are no time bounds.
    pub(super) query: Query,
    /// The caller's own time bounds.
    pub(super) bounds: Bounds,
    /// Tells filters apart, however they are written; bounds on change times are not part of it.
    pub(super) digest: u64,
}

/// Reads a filter that is valid against the filter schema.
///
/// # Errors
/// `invalid-input` for what the schema cannot say: a time that is none, an item with a
/// comma, a list that is empty or too long.
pub(super) fn read(filter: Option<&Value<'_>>) -> Result<Filter, Error> {
    let mut query = Query::new();
    for (name, kind) in PARAMETERS {
        let Some(value) = filter.and_then(|filter| filter.get(name)) else {
            continue;
        };
        match kind {
            Kind::One => query.add(name, scalar(value)),
            Kind::List(most) => query.add(name, list(name, value, most)?),
            Kind::Flags => query.add(name, flags(name, value)?),
            Kind::Time => {}
        }
    }
    let bounds = times(filter)?;
    let mut frozen = query.clone();
    add_bounds(&mut frozen, &Bounds { updated_min: None, updated_max: None, ..bounds });
    let texts =
        frozen.pairs().iter().flat_map(|(name, value)| [name.clone(), canonical(name, value)]);
    let texts: Vec<String> = texts.collect();
    let digest = bookmark::digest(texts.iter().map(String::as_str));
    Ok(Filter { query, bounds, digest })
}

/// The one way to write a value: lists in order and each item once, numbers without zeros before.
fn canonical(name: &str, value: &str) -> String {
    let kind = PARAMETERS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    match kind {
        Some(Kind::List(_) | Kind::Flags) => {
            let mut items: Vec<&str> = value.split(',').collect();
            sort(&mut items);
            items.dedup();
            join(&items, ",")
        }
        _ if name == "transit_time" => match value.trim_start_matches('0') {
            "" => "0".to_owned(),
            digits => digits.to_owned(),
        },
        _ => value.to_owned(),
    }
}

/// Whether a cursor's query may hold this parameter.
pub(super) fn is_parameter(name: &str) -> bool {
    name == FIELDS || PARAMETERS.iter().any(|(known, _)| *known == name)
}

/// Adds the bounds in AfterShip's one form of time.
pub(super) fn add_bounds(query: &mut Query, bounds: &Bounds) {
    for (name, bound) in [
        (CREATED_MIN, bounds.created_min),
        (CREATED_MAX, bounds.created_max),
        (UPDATED_MIN, bounds.updated_min),
        (UPDATED_MAX, bounds.updated_max),
    ] {
        if let Some(seconds) = bound {
            query.add(name, dates::format(seconds));
        }
    }
}

/// Fractions widen the window: AfterShip knows whole seconds only.
fn times(filter: Option<&Value<'_>>) -> Result<Bounds, Error> {
    let bound = |name: &str, whole: fn(Instant) -> i64| {
        let Some(value) = filter.and_then(|filter| filter.get(name)) else {
            return Ok(None);
        };
        let instant = value.text().and_then(dates::parse);
        let instant = instant.ok_or_else(|| {
            let text = "must be a time with an offset, like 2026-11-22T09:30:00+00:00";
            refused(name, text)
        })?;
        Ok(Some(whole(instant)))
    };
    Ok(Bounds {
        created_min: bound(CREATED_MIN, Instant::floor)?,
        created_max: bound(CREATED_MAX, Instant::ceil)?,
        updated_min: bound(UPDATED_MIN, Instant::floor)?,
        updated_max: bound(UPDATED_MAX, Instant::ceil)?,
    })
}

fn flags(name: &str, value: &Value<'_>) -> Result<String, Error> {
    let text = list(name, value, 2)?;
    if text.split(',').all(|flag| matches!(flag, "true" | "false")) {
        return Ok(text);
    }
    Err(refused(name, "must be true, false, or both"))
}
