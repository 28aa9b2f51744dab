//! From a view to query parameters.
//!
//! AfterShip can leave members out of its answers, but only some can be asked for (AfterShip API
//! 2026-07, GET /trackings and GET /trackings/{id}, `fields`). Where another one is wanted, the whole
//! is asked for. It does not say which members come in any case; those of [`ALWAYS`] are taken to.

use connector_sdk::{Query, View, json, text::join};

/// Members that a list can be asked for.
const OF_MANY: [&str; 4] = ["title", "order_id", "tag", "checkpoints"];
/// Members that one tracking can be asked for, besides [`OF_MANY`].
const OF_ONE: [&str; 7] = [
    "destination_postal_code",
    "tracking_ship_date",
    "tracking_account_number",
    "tracking_key",
    "origin_country_region",
    "destination_country_region",
    "destination_state",
];
/// Members that tell which tracking it is.
const ALWAYS: [&str; 3] = ["id", "slug", "tracking_number"];

/// The parameter of a list, and of one tracking.
pub(super) const FIELDS: &str = "fields";
/// The option, and the parameter of one tracking: the language of checkpoint messages.
pub(super) const LANG: &str = "lang";

/// The parameters for one tracking.
pub(super) fn of_one(view: &View) -> Query {
    let mut query = Query::new();
    add_fields(&mut query, view, &[&OF_MANY, &OF_ONE]);
    // Checked against the schema of options already.
    let options = view.options.as_deref().unwrap_or_default();
    if let Some(lang) = json::text_member(options, LANG) {
        query.add(LANG, lang);
    }
    query
}

/// Adds the parameters for a list.
pub(super) fn add_of_many(query: &mut Query, view: &View) {
    add_fields(query, view, &[&OF_MANY]);
}

fn add_fields(query: &mut Query, view: &View, known: &[&[&str]]) {
    let fields = view.fields.iter().map(String::as_str);
    let fields: Vec<_> = fields.filter(|name| !ALWAYS.contains(name)).collect();
    let is_known = |name: &&str| known.iter().any(|names| names.contains(name));
    if !fields.is_empty() && fields.iter().all(is_known) {
        query.add(FIELDS, join(&fields, ","));
    }
}
