//! What the objects share whose records lie inside trackings.
//!
//! AfterShip tells no change times finer than the tracking's, so `updated_at` of such a record is
//! its tracking's: it orders versions, and says at most too often that something changed.

pub(in crate::objects) use super::patch::refuse_kept;

use super::listing;
use crate::api::{Api, Query};
use crate::error::Error;
use crate::json::{Malformed, Member, Reader, Writer};
use crate::types::{DataRecord, ListRequest, Page, Unreadable};

/// The object that holds them.
pub(in crate::objects) const HOLDER: &str = super::NAME;

/// AfterShip's documentation of their holder.
pub(in crate::objects) const DOC_URL: &str = super::DOC_URL;

/// Schema of the filter where one record has its tracking's id.
pub(in crate::objects) const FILTER_SCHEMA: &str = include_str!("derived-filter.json");

/// A tracking, read once for all that it holds.
#[derive(Debug)]
pub struct Tracking<'a> {
    pub(in crate::objects) record: &'a DataRecord,
    pub(in crate::objects) members: Vec<Member<'a>>,
}

/// Reads the records of one object out of a tracking, without a request.
pub type Derivation = fn(&Tracking<'_>) -> Result<Vec<DataRecord>, Malformed>;

impl<'a> Tracking<'a> {
    pub(in crate::objects) fn read(record: &'a DataRecord) -> Result<Self, Malformed> {
        let mut reader = Reader::new(&record.data);
        let members = reader.members()?;
        reader.end()?;
        Ok(Self { record, members })
    }

    /// The member of this name.
    pub(in crate::objects) fn member(&self, name: &str) -> Option<&Member<'a>> {
        Member::named(&self.members, name)
    }
}

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
        match Tracking::read(&tracking).and_then(|tracking| derivation(&tracking)) {
            Ok(records) => page.records.extend(records),
            Err(malformed) => page.unreadable.push(Unreadable {
                id: None,
                reason: reason(&tracking, malformed),
                raw: tracking.data,
            }),
        }
    }
    Ok(page)
}

/// The tracking that any of AfterShip's ids names; `what` completes the sentence "Could not ...".
pub(in crate::objects) fn holder(
    api: &Api<'_>,
    id: &str,
    what: &'static str,
) -> Result<DataRecord, Error> {
    super::read(api, id, what, Query::new())
}

/// What is read, or `None` when it is not there.
pub(in crate::objects) fn there(
    read: Result<DataRecord, Error>,
) -> Result<Option<DataRecord>, Error> {
    match read {
        Ok(record) => Ok(Some(record)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The records that one tracking holds.
pub(in crate::objects) fn of(
    tracking: &DataRecord,
    derivation: Derivation,
) -> Result<Vec<DataRecord>, Error> {
    let records = Tracking::read(tracking).and_then(|tracking| derivation(&tracking));
    records.map_err(|malformed| unreadable(tracking, malformed))
}

/// The records that each tracking holds, in their order, for each derivation. Each tracking is read
/// once.
///
/// # Errors
/// [`Error::Internal`] for a tracking that cannot be read.
pub fn of_each(
    derivations: &[Derivation],
    trackings: &[DataRecord],
) -> Result<Vec<Vec<Vec<DataRecord>>>, Error> {
    let mut derived = vec![Vec::with_capacity(trackings.len()); derivations.len()];
    for record in trackings {
        let malformed = |malformed| unreadable(record, malformed);
        let tracking = Tracking::read(record).map_err(malformed)?;
        for (derivation, lists) in derivations.iter().zip(&mut derived) {
            lists.push(derivation(&tracking).map_err(malformed)?);
        }
    }
    Ok(derived)
}

/// The beginning of a record's data: who it is, and whose.
pub(in crate::objects) fn begin(id: &str, tracking: &DataRecord) -> Writer {
    let mut data = Writer::new();
    data.text("id", id);
    data.text("tracking_id", &tracking.id);
    data
}

/// Adds the members with these names, as they stand.
pub(in crate::objects) fn copy(members: &[Member<'_>], names: &[&str], data: &mut Writer) {
    let named = names.iter().filter_map(|name| Member::named(members, name));
    named.for_each(|member| data.member(member.raw));
}

/// A record with its tracking's id and times, and no data yet.
pub(in crate::objects) fn like(tracking: &DataRecord) -> DataRecord {
    DataRecord {
        id: tracking.id.clone(),
        updated_at: tracking.updated_at.clone(),
        created_at: tracking.created_at.clone(),
        data: String::new(),
    }
}

/// A tracking came from us, so one that cannot be read is nobody else's fault.
pub(in crate::objects) fn unreadable(tracking: &DataRecord, malformed: Malformed) -> Error {
    let reason = reason(tracking, malformed);
    Error::internal(format!("{reason} Get it again; if that does not help, report it."))
}

/// How many equal keys have come so far, each key itself included.
pub(in crate::objects) fn ordinals(keys: &[String]) -> Vec<usize> {
    let mut kinds: Vec<&str> = keys.iter().map(String::as_str).collect();
    kinds.sort_unstable();
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

fn reason(tracking: &DataRecord, malformed: Malformed) -> String {
    let Malformed { at, expected } = malformed;
    format!("The tracking `{}` cannot be read: {expected} expected at byte {at}.", tracking.id)
}
