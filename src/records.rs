//! Reading and writing records of any object: checks inputs, then hands over to the object.

use crate::api::Api;
use crate::error::Error;
use crate::host::Host;
use crate::objects;
use crate::schema::{self, Unknown};
use crate::types::{DataRecord, ListRequest, Page, Start, Written};

/// Inputs of one `find`: more would be more requests than one call is meant to make.
const MOST_INPUTS: usize = 200;

/// Page sizes that AfterShip allows.
const PAGE_SIZES: (u32, u32) = (1, 200);

/// One page of a scan.
///
/// A scan that begins asks for 200 records a page unless told otherwise; one that goes on keeps
/// its filter, and its page size unless told otherwise.
///
/// # Errors
/// [`Error::NotFound`] for an unknown object, [`Error::InvalidInput`] for a filter that is not
/// valid, [`Error::CursorExpired`] for a cursor or bookmark no longer accepted; else as
/// AfterShip's answer says.
pub fn list(host: &dyn Host, mut request: ListRequest) -> Result<Page, Error> {
    let object = objects::named(&request.object)?;
    let (least, most) = PAGE_SIZES;
    request.page_size = request.page_size.map(|size| size.clamp(least, most));
    if !matches!(request.start, Start::At(_))
        && let Some(filter) = &request.filter
    {
        schema::accept("filter", object.descriptor().filter_schema, filter, Unknown::Refuse)?;
    }
    object.list(&Api::new(host)?, &request)
}

/// One record.
///
/// # Errors
/// [`Error::NotFound`] for an unknown object or record; else as AfterShip's answer says.
pub fn get(host: &dyn Host, object: &str, id: &str) -> Result<DataRecord, Error> {
    objects::named(object)?.get(&Api::new(host)?, id)
}

/// The records of a derived object that each parent holds, in the parents' order.
///
/// # Errors
/// [`Error::Unsupported`] when the object is not derived.
pub fn derive(object: &str, parents: &[DataRecord]) -> Result<Vec<Vec<DataRecord>>, Error> {
    objects::named(object)?.derive(parents)
}

/// The records that `create` of each input would collide with, in the inputs' order.
///
/// # Errors
/// [`Error::InvalidInput`] when an input does not identify any; else as AfterShip's answer says.
pub fn find(
    host: &dyn Host,
    object: &str,
    inputs: &[String],
) -> Result<Vec<Vec<DataRecord>>, Error> {
    let object = objects::named(object)?;
    if inputs.len() > MOST_INPUTS {
        let text = format!("At most {MOST_INPUTS} inputs are looked for at a time. Give fewer.");
        return Err(Error::invalid(text, Vec::new()));
    }
    for input in inputs {
        accept("input", object.descriptor().find_schema, input, Unknown::Refuse)?;
    }
    object.find(&Api::new(host)?, inputs)
}

/// Creates one record. AfterShip has no idempotency key, so the caller's is not sent.
///
/// # Errors
/// [`Error::InvalidInput`] before anything is sent, [`Error::Conflict`] when it exists,
/// [`Error::OutcomeUnknown`] when the answer was lost; else as AfterShip's answer says.
pub fn create(host: &dyn Host, object: &str, input: &str) -> Result<Written, Error> {
    let object = objects::named(object)?;
    accept("input", object.descriptor().create_schema, input, Unknown::of(host)?)?;
    object.create(&Api::new(host)?, input)
}

/// Changes one record by a JSON Merge Patch (RFC 7396).
///
/// # Errors
/// As [`create`], but for the conflict.
pub fn update(host: &dyn Host, object: &str, id: &str, patch: &str) -> Result<Written, Error> {
    let object = objects::named(object)?;
    accept("patch", object.descriptor().update_schema, patch, Unknown::of(host)?)?;
    object.update(&Api::new(host)?, id, patch)
}

/// Deletes one record.
///
/// # Errors
/// [`Error::NotFound`] when it is not there; else as AfterShip's answer says.
pub fn delete(host: &dyn Host, object: &str, id: &str) -> Result<(), Error> {
    objects::named(object)?.delete(&Api::new(host)?, id)
}

/// Without a schema the operation is not offered, and the object says so itself.
fn accept(what: &str, schema: Option<&str>, input: &str, unknown: Unknown) -> Result<(), Error> {
    schema.map_or(Ok(()), |schema| schema::accept(what, schema, input, unknown).map(drop))
}
