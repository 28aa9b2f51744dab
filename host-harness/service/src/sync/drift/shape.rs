//! The outline of a JSON Schema: types and members, as far as it says them outright.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::schema::{branches, resolve};

/// Deeper than this a schema says nothing here; one that refers to itself has no end.
const DEPTH: usize = 16;

/// What may stand at one place.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// Allowed types; empty: any.
    types: Vec<Type>,
    /// Members with a name.
    pub(super) members: BTreeMap<String, Shape>,
    /// Members without one; `None`: there are no others.
    pub(super) others: Option<Box<Shape>>,
    /// Items of a list; `None`: anything.
    pub(super) items: Option<Box<Shape>>,
}

/// The types of JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean,
    /// A number without a fraction.
    Integer,
    /// Any number.
    Number,
    /// A text.
    Text,
    /// A list.
    List,
    /// An object.
    Object,
}

impl Shape {
    /// The outline of a whole schema.
    pub fn of(schema: &Value) -> Self {
        Self::at(schema, schema, 0)
    }

    /// Whether a value of this type may stand here.
    pub fn allows(&self, found: Type) -> bool {
        let covers = |allowed: &Type| {
            *allowed == found || (*allowed == Type::Number && found == Type::Integer)
        };
        self.types.is_empty() || self.types.iter().any(covers)
    }

    fn at(root: &Value, schema: &Value, depth: usize) -> Self {
        let mut shape = Self::default();
        if depth > DEPTH {
            shape.others = Some(Box::default());
            return shape;
        }
        let mut has_members = false;
        let mut is_open = false;
        for branch in branches(root, schema) {
            shape.add_types(branch);
            if let Some(members) = branch.get("properties").and_then(Value::as_object) {
                has_members = true;
                for (name, member) in members {
                    let member = Self::at(root, resolve(root, member), depth + 1);
                    match shape.members.get_mut(name) {
                        Some(known) => known.join(member),
                        None => drop(shape.members.insert(name.clone(), member)),
                    }
                }
            }
            match branch.get("additionalProperties") {
                Some(others) if others.is_object() => {
                    shape.others = Some(Box::new(Self::at(root, others, depth + 1)));
                }
                _ => {}
            }
            is_open |= branch.get("patternProperties").is_some();
            if let Some(items) = branch.get("items") {
                shape.items = Some(Box::new(Self::at(root, items, depth + 1)));
            }
        }
        if shape.others.is_none() && (!has_members || is_open) {
            shape.others = Some(Box::default());
        }
        shape
    }

    /// A part that names no type, but values, allows the values' types.
    fn add_types(&mut self, schema: &Value) {
        let named = match schema.get("type") {
            Some(Value::String(name)) => vec![name.as_str()],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let named: Vec<Type> = named.into_iter().filter_map(Type::named).collect();
        let values = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        let values = values.chain(schema.get("const")).map(Type::of);
        match named.is_empty() {
            true => self.types.extend(values),
            false => self.types.extend(named),
        }
    }

    fn join(&mut self, other: Self) {
        match other.types.is_empty() || self.types.is_empty() {
            true => self.types.clear(),
            false => self.types.extend(other.types),
        }
        for (name, member) in other.members {
            match self.members.get_mut(&name) {
                Some(known) => known.join(member),
                None => drop(self.members.insert(name, member)),
            }
        }
        self.others = self.others.take().or(other.others);
        self.items = self.items.take().or(other.items);
    }
}

impl Type {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::Text,
            "array" => Self::List,
            "object" => Self::Object,
            _ => return None,
        })
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Integer,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Object,
        }
    }
}
