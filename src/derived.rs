//! Records that lie inside others.

use crate::error::Error;
use crate::objects::{self, trackings};
use crate::types::DataRecord;

/// The records of each object that each parent holds: a list for each object and each parent, in
/// their order. Every parent is read once. Makes no request.
///
/// # Errors
/// [`Error::NotFound`] for an unknown object, [`Error::Unsupported`] for one that is not derived,
/// [`Error::Internal`] for a parent that cannot be read.
pub fn derive(
    objects: &[String],
    parents: &[DataRecord],
) -> Result<Vec<Vec<Vec<DataRecord>>>, Error> {
    let derivations = objects.iter().map(|object| objects::named(object)?.derivation());
    trackings::derived::of_each(&derivations.collect::<Result<Vec<_>, _>>()?, parents)
}
