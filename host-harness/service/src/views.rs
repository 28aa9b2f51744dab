//! The view file of a connector, checked against the schemas of its records.

use std::collections::BTreeMap;

use connector_contract::types::ErrorKind;
use connector_runtime::{CallError, Connector, error};
use connector_state::StoreError;
use connector_state::mirror::analytics::AnalyzedMembers;
use connector_state::mirror::{MemberIndex, Mirror};
use connector_state::views::{ObjectView, ViewError, ViewFile};
use serde_json::Value;

use crate::schema::Schema;

/// Name of the file among what a manifest has more.
pub(crate) const NAME: &str = "views";

/// Why there is no view file to work with.
#[derive(Debug, thiserror::Error)]
pub enum ViewsError {
    /// The connector cannot describe its own objects.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The file is wrong. Report it to who made the connector.
    #[error(transparent)]
    File(#[from] ViewError),
}

/// The view file of a connector; `None` when it has none. Sends nothing.
///
/// # Errors
/// [`ViewsError`].
pub async fn views_of(connector: &Connector) -> Result<Option<ViewFile>, ViewsError> {
    let manifest = connector.manifest();
    let Some((_, text)) = manifest.more.iter().find(|(name, _)| name == NAME) else {
        return Ok(None);
    };
    let mut schemas = BTreeMap::new();
    for object in &manifest.objects {
        let described = connector.describe(&object.name).await?;
        let schema: Value = serde_json::from_str(&described.record_schema).map_err(|why| {
            let text = format!("the record-schema of {} is no JSON: {why}", object.name);
            CallError::from(error(ErrorKind::Internal, text))
        })?;
        schemas.insert(object.name.as_str(), schema);
    }
    let declares = |object: &str, pointer: &str| Some(declares(schemas.get(object)?, pointer));
    Ok(Some(ViewFile::read(text, &declares)?))
}

/// Has the mirror index what the view file of a connector says; without one, nothing.
///
/// # Errors
/// Those of the state; within, why the view file cannot be used, and then what is indexed stays as it is.
pub async fn keep_indexes(
    connector: &Connector,
    mirror: &dyn Mirror,
) -> Result<Result<(), ViewsError>, StoreError> {
    let file = match views_of(connector).await {
        Ok(file) => file,
        Err(why) => return Ok(Err(why)),
    };
    let index = |file: &ViewFile| {
        let of_object = |(object, view): (&String, &ObjectView)| {
            let tables = file.tables.values().filter(|table| table.by.is_empty());
            let tables = tables.filter(|table| table.of == *object);
            let analyzed = AnalyzedMembers::of(view, tables);
            (object.clone(), MemberIndex { analyzed, ..MemberIndex::of(view) })
        };
        file.objects.iter().map(of_object).collect::<Vec<_>>()
    };
    let mut indexes = file.as_ref().map(index).unwrap_or_default();
    indexes.retain(|(_, index)| *index != MemberIndex::default());
    mirror.set_indexes(&connector.manifest().name, indexes).await.map(Ok)
}

/// Whether a schema names the member that a JSON Pointer leads to; `-` leads to the items of a list.
fn declares(schema: &Value, pointer: &str) -> bool {
    let mut at = Schema::of(schema);
    for token in pointer.split('/').skip(1) {
        let items = if token == "-" { at.items() } else { None };
        let below = items.or_else(|| at.property(&token.replace("~1", "/").replace("~0", "~")));
        let Some(below) = below else { return false };
        at = below;
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_leads_through_members_only() {
        let schema = json!({"properties": {
            "a/b": {"properties": {"c": {}}},
            "more": {"additionalProperties": {"type": "string"}},
            "list": {"items": {"properties": {"c": {}}}},
        }});
        for (pointer, there) in [
            ("/a~1b", true),
            ("/a~1b/c", true),
            ("/a~1b/d", false),
            ("/more/anything", true),
            ("/list/0", false),
            ("/list/c", false),
            ("/list/-/c", true),
            ("/list/-/d", false),
            ("/-/c", false),
            ("/c", false),
        ] {
            assert_eq!(declares(&schema, pointer), there, "{pointer}");
        }
    }
}
