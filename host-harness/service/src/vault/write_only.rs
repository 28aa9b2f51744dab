//! ObjectMembers of inputs whose schema says `writeOnly`: secrets, found and sealed where they stand.
//!
//! The rest of a text stays as it is, digit for digit. A sealed member is a string that begins
//! with a mark; strings that begin so by themselves are sealed too, so that opening needs no
//! schema and mistakes nothing.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_state::Sealed;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use super::{Key, SealContext, SealError};
use crate::schema::{Schema, escaped};

/// How the text of a sealed member begins.
const MARK: &str = "sealed:1:";
/// Levels of a document that are looked at: as many as serde_json itself reads.
const LEVELS: usize = 128;

/// Why members cannot be sealed or opened.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
pub enum MembersError {
    /// The schema is none.
    #[error(
        "the connector's schema is no JSON, so it does not tell what is secret; tell its author"
    )]
    NoSchema,
    /// The input is none.
    #[error("the input is no JSON, so it does not tell what is secret in it")]
    NoInput,
    /// Too many levels.
    #[error("the input is nested deeper than {LEVELS} levels; make it flatter")]
    TooDeep,
    /// A member does not seal or open.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The texts and numbers in `input` that `schema` calls write-only, or that lie in such a member.
///
/// # Errors
/// [`MembersError`].
pub fn values(schema: &str, input: &str) -> Result<Vec<Value>, MembersError> {
    let mut leaves = Vec::new();
    for member in find(Some(schema), input)?.into_iter().filter(|member| member.write_only) {
        add_leaves(parsed(member.json)?, &mut leaves);
    }
    Ok(leaves)
}

fn add_leaves(value: Value, leaves: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.into_iter().for_each(|item| add_leaves(item, leaves)),
        Value::Object(members) => {
            members.into_iter().for_each(|(_, member)| add_leaves(member, leaves));
        }
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) | Value::String(_) => leaves.push(value),
    }
}

/// `input` with every write-only member sealed for `place` and its own place in the text.
///
/// # Errors
/// [`MembersError`].
pub(crate) fn seal_members(
    key: &Key,
    place: SealContext<'_>,
    schema: &str,
    input: &str,
) -> Result<String, MembersError> {
    replace(input, find(Some(schema), input)?, |member| {
        let name = member.name(place);
        let sealed = key.seal(SealContext { name: &name, ..place }, member.json.as_bytes())?;
        Ok(format!("\"{MARK}{}\"", STANDARD.encode(sealed.0)))
    })
}

/// Undoes [`seal_members`].
///
/// # Errors
/// [`MembersError`].
pub(crate) fn open_members(
    key: &Key,
    place: SealContext<'_>,
    text: &str,
) -> Result<String, MembersError> {
    replace(text, find(None, text)?, |member| {
        let sealed: Cow<'_, str> = parsed::<JsonText<'_>>(member.json)?.0;
        let sealed = sealed.strip_prefix(MARK).and_then(|code| STANDARD.decode(code).ok());
        let sealed = Sealed(sealed.ok_or(SealError::NotOurs)?);
        let name = member.name(place);
        let json = key.open(SealContext { name: &name, ..place }, &sealed)?;
        Ok(String::from_utf8(json.expose().to_vec()).map_err(|_| SealError::NotOurs)?)
    })
}

/// `input` with `[write-only]` in the place of every write-only member.
///
/// # Errors
/// [`MembersError`].
pub(crate) fn hide_members(schema: &str, input: &str) -> Result<String, MembersError> {
    let mut secrets = find(Some(schema), input)?;
    secrets.retain(|member| member.write_only);
    replace(input, secrets, |_| Ok("\"[write-only]\"".to_owned()))
}

/// A piece of a text that is sealed, or to be.
struct SecretMember<'t> {
    /// Where it stands: a JSON Pointer (RFC 6901).
    pointer: String,
    /// Its JSON, a part of the text.
    json: &'t str,
    /// A secret; otherwise it only begins with the mark.
    write_only: bool,
}

impl SecretMember<'_> {
    fn name(&self, place: SealContext<'_>) -> String {
        format!("{}#{}", place.name, self.pointer)
    }
}

fn find<'t>(schema: Option<&str>, text: &'t str) -> Result<Vec<SecretMember<'t>>, MembersError> {
    let schema = schema.map(serde_json::from_str).transpose();
    let root: Option<Value> = schema.map_err(|_| MembersError::NoSchema)?;
    let schema = root.as_ref().map(Schema::of);
    let mut found = Vec::new();
    let text: &RawValue = parsed(text)?;
    look(schema.as_ref(), text.get(), String::new(), 0, &mut found)?;
    Ok(found)
}

fn look<'t>(
    schema: Option<&Schema<'_>>,
    json: &'t str,
    pointer: String,
    level: usize,
    found: &mut Vec<SecretMember<'t>>,
) -> Result<(), MembersError> {
    if level > LEVELS {
        return Err(MembersError::TooDeep);
    }
    let write_only = schema.is_some_and(Schema::is_write_only);
    if write_only || marked(json)? {
        found.push(SecretMember { pointer, json, write_only });
    } else if json.starts_with('{') {
        for (name, member) in parsed::<ObjectMembers<'_>>(json)?.0 {
            let below = schema.and_then(|schema| schema.property(&name));
            let pointer = format!("{pointer}/{}", escaped(&name));
            look(below.as_ref(), member.get(), pointer, level + 1, found)?;
        }
    } else if json.starts_with('[') {
        let items = schema.and_then(Schema::items);
        for (index, item) in parsed::<Vec<&RawValue>>(json)?.into_iter().enumerate() {
            look(items.as_ref(), item.get(), format!("{pointer}/{index}"), level + 1, found)?;
        }
    }
    Ok(())
}

fn marked(json: &str) -> Result<bool, MembersError> {
    Ok(json.starts_with('"') && parsed::<JsonText<'_>>(json)?.0.starts_with(MARK))
}

/// `text` with other JSON in the place of `members`, which stand in it one after the other.
fn replace(
    text: &str,
    members: Vec<SecretMember<'_>>,
    mut other: impl FnMut(&SecretMember<'_>) -> Result<String, MembersError>,
) -> Result<String, MembersError> {
    let mut replaced = String::with_capacity(text.len());
    let mut done = 0;
    for member in members {
        // Both point into the same text.
        let begin = member.json.as_ptr() as usize - text.as_ptr() as usize;
        replaced.push_str(text.get(done..begin).unwrap_or_default());
        replaced.push_str(&other(&member)?);
        done = begin + member.json.len();
    }
    replaced.push_str(text.get(done..).unwrap_or_default());
    Ok(replaced)
}

fn parsed<'t, T: Deserialize<'t>>(json: &'t str) -> Result<T, MembersError> {
    serde_json::from_str(json).map_err(|_| MembersError::NoInput)
}

#[derive(Deserialize)]
struct JsonText<'t>(#[serde(borrow)] Cow<'t, str>);

/// The members of an object as they stand there, those named twice too.
struct ObjectMembers<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'t> Deserialize<'t> for ObjectMembers<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'t> Visitor<'t> for All {
            type Value = ObjectMembers<'t>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some((JsonText(name), json)) = map.next_entry()? {
                    all.push((name, json));
                }
                Ok(ObjectMembers(all))
            }
        }
        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: SealContext<'_> =
        SealContext { connection: "c", kind: "intent", name: "i", version: 1 };

    const SCHEMA: &str = r##"{
        "properties": {
            "login": { "$ref": "#/$defs/login" },
            "more": { "type": "array", "items": { "$ref": "#/$defs/login" } },
            "keys": { "writeOnly": true, "type": "object" }
        },
        "$defs": { "login": { "anyOf": [
            { "properties": { "pass~/word": { "type": "string", "writeOnly": true } } },
            { "properties": { "next": { "$ref": "#/$defs/login" } } }
        ] } }
    }"##;

    const INPUT: &str = r#" { "total" : 1.10, "id":12345678901234567890,
        "login":{"pass~/word":"pw\u00e9", "next": {"pass~/word":  7.50 , "x":"é"}},
        "more":[{"user":"u"},{"pass~/word":null,"pass~/word":"twice"}],
        "keys":{"a":["b" ]},"note":"sealed:1:by hand" } "#;

    #[test]
    fn write_only_members_do_not_show() {
        let hidden = hide_members(SCHEMA, INPUT).unwrap();
        assert!(hidden.contains(r#""pass~/word":"[write-only]", "next""#), "{hidden}");
        assert!(hidden.contains(r#""keys":"[write-only]","note":"sealed:1:by hand""#), "{hidden}");
        assert!(!hidden.contains("7.50") && !hidden.contains("twice"), "{hidden}");
    }

    #[test]
    fn members_are_sealed_and_come_back_to_the_letter() {
        let key = Key::random().unwrap();
        let sealed = seal_members(&key, PLACE, SCHEMA, INPUT).unwrap();
        // None of them could stand in base64 by chance.
        for secret in ["pw\\u", "7.50", "\"twice\"", ":null", "\"b\"", "by hand"] {
            assert!(INPUT.contains(secret), "{secret}");
            assert!(!sealed.contains(secret), "{sealed}");
        }
        for plain in [" { \"total\" : 1.10, \"id\":12345678901234567890,", "\"x\":\"é\"}}", "\"u\""]
        {
            assert!(sealed.contains(plain), "{sealed}");
        }
        serde_json::from_str::<Value>(&sealed).unwrap();
        assert_eq!(open_members(&key, PLACE, &sealed).unwrap(), INPUT);
    }

    #[test]
    fn a_sealed_member_opens_only_at_its_place() {
        let key = Key::random().unwrap();
        let input = r#"{"login":{"pass~/word":"one","next":{"pass~/word":"two"}}}"#;
        let sealed = seal_members(&key, PLACE, SCHEMA, input).unwrap();
        let json: Value = serde_json::from_str(&sealed).unwrap();
        let (one, two) = (&json["login"]["pass~/word"], &json["login"]["next"]["pass~/word"]);
        let swapped = serde_json::json!(
            { "login": { "pass~/word": two, "next": { "pass~/word": one } } }
        );
        let not_ours = Err(MembersError::Seal(SealError::NotOurs));
        assert_eq!(open_members(&key, PLACE, &swapped.to_string()), not_ours);
        let other = SealContext { version: 2, ..PLACE };
        assert_eq!(open_members(&key, other, &sealed), not_ours);
        assert_eq!(open_members(&Key::random().unwrap(), PLACE, &sealed), not_ours);
        let forged = r#"{"a":"sealed:1:AAAA"}"#;
        assert_eq!(open_members(&key, PLACE, forged), not_ours);
    }

    #[test]
    fn what_holds_none_stays_as_it_is() {
        let key = Key::random().unwrap();
        for input in [r#"{"a": 1.0}"#, "[ ]", "\"text\"", " 1.50 "] {
            assert_eq!(seal_members(&key, PLACE, SCHEMA, input).unwrap(), input);
            assert_eq!(open_members(&key, PLACE, input).unwrap(), input);
        }
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let key = Key::random().unwrap();
        let refused = |schema, input| seal_members(&key, PLACE, schema, input).unwrap_err();
        assert_eq!(refused("{", "{}"), MembersError::NoSchema);
        assert_eq!(refused("{}", "{"), MembersError::NoInput);
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(matches!(refused("{}", &deep), MembersError::TooDeep | MembersError::NoInput));
    }

    /// As many alternatives in each level as there are: 2^60 ways to one member.
    #[test]
    fn schemas_that_refer_to_themselves_come_to_an_end() {
        let schema = r##"{ "anyOf": [{ "$ref": "#/$defs/a" }, { "$ref": "#/$defs/b" }], "$defs": {
            "a": { "properties": { "n": { "anyOf": [{ "$ref": "#/$defs/a" }, { "$ref": "#/$defs/b" }] } } },
            "b": { "properties": { "n": { "anyOf": [{ "$ref": "#/$defs/a" }, { "$ref": "#/$defs/b" }] },
                "s": { "writeOnly": true } } } } }"##;
        let input = format!("{}{{\"s\":\"x\"}}{}", "{\"n\":".repeat(60), "}".repeat(60));
        assert_eq!(values(schema, &input).unwrap(), ["x"]);
    }
}
