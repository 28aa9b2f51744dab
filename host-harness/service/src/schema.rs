//! Reads JSON Schemas (2020-12) as far as they say something outright: references, alternatives,
//! types, members. Validation is the connector's.
//!
//! | whoever reads | asks for |
//! |---|---|
//! | [`crate::push`] | members that can be set, that name a record, that are write-only |
//! | [`crate::sync`] | types and members, to notice drift |
//! | [`crate::vault::write_only`] | what is write-only, wherever it stands |
//! | a command line | types, choices and descriptions, for people |

use std::collections::BTreeSet;

use serde_json::Value;

/// How many references in a row are followed.
const REFERENCES: usize = 8;

/// What may stand at one place of a document. Several schemas apply to a place where alternatives
/// name the same member.
#[derive(Debug, Clone)]
pub struct Schema<'s> {
    root: &'s Value,
    /// Those that apply, behind their references, each once: schemas that refer to themselves must
    /// not multiply from level to level.
    applied: Vec<&'s Value>,
}

impl<'s> Schema<'s> {
    /// A whole schema.
    pub fn of(root: &'s Value) -> Self {
        Self::at(root, [root])
    }

    fn at(root: &'s Value, schemas: impl IntoIterator<Item = &'s Value>) -> Self {
        let applied = each_once(schemas.into_iter().map(|one| behind_references(root, one)));
        Self { root, applied }
    }

    /// The schemas that apply, with their alternatives and parts.
    fn parts(&self) -> Vec<&'s Value> {
        each_once(self.applied.iter().flat_map(|one| with_alternatives(self.root, one)))
    }

    /// The place below to which a part leads by `below`; `None` when none does.
    fn below(&self, below: impl Fn(&'s Value) -> Option<&'s Value>) -> Option<Self> {
        let schemas: Vec<_> = self.parts().into_iter().filter_map(below).collect();
        (!schemas.is_empty()).then(|| Self::at(self.root, schemas))
    }

    /// Names of the allowed types; empty: any. A part that names no type, but values, allows the
    /// values' types.
    pub fn types(&self) -> Vec<&'s str> {
        let mut types = Vec::new();
        for schema in &self.applied {
            let parts = with_alternatives(self.root, schema);
            let named: Vec<&str> = parts.into_iter().flat_map(types_of).collect();
            if named.is_empty() {
                return named;
            }
            types.extend(named);
        }
        let mut once = BTreeSet::new();
        types.retain(|name| once.insert(*name));
        types
    }

    /// The values that are listed (`enum`, `const`).
    pub fn choices(&self) -> Vec<&'s Value> {
        self.parts().into_iter().flat_map(choices_of).collect()
    }

    /// The members that are named, in the schema's order.
    pub fn properties(&self) -> Vec<(&'s str, Self)> {
        let mut once = BTreeSet::new();
        let names = self.parts().into_iter().filter_map(named_in).flat_map(serde_json::Map::keys);
        let names = names.filter(|name| once.insert(*name));
        let property =
            |name: &'s String| Some((name.as_str(), self.below(|one| named_in(one)?.get(name))?));
        names.filter_map(property).collect()
    }

    /// The member of this name, be it only by what all other members are.
    pub fn property(&self, name: &str) -> Option<Self> {
        self.below(|one| {
            let named = named_in(one).and_then(|members| members.get(name));
            named.or_else(|| one.get("additionalProperties"))
        })
    }

    /// Members that are not named (`additionalProperties`), where the schema describes them.
    pub fn others(&self) -> Option<Self> {
        self.below(|one| one.get("additionalProperties").filter(|others| others.is_object()))
    }

    /// Whether there may be members of which nothing is said.
    pub fn is_open(&self) -> bool {
        let parts = self.parts();
        let is_by_pattern = |one: &&Value| one.get("patternProperties").is_some();
        parts.iter().any(is_by_pattern) || !parts.iter().any(|one| named_in(one).is_some())
    }

    /// Items of an array.
    pub fn items(&self) -> Option<Self> {
        self.below(|one| one.get("items"))
    }

    /// Members that may not be left out, whatever alternative is taken.
    pub fn required(&self) -> Vec<&'s str> {
        let lists = self.applied.iter().filter_map(|one| one.get("required")?.as_array());
        lists.flatten().filter_map(Value::as_str).collect()
    }

    /// Whether it goes in and never comes out.
    pub fn is_write_only(&self) -> bool {
        self.parts().iter().any(|one| one.get("writeOnly") == Some(&Value::Bool(true)))
    }

    /// A text that stands beside the type: `title`, `description`, `format`.
    pub fn text(&self, word: &str) -> Option<&'s str> {
        self.applied.iter().find_map(|one| one.get(word)?.as_str())
    }
}

/// A name as a part of a JSON Pointer (RFC 6901, section 3).
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn behind_references<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let target = |one: &&'s Value| root.pointer(one.get("$ref")?.as_str()?.strip_prefix('#')?);
    std::iter::successors(Some(schema), target).take(REFERENCES + 1).last().unwrap_or(schema)
}

fn with_alternatives<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    let words = ["anyOf", "oneOf", "allOf"].into_iter();
    let parts = words.filter_map(|word| schema.get(word)?.as_array()).flatten();
    std::iter::once(schema).chain(parts.map(|part| behind_references(root, part))).collect()
}

fn each_once<'s>(schemas: impl Iterator<Item = &'s Value>) -> Vec<&'s Value> {
    let mut once = BTreeSet::new();
    schemas.filter(|schema| once.insert(std::ptr::from_ref::<Value>(schema))).collect()
}

fn named_in(schema: &Value) -> Option<&serde_json::Map<String, Value>> {
    schema.get("properties")?.as_object()
}

fn types_of(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => choices_of(schema).into_iter().map(type_of).collect(),
    }
}

fn choices_of(schema: &Value) -> Vec<&Value> {
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => values.iter().collect(),
        (_, value) => value.into_iter().collect(),
    }
}

/// The type of a value; a number without a fraction is an integer, however it is written.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() != 0.0) => {
            "number"
        }
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
