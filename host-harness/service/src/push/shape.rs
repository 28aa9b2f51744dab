//! What an object's schemas say about writing its records.

use std::collections::{BTreeMap, BTreeSet};

use connector_contract::catalog::Descriptor;
use connector_state::push::Mode;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::nearest::{nearest, plain};
use crate::schema::Schema;

/// Key of items whose schemas do not tell which record they mean: one write at a time for all.
const ANY: &str = "any";

/// Members that can be set, changed, and that name a record.
#[derive(Debug, Default)]
pub struct InputSchema {
    /// What `create` takes.
    create: BTreeSet<String>,
    /// What `update` takes.
    update: BTreeSet<String>,
    /// What goes in and never comes out, so that it cannot be compared.
    write_only: BTreeSet<String>,
    /// What a creation needs and a change cannot touch: it says which record is meant.
    naming: BTreeSet<String>,
    /// Members by what people also call them (`x-also-called`).
    other_names: BTreeMap<String, String>,
    texts: Vec<String>,
}

impl InputSchema {
    /// Reads an object's schemas.
    pub fn of(descriptor: &Descriptor) -> Self {
        let texts = [&descriptor.create_schema, &descriptor.update_schema];
        let [create, update] = texts.map(|text| -> Value {
            text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
        });
        let [creation, change] = [&create, &update].map(Schema::of);
        let (settable, changeable) = (creation.properties(), change.properties());
        let owned = |name: &str| name.to_owned();
        let all = settable.iter().chain(&changeable);
        let write_only: BTreeSet<String> =
            all.filter(|(_, one)| one.is_write_only()).map(|(name, _)| owned(name)).collect();
        let update: BTreeSet<String> = changeable.iter().map(|(name, _)| owned(name)).collect();
        let names = |name: &&str| !update.contains(*name) && !write_only.contains(*name);
        Self {
            create: settable.iter().map(|(name, _)| owned(name)).collect(),
            naming: creation.required().into_iter().filter(names).map(owned).collect(),
            other_names: also_called(&create),
            texts: texts.into_iter().flatten().cloned().collect(),
            update,
            write_only,
        }
    }

    /// Whether inputs may hold what goes in and never comes out.
    pub fn has_secrets(&self) -> bool {
        self.texts.iter().any(|text| text.contains("\"writeOnly\""))
    }

    /// The schemas of inputs, which say what is secret in them.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Whether a member changes an existing record: all that an update takes, and what nobody
    /// knows, so that it is refused and not lost.
    pub fn changes(&self, name: &str) -> bool {
        self.update.contains(name) || !self.create.contains(name)
    }

    /// What says which record is meant.
    pub fn naming(&self) -> impl Iterator<Item = &str> {
        self.naming.iter().map(String::as_str)
    }

    /// What an input may hold, as far as the schemas tell; `id` names a record.
    pub fn members(&self) -> BTreeSet<&str> {
        let all = self.create.iter().chain(&self.update).map(String::as_str);
        all.chain(["id"]).collect()
    }

    /// The member that people also call so.
    pub fn meant_by<'s>(&'s self, name: &str) -> Option<&'s str> {
        let known: Vec<&'s str> = self.members().into_iter().collect();
        let other = self.other_names.get(&plain(name)).map(String::as_str);
        other.or_else(|| nearest(name, &known))
    }

    /// Whether a member goes in and never comes out.
    pub fn is_write_only(&self, name: &str) -> bool {
        self.write_only.contains(name)
    }

    /// Names the record that an item means, as far as the item tells.
    pub fn key(&self, mode: Mode, item: &BTreeMap<String, Box<RawValue>>) -> String {
        let by_id = matches!(mode, Mode::Update | Mode::Delete);
        if let Some(id) = id(item).filter(|_| by_id) {
            return key_of(&id);
        }
        if self.naming.is_empty() {
            return ANY.to_owned();
        }
        let values: Vec<_> = self.naming.iter().map(|name| item.get(name)).collect();
        format!("name:{}", serde_json::to_string(&values).unwrap_or_default())
    }
}

/// Key of a record whose id is known.
pub fn key_of(id: &str) -> String {
    format!("id:{id}")
}

/// The `id` of an item that names its record by it.
pub fn id(item: &BTreeMap<String, Box<RawValue>>) -> Option<String> {
    let id: String = serde_json::from_str(item.get("id")?.get()).ok()?;
    (!id.is_empty()).then_some(id)
}

/// Members by what else people call them: `x-also-called`.
fn also_called(schema: &Value) -> BTreeMap<String, String> {
    let named = schema.get("x-also-called").and_then(Value::as_object).into_iter().flatten();
    named.filter_map(|(other, name)| Some((plain(other), name.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
pub mod tests {
    use connector_contract::catalog::ObjectSummary;

    use super::*;

    /// Records with a number, and members that can be changed.
    pub fn shape() -> InputSchema {
        let own = r##""title":{},"note":{},"price":{},"at":{},"who":{},"own":{},
            "password":{"$ref":"#/$defs/p"}},"$defs":{"p":{"writeOnly":true}}"##;
        InputSchema::of(&Descriptor {
            summary: ObjectSummary {
                name: "orders".to_owned(),
                title: String::new(),
                operations: vec![],
            },
            doc_url: String::new(),
            derived_from: None,
            retention_days: None,
            record_schema: "{}".to_owned(),
            create_schema: Some(format!(
                r#"{{"required":["number","title"],"properties":{{"number":{{}},"missing":{{}},{own}}}"#
            )),
            update_schema: Some(format!(r#"{{"properties":{{"missing":{{}},{own}}}"#)),
            filter_schema: None,
            options_schema: None,
            actions: vec![],
            events: vec![],
            more: vec![],
        })
    }

    #[test]
    fn a_key_says_which_record_is_meant() {
        let key = |mode, text: &str| shape().key(mode, &serde_json::from_str(text).unwrap());
        let one = key(Mode::Upsert, r#"{"number":"N","title":"a"}"#);
        assert_eq!(one, key(Mode::Update, r#"{"title":"b","number" : "N"}"#));
        assert_ne!(one, key(Mode::Upsert, r#"{"number":"M","title":"a"}"#));
        assert_eq!(key(Mode::Delete, r#"{"id":"7","number":"N"}"#), key_of("7"));
        assert_eq!(key(Mode::Upsert, r#"{"id":"7","number":"N"}"#), one);
    }
}
