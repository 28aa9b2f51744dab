//! Reading and writing records of any object: checks inputs, then hands over to the object.

use crate::api::Api;
use crate::error::Error;
use crate::host::Host;
use crate::objects;
use crate::schema::{self, Unknown};
use crate::types::{DataRecord, ListRequest, Page, Start, View, Written};

/// Inputs of one `find`: more would be more requests than one call is meant to make.
const MOST_INPUTS: usize = 200;

/// Page sizes that AfterShip allows.
const PAGE_SIZES: (u32, u32) = (1, 200);

/// One page of a scan.
///
/// A scan that begins asks for 200 records a page unless told otherwise; one that goes on keeps
/// its filter and view, and its page size unless told otherwise.
///
/// # Errors
/// [`Error::NotFound`] for an unknown object, [`Error::InvalidInput`] for a filter or a view that is
/// not valid, [`Error::CursorExpired`] for a cursor or bookmark no longer accepted; else as
/// AfterShip's answer says.
pub fn list(host: &dyn Host, mut request: ListRequest) -> Result<Page, Error> {
    let object = objects::named(&request.object)?;
    let (least, most) = PAGE_SIZES;
    request.page_size = request.page_size.map(|size| size.clamp(least, most));
    if !matches!(request.start, Start::At(_)) {
        let descriptor = object.descriptor();
        if let Some(filter) = &request.filter {
            schema::accept("filter", descriptor.filter_schema, filter, Unknown::Refuse)?;
        }
        // No list of AfterShip's has a parameter that is an option.
        accept_options(NO_OPTIONS, &request.view)?;
    }
    object.list(&Api::new(host)?, &request)
}

/// One record, or the part of it that `view` asks for.
///
/// # Errors
/// [`Error::NotFound`] for an unknown object or record, [`Error::InvalidInput`] for options that it
/// has not; else as AfterShip's answer says.
pub fn get(host: &dyn Host, object: &str, id: &str, view: &View) -> Result<DataRecord, Error> {
    let object = objects::named(object)?;
    accept_options(object.descriptor().options_schema.unwrap_or(NO_OPTIONS), view)?;
    object.get(&Api::new(host)?, id, view)
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

/// Creates one record. AfterShip has no idempotency key, so none is asked for; with `again`, an
/// earlier attempt at it ended in [`Error::OutcomeUnknown`], and it is looked for first.
///
/// # Errors
/// [`Error::InvalidInput`] before anything is sent, [`Error::Conflict`] when it exists,
/// [`Error::OutcomeUnknown`] when the answer was lost; else as AfterShip's answer says.
pub fn create(host: &dyn Host, object: &str, input: &str, again: bool) -> Result<Written, Error> {
    let object = objects::named(object)?;
    accept("input", object.descriptor().create_schema, input, Unknown::of(host)?)?;
    object.create(&Api::new(host)?, input, again)
}

/// Changes one record by a JSON Merge Patch (RFC 7396). Doing it again changes nothing more.
///
/// # Errors
/// As [`create`], but for the conflict; [`Error::Unsupported`] with an `expected` version.
pub fn update(
    host: &dyn Host,
    object: &str,
    id: &str,
    patch: &str,
    expected: Option<&str>,
) -> Result<Written, Error> {
    let object = objects::named(object)?;
    refuse_expected(expected)?;
    accept("patch", object.descriptor().update_schema, patch, Unknown::of(host)?)?;
    object.update(&Api::new(host)?, id, patch)
}

/// Deletes one record.
///
/// # Errors
/// [`Error::NotFound`] when it is not there, perhaps because of an earlier attempt;
/// [`Error::Unsupported`] with an `expected` version; else as AfterShip's answer says.
pub fn delete(
    host: &dyn Host,
    object: &str,
    id: &str,
    again: bool,
    expected: Option<&str>,
) -> Result<(), Error> {
    let object = objects::named(object)?;
    refuse_expected(expected)?;
    object.delete(&Api::new(host)?, id, again)
}

/// No record here has a version, so none that is expected can be right.
fn refuse_expected(expected: Option<&str>) -> Result<(), Error> {
    expected.map_or(Ok(()), |_| {
        let text =
            "AfterShip gives its records no versions, so none can be expected. Leave it out.";
        Err(Error::Unsupported(text.to_owned()))
    })
}

/// Schema of the options where there are none.
const NO_OPTIONS: &str = r#"{"type": "object", "properties": {}, "additionalProperties": false}"#;

fn accept_options(schema: &str, view: &View) -> Result<(), Error> {
    accept("view", Some(schema), view.options.as_deref().unwrap_or("{}"), Unknown::Refuse)
}

/// Without a schema the operation is not offered, and the object says so itself.
fn accept(what: &str, schema: Option<&str>, input: &str, unknown: Unknown) -> Result<(), Error> {
    schema.map_or(Ok(()), |schema| schema::accept(what, schema, input, unknown).map(drop))
}
