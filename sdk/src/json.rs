//! JSON text, read where it lies and written from what was read.
//!
//! [`Reader`] is of the crate `connector-json`, which is compiled for speed. What is here meets small
//! texts only: [`Value`] is a tree for the inputs that are checked against a schema, and [`Writer`]
//! joins slices into new objects.

mod nulled;
mod value;
mod writer;

pub use connector_json::{
    Kind, MAX_DEPTH, Malformed, Member, Reader, Text, member, strip_escaped, text_member,
};
pub use nulled::nulled;
pub use value::Value;
pub use writer::{Writer, quoted};

/// The members of an object: names, decoded, and values, as text. Of anything else there are none.
///
/// # Errors
/// [`Malformed`] when the text is not JSON, or a name holds half a surrogate pair.
pub fn members(object: &str) -> Result<Vec<(String, &str)>, Malformed> {
    let mut reader = Reader::new(object);
    if reader.kind()? != Kind::Object {
        return Ok(Vec::new());
    }
    let members = reader.members()?.into_iter();
    let named = members.map(|member| Some((member.name.decode()?.into_owned(), member.value)));
    named.collect::<Option<_>>().ok_or_else(|| reader.malformed("a whole character"))
}

/// One level of a JSON Merge Patch (RFC 7396): the members of `patch` win over those of `current`,
/// and what it sets to null is left out.
#[must_use]
pub fn merged(current: &str, patch: &str) -> String {
    let patched = members(patch).unwrap_or_default();
    let kept = members(current).unwrap_or_default();
    let kept = kept.iter().filter(|(name, _)| patched.iter().all(|(other, _)| other != name));
    let mut merged = Writer::new();
    for (name, value) in kept.chain(patched.iter().filter(|(_, value)| *value != "null")) {
        merged.raw(name, value);
    }
    merged.finish()
}

/// A member's name as a piece of a JSON Pointer (RFC 6901 section 3).
#[must_use]
pub fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
