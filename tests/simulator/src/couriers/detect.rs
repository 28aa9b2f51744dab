//! `POST /couriers/detect`: which couriers a number may be of, activated or not.
//!
//! Source: AfterShip API 2026-07, POST /couriers/detect. The members that a courier may require
//! are checked, but do not change what is found.

use serde_json::Value;

use super::{is_of_group, is_retired, write};
use crate::body::{self, Object, is_slug};
use crate::dates;
use crate::errors::ApiError;
use crate::router::{Call, Reply};

/// What a member must be to pass.
type Rule = fn(&str) -> bool;

/// Every member but `tracking_number` and `slug`, which have rules of their own.
const RULES: &[(&str, Rule)] = &[
    ("slug_group", |_| true),
    ("destination_postal_code", |_| true),
    ("destination_state", |_| true),
    ("tracking_ship_date", dates::is_compact_day),
    ("tracking_account_number", |_| true),
    ("tracking_key", |_| true),
    ("origin_country_region", |_| true),
    ("destination_country_region", |_| true),
];

/// Answers the couriers, the most likely first; none is no error.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let body = body::object(call.body)?;
    let options = &call.state.options;
    let number = body::number(&body, options.lower_case_numbers)?;
    let known: Vec<_> = ["tracking_number", "slug"]
        .into_iter()
        .chain(RULES.iter().map(|(name, _)| *name))
        .collect();
    body::known_members(&body, &known, options.lenient)?;
    for (name, passes) in RULES {
        let good = |value: &Value| value.as_str().is_some_and(passes);
        if body.get(*name).is_some_and(|value| !good(value)) {
            return Err(ApiError::value_invalid(name));
        }
    }
    let slugs = slugs(&body)?;
    let group = body.get("slug_group").and_then(Value::as_str);
    if slugs.is_some() && group.is_some() {
        return Err(ApiError::value_invalid("slug_group"));
    }
    let found = call.state.couriers.detect(&number).filter(|courier| {
        !is_retired(options, &courier.slug)
            && slugs.as_ref().is_none_or(|slugs| slugs.contains(&&*courier.slug))
            && group.is_none_or(|group| is_of_group(&courier.slug, group))
    });
    Ok(Reply { status: 200, data: write(&found.collect::<Vec<_>>()) })
}

/// The slugs to choose from: an array that is not empty. One text may hold several with commas, as an
/// example of the documentation has it.
fn slugs(body: &Object) -> Result<Option<Vec<&str>>, ApiError> {
    let Some(value) = body.get("slug") else { return Ok(None) };
    let list =
        value.as_array().filter(|list| !list.is_empty()).ok_or_else(ApiError::slug_invalid)?;
    let texts: Option<Vec<_>> = list.iter().map(Value::as_str).collect();
    let texts = texts.ok_or_else(ApiError::slug_invalid)?;
    let slugs: Vec<_> = texts.iter().flat_map(|text| text.split(',')).collect();
    match slugs.iter().all(|slug| is_slug(slug)) {
        true => Ok(Some(slugs)),
        false => Err(ApiError::slug_invalid()),
    }
}
