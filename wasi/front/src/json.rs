//! What a connector answers as JSON. Records, schemas and outputs are JSON texts already, and pass untouched.

use std::fmt::Display;

use crate::bindings::connector::api::catalog::{Descriptor, Manifest};
use crate::bindings::connector::api::objects::{Action, ObjectSummary};
use crate::bindings::connector::api::records::{Page, Unreadable};
use crate::bindings::connector::api::types::{DataRecord, ObjectRecord, WrittenRecord};

/// A text.
pub fn text(value: &str) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A text or null.
pub fn optional(value: Option<&str>) -> String {
    value.map_or_else(null, text)
}

/// A number or null.
pub fn number<T: Display>(value: Option<T>) -> String {
    value.map_or_else(null, |value| value.to_string())
}

fn null() -> String {
    "null".to_owned()
}

/// A JSON text or null.
fn raw(value: Option<&String>) -> &str {
    value.map_or("null", String::as_str)
}

/// Items without the brackets.
pub fn list<T>(items: &[T], item: impl Fn(&T) -> String) -> String {
    items.iter().map(item).collect::<Vec<_>>().join(",")
}

/// A record.
pub fn record(record: &DataRecord) -> String {
    let DataRecord { id, updated_at, created_at, version, data } = record;
    let (id, version) = (text(id), optional(version.as_deref()));
    let (updated, created) = (optional(updated_at.as_deref()), optional(created_at.as_deref()));
    format!(
        "{{\"id\":{id},\"updated_at\":{updated},\"created_at\":{created},\"version\":{version},\"data\":{data}}}"
    )
}

/// What was written.
pub fn written(item: &WrittenRecord) -> String {
    let (id, whole) = match item {
        WrittenRecord::Whole(whole) => (&whole.id, record(whole)),
        WrittenRecord::Id(id) => (id, null()),
    };
    format!("{{\"id\":{},\"record\":{whole}}}", text(id))
}

/// A record that an action changed.
pub fn changed(one: &ObjectRecord) -> String {
    format!("{{\"object\":{},\"written\":{}}}", text(&one.object), written(&one.item))
}

/// A page.
pub fn page(page: &Page) -> String {
    let unreadable = |it: &Unreadable| {
        let id = optional(it.id.as_deref());
        format!("{{\"id\":{id},\"raw\":{},\"reason\":{}}}", text(&it.raw), text(&it.reason))
    };
    format!(
        "{{\"items\":[{}],\"deleted\":[{}],\"unreadable\":[{}],\"next\":{},\"bookmark\":{},\"total\":{},\"not_before_ms\":{}}}",
        list(&page.records, record),
        list(&page.deleted, |id| text(id)),
        list(&page.unreadable, unreadable),
        optional(page.next.as_deref()),
        optional(page.bookmark.as_deref()),
        number(page.total),
        number(page.not_before_ms),
    )
}

/// What the connector is, and its objects.
pub fn manifest(manifest: &Manifest) -> String {
    format!(
        "{{\"name\":{},\"version\":{},\"provider_api_version\":{},\"items\":[{}]}}",
        text(&manifest.name),
        text(&manifest.version),
        text(&manifest.provider_api_version),
        list(&manifest.objects, |object| format!("{{{}}}", summary(object))),
    )
}

fn summary(object: &ObjectSummary) -> String {
    format!(
        "\"name\":{},\"title\":{},\"operations\":[{}]",
        text(&object.name),
        text(&object.title),
        list(&object.operations, |it| text(it)),
    )
}

/// What an object is.
pub fn descriptor(it: &Descriptor) -> String {
    let action = |it: &Action| {
        format!(
            "{{\"name\":{},\"title\":{},\"on_record\":{},\"writes\":{},\"input_schema\":{},\"output_schema\":{}}}",
            text(&it.name),
            text(&it.title),
            it.on_record,
            it.writes,
            it.input_schema,
            it.output_schema,
        )
    };
    format!(
        "{{{},\"doc_url\":{},\"derived_from\":{},\"retention_days\":{},\"record_schema\":{},\"create_schema\":{},\
         \"update_schema\":{},\"filter_schema\":{},\"options_schema\":{},\"actions\":[{}],\"events\":[{}]}}",
        summary(&it.summary),
        text(&it.doc_url),
        optional(it.derived_from.as_deref()),
        number(it.retention_days),
        it.record_schema,
        raw(it.create_schema.as_ref()),
        raw(it.update_schema.as_ref()),
        raw(it.filter_schema.as_ref()),
        raw(it.options_schema.as_ref()),
        list(&it.actions, action),
        list(&it.events, |it| text(it)),
    )
}
