//! The `fields` parameter: what a tracking is cut down to.

use crate::store::record::Record;

/// Members that every answer keeps, whatever `fields` asks. Undocumented; a client needs them to
/// know what it got.
const ALWAYS: &[&str] = &["id", "legacy_id", "slug", "tracking_number", "created_at", "updated_at"];

/// Appends a tracking to `text`: whole when no fields are asked, else cut down.
pub(super) fn push(text: &mut String, record: &Record, fields: &[String]) {
    if fields.is_empty() {
        text.push_str(&record.text);
        return;
    }
    let mut members = record.members();
    members.keep(|name| ALWAYS.contains(&name) || fields.iter().any(|field| field == name));
    text.push_str(&members.render());
}
