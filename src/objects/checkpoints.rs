//! `checkpoints`: what a carrier scanned of a tracking.
//!
//! AfterShip API 2026-07 has no endpoint for them: they are the member `checkpoints` of a
//! tracking, in AfterShip's own order, which is not strictly that of their times. A record is a
//! checkpoint token for token, after `id` and `tracking_id`; a member that AfterShip called so
//! itself would give way to ours. Its place in the list is no part of it: one that comes in between
//! would change all that follow.

mod own_tag;
mod scan;

use super::trackings::derived::{self, DOC_URL, HOLDER};
use crate::AfterShip;
use crate::api::Api;
use crate::api::source::PAGE_SIZES;
use connector_sdk::include_json;
use connector_sdk::{
    DataRecord, Error, ListRequest, Object, Page, Parent, Start, View,
    declare::{Descriptor, OBJECT},
    json::{Malformed, Value},
};
use own_tag::OwnTag;
use scan::Scan;

/// The object `checkpoints`.
pub(super) struct Checkpoints;

const NAME: &str = "checkpoints";
/// Filter that names one tracking.
const TRACKING_ID: &str = "tracking_id";

const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    title: "Checkpoints",
    operations: &["list", "get"],
    doc_url: DOC_URL,
    derived_from: Some(HOLDER),
    page_sizes: PAGE_SIZES,
    record_schema: include_json!("checkpoints/record.json"),
    filter_schema: include_json!("checkpoints/filter.json"),
    ..OBJECT
};

impl Object<AfterShip> for Checkpoints {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, api: &Api<'_>) -> Result<(), Error> {
        derived::check(api)
    }

    fn list(&self, api: &Api<'_>, request: &ListRequest) -> Result<Page, Error> {
        // Checked against the filter schema already.
        let filter = request.filter.as_deref().and_then(|filter| Value::parse(filter).ok());
        let filter = filter.unwrap_or(Value::Object(Vec::new()));
        let mut request = request.clone();
        let own_tag = OwnTag::take(&mut request, &filter)?;
        let mut page = match one_tracking(&request, &filter)? {
            None => derived::list(api, NAME, &request, derive_from)?,
            // It is read whole whatever changed, so there is no bookmark to hand out.
            Some(id) => {
                let tracking =
                    derived::read_holder(api, &id, "list the checkpoints of the tracking")?;
                Page { records: derived::derive_one(&tracking, derive_from)?, ..Page::empty() }
            }
        };
        own_tag.choose(&mut page.records);
        own_tag.mark(&mut page);
        Ok(page)
    }

    fn get(&self, api: &Api<'_>, id: &str, _: &View) -> Result<DataRecord, Error> {
        let (tracking_id, key) = parts(id).ok_or_else(|| {
            let text = "This cannot be a checkpoint's id. Give the tracking's id, a slash and the \
                        checkpoint's hash, as `list` answers it.";
            Error::invalid(text, Vec::new())
        })?;
        let tracking = derived::read_holder(api, tracking_id, "get the checkpoint's tracking")?;
        let mut records = derived::derive_one(&tracking, derive_from)?.into_iter();
        // The tracking may have been asked for by another of its ids.
        let found = records.find(|record| parts(&record.id).is_some_and(|(_, other)| other == key));
        found.ok_or_else(|| {
            Error::not_found(format!(
                "The tracking `{}` has no checkpoint `{key}`. List checkpoints with the filter \
                 `{TRACKING_ID}` to see those that it has.",
                tracking.id
            ))
        })
    }

    fn derive(&self, parent: &Parent<'_>) -> Result<Vec<DataRecord>, Malformed> {
        derive_from(parent)
    }

    fn offered(&self) -> &'static str {
        "AfterShip takes them from the courier; the action `mark-as-completed` of trackings adds \
         one"
    }
}

/// The tracking whose checkpoints alone are wished for.
fn one_tracking(request: &ListRequest, filter: &Value<'_>) -> Result<Option<String>, Error> {
    // A cursor keeps its own filter.
    let id = filter.get(TRACKING_ID).filter(|_| !matches!(request.start, Start::At(_)));
    let Some(id) = id else { return Ok(None) };
    let beside = [TRACKING_ID, own_tag::NAME];
    match filter.members().iter().find(|(name, _)| !beside.contains(&name.as_ref())) {
        Some((other, _)) => {
            let text = format!(
                "`{other}` cannot stand beside `{TRACKING_ID}`: that one tracking is read whole."
            );
            Err(Error::invalid_member(&format!("/{other}"), text))
        }
        None => Ok(id.text().map(str::to_owned)),
    }
}

/// The tracking's id and the key within it.
fn parts(id: &str) -> Option<(&str, &str)> {
    id.rsplit_once('/').filter(|(tracking, key)| !tracking.is_empty() && !key.is_empty())
}

/// The checkpoints that a tracking holds, in AfterShip's order.
fn derive_from(tracking: &Parent<'_>) -> Result<Vec<DataRecord>, Malformed> {
    let scans = scan::read(tracking.member("checkpoints"))?;
    let tracking = tracking.record;
    let keys: Vec<String> = scans.iter().map(Scan::key).collect();
    let mut records = Vec::with_capacity(scans.len());
    for (scan, id) in scans.iter().zip(ids(tracking, &keys)) {
        let mut data = derived::begin_data(&id, tracking);
        scan.copy_into(&mut data);
        let created_at = scan.created_at().or_else(|| tracking.created_at.clone());
        let updated_at = tracking.updated_at.clone();
        records.push(DataRecord { id, updated_at, created_at, version: None, data: data.finish() });
    }
    Ok(records)
}

/// From the second equal key on, an ordinal follows it: equal scans stay apart, and those that
/// were there keep their ids when others are appended.
fn ids<'k>(tracking: &'k DataRecord, keys: &'k [String]) -> impl Iterator<Item = String> + 'k {
    keys.iter().zip(derived::count_equal(keys)).map(|(key, ordinal)| match ordinal {
        1 => format!("{}/{key}", tracking.id),
        _ => format!("{}/{key}~{ordinal}", tracking.id),
    })
}

#[cfg(test)]
mod tests;
