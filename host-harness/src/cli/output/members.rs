//! The top-level members of a record, each as the text it came in.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::OutputRow;
use super::compact::compacted;

/// Name under which a record stands that is no JSON object.
const WHOLE: &str = "value";

/// Members in the order in which they came.
pub struct RecordMembers<'a>(pub IndexMap<String, &'a str>);

impl<'a> RecordMembers<'a> {
    /// The members of `json`; one member `value` if it is no object.
    #[must_use]
    pub fn of(json: &'a str) -> Self {
        match serde_json::from_str::<IndexMap<String, &RawValue>>(json) {
            Ok(members) => Self(members.into_iter().map(|(name, raw)| (name, raw.get())).collect()),
            Err(_) => Self(IndexMap::from([(WHOLE.to_owned(), json)])),
        }
    }

    /// The JSON text of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    /// The cells of a record under `columns`. A record without a member `id` shows its
    /// identity there.
    #[must_use]
    pub fn cells(&self, row: OutputRow<'_>, columns: &[String]) -> Vec<String> {
        columns
            .iter()
            .map(|column| match self.get(column) {
                Some(raw) => cell(raw),
                None if column == "id" => row.id.to_owned(),
                None => String::new(),
            })
            .collect()
    }
}

/// What a cell shows: strings without quotes, nothing for null, all else as JSON.
#[must_use]
pub fn cell(raw: &str) -> String {
    match serde_json::from_str::<Option<String>>(raw) {
        Ok(text) => text.unwrap_or_default(),
        Err(_) => compacted(raw),
    }
}

/// Whether it is neither array nor object.
#[must_use]
pub fn is_scalar(raw: &str) -> bool {
    !raw.trim_start().starts_with(['{', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_order_and_text() {
        let members =
            RecordMembers::of(r#" { "b" : 1.10, "a": [1, 2], "é\n": "x\ty", "n": null } "#);
        let names: Vec<&str> = members.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a", "é\n", "n"]);
        let row = OutputRow { id: "7", data: "" };
        let columns = ["id", "b", "a", "é\n", "n", "z"].map(str::to_owned);
        assert_eq!(members.cells(row, &columns), ["7", "1.10", "[1,2]", "x\ty", "", ""]);
        assert_eq!(RecordMembers::of("[1, 2]").get("value"), Some("[1, 2]"));
    }
}
