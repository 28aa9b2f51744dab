//! What the objects share whose records lie inside trackings.
//!
//! AfterShip tells no change times finer than the tracking's, so `updated_at` of such a record is
//! its tracking's: it orders versions, and says at most too often that something changed.

pub(in crate::objects) use super::patch::refuse_kept;

use super::listing;
use crate::api::Api;
use connector_sdk::include_json;
use connector_sdk::{
    DataRecord, Error, ErrorKind, ListRequest, Packed, Page, Parent, Query, Unreadable,
    connector::unreadable,
    fault,
    json::{Malformed, Member, Writer},
    text::sort,
};

/// The object that holds them.
pub(in crate::objects) const HOLDER: &str = super::NAME;

/// AfterShip's documentation of their holder.
pub(in crate::objects) const DOC_URL: &str = super::DOC_URL;

/// Schema of the filter where one record has its tracking's id.
pub(in crate::objects) const FILTER_SCHEMA: Packed = include_json!("derived-filter.json");

/// Reads the records of one object out of a tracking, without a request.
pub(in crate::objects) type Derivation = fn(&Parent<'_>) -> Result<Vec<DataRecord>, Malformed>;

/// May the connection use trackings?
pub(in crate::objects) fn check(api: &Api<'_>) -> Result<(), Error> {
    super::check(api)
}

/// One page of `object`: the records that one page of trackings holds. A tracking whose part
/// cannot be read is kept aside whole.
pub(in crate::objects) fn list(
    api: &Api<'_>,
    object: &'static str,
    request: &ListRequest,
    derivation: Derivation,
) -> Result<Page, Error> {
    let mut page = listing::page(api, object, request)?;
    // AfterShip counts trackings, not what they hold.
    page.total = None;
    for tracking in std::mem::take(&mut page.records) {
        match Parent::read(&tracking).and_then(|tracking| derivation(&tracking)) {
            Ok(records) => page.records.extend(records),
            Err(malformed) => page.unreadable.push(Unreadable {
                id: None,
                reason: fault::unreadable_reason(&tracking, malformed),
                raw: tracking.data,
            }),
        }
    }
    Ok(page)
}

/// The tracking that any of AfterShip's ids names; `what` completes the sentence "Could not ...".
pub(in crate::objects) fn read_holder(
    api: &Api<'_>,
    id: &str,
    what: &'static str,
) -> Result<DataRecord, Error> {
    super::read(api, id, what, Query::new())
}

/// What is read, or `None` when it is not there.
pub(in crate::objects) fn find_existing(
    read: Result<DataRecord, Error>,
) -> Result<Option<DataRecord>, Error> {
    match read {
        Ok(record) => Ok(Some(record)),
        Err(Error { kind: ErrorKind::NotFound, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The records that one tracking holds.
pub(in crate::objects) fn derive_one(
    tracking: &DataRecord,
    derivation: Derivation,
) -> Result<Vec<DataRecord>, Error> {
    let records = Parent::read(tracking).and_then(|tracking| derivation(&tracking));
    records.map_err(|malformed| unreadable(tracking, malformed))
}

/// The beginning of a record's data: who it is, and whose.
pub(in crate::objects) fn begin_data(id: &str, tracking: &DataRecord) -> Writer {
    let mut data = Writer::new();
    data.text("id", id);
    data.text("tracking_id", &tracking.id);
    data
}

/// Adds the members with these names, as they stand.
pub(in crate::objects) fn copy_members(members: &[Member<'_>], names: &[&str], data: &mut Writer) {
    let named = names.iter().filter_map(|name| Member::named(members, name));
    named.for_each(|member| data.member(member.raw));
}

/// A record with its tracking's id and times, and no data yet.
pub(in crate::objects) fn with_times_of(tracking: &DataRecord) -> DataRecord {
    DataRecord {
        id: tracking.id.clone(),
        updated_at: tracking.updated_at.clone(),
        created_at: tracking.created_at.clone(),
        version: None,
        data: String::new(),
    }
}

/// How many equal keys have come so far, each key itself included.
pub(in crate::objects) fn count_equal(keys: &[String]) -> Vec<usize> {
    let mut kinds: Vec<&str> = keys.iter().map(String::as_str).collect();
    sort(&mut kinds);
    kinds.dedup();
    let mut counts = vec![0; kinds.len()];
    let ordinal = |key: &String| {
        let kind = kinds.binary_search(&key.as_str()).ok();
        kind.and_then(|kind| counts.get_mut(kind)).map_or(1, |count| {
            *count += 1;
            *count
        })
    };
    keys.iter().map(ordinal).collect()
}
