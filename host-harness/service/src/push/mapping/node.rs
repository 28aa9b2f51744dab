//! JSON that is put together of pieces of text, digit for digit.

use serde_json::Value;
use serde_json::value::RawValue;

/// A value under construction.
#[derive(Debug, Clone)]
pub enum Node {
    /// JSON as it stood in the source.
    Text(String),
    /// Members in the order in which they came.
    Object(Vec<(String, Node)>),
    /// Items by their places; those that nobody filled are missing.
    Array(Vec<(String, Node)>),
}

impl Default for Node {
    fn default() -> Self {
        Self::Object(vec![])
    }
}

impl Node {
    /// Puts `json` where `path` leads. A step that is a number is a place in an array, but for
    /// the first.
    pub fn set(&mut self, path: &[String], json: String) {
        let Some((step, rest)) = path.split_first() else {
            *self = Self::Text(json);
            return;
        };
        // Paths do not lead through one another.
        let (Self::Object(children) | Self::Array(children)) = self else { return };
        let at = children.iter().position(|(name, _)| name == step).unwrap_or_else(|| {
            children.push((step.clone(), Self::for_step(rest)));
            children.len() - 1
        });
        if let Some((_, child)) = children.get_mut(at) {
            child.set(rest, json);
        }
    }

    fn for_step(path: &[String]) -> Self {
        match path.first() {
            Some(step) if step.parse::<usize>().is_ok() => Self::Array(vec![]),
            _ => Self::default(),
        }
    }

    /// As JSON.
    pub fn json(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Object(members) => {
                let members = members
                    .into_iter()
                    .map(|(name, child)| format!("{}:{}", Value::from(name), child.json()));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
            Self::Array(mut items) => {
                items.sort_by_key(|(place, _)| place.parse::<usize>().unwrap_or_default());
                let items = items.into_iter().map(|(_, child)| child.json());
                format!("[{}]", items.collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// The steps of a JSON Pointer (RFC 6901); `None` when it is none.
pub fn tokens(pointer: &str) -> Option<Vec<String>> {
    let rest = pointer.strip_prefix('/')?;
    let unescaped = |token: &str| token.replace("~1", "/").replace("~0", "~");
    Some(rest.split('/').map(unescaped).collect())
}

/// The JSON where `pointer` leads. Null is as good as missing.
pub fn at<'t>(json: &'t str, pointer: &str) -> Option<&'t str> {
    let mut found = json;
    for token in tokens(pointer)? {
        found = if found.starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(found).ok()?;
            items.get(token.parse::<usize>().ok()?)?.get()
        } else {
            member(found, &token)?
        };
    }
    (found != "null").then_some(found)
}

/// A member's JSON, as a piece of the object's text.
fn member<'t>(object: &'t str, name: &str) -> Option<&'t str> {
    let members: std::collections::BTreeMap<std::borrow::Cow<'t, str>, &'t RawValue> =
        serde_json::from_str(object.trim()).ok()?;
    members.get(name).map(|value| value.get())
}
