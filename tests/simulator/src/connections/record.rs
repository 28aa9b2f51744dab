//! One courier connection at rest.

use std::fmt;

use crate::body::{Object, is_slug};
use crate::dates;
use crate::members::Members;

/// One connection.
#[derive(Clone)]
pub(super) struct Connection {
    /// `id`.
    pub(super) id: Box<str>,
    /// `courier_slug`.
    pub(super) courier_slug: Box<str>,
    /// `created_at` in milliseconds. Finer than the text, which shows whole seconds.
    pub(super) created_ms: u64,
    /// The whole connection as JSON text, credentials included.
    text: Box<str>,
}

impl Connection {
    /// A connection that is made now.
    pub(super) fn new(id: &str, courier_slug: &str, credentials: &Object, now_ms: u64) -> Self {
        let now = dates::format_utc(now_ms);
        let mut members = Members::default();
        members.set_text("id", id);
        members.set_text("courier_slug", courier_slug);
        members.set("credentials", json(credentials));
        members.set_text("created_at", &now);
        members.set_text("updated_at", &now);
        let text = members.render().into();
        Self { id: id.into(), courier_slug: courier_slug.into(), created_ms: now_ms, text }
    }

    /// Reads a connection from compact JSON text; the error names the member that is wrong.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let members = Members::parse(text).ok_or("not a JSON object")?;
        let needed = |name: &str| {
            let given = members.text(name).filter(|text| !text.is_empty());
            given.ok_or_else(|| format!("a connection needs a text `{name}`"))
        };
        let time = |name: &str| {
            let ms = dates::parse_stored(&needed(name)?);
            ms.ok_or_else(|| format!("`{name}` of a connection is no time"))
        };
        let courier_slug = needed("courier_slug")?;
        if !is_slug(&courier_slug) {
            return Err("`courier_slug` of a connection is no slug".to_owned());
        }
        time("updated_at")?;
        let connection = Self {
            id: needed("id")?.into(),
            courier_slug: courier_slug.into(),
            created_ms: time("created_at")?,
            text: text.into(),
        };
        let texts = |credentials: Object| credentials.values().all(serde_json::Value::is_string);
        match members.raw("credentials").map(serde_json::from_str).and_then(Result::ok).map(texts) {
            Some(true) => Ok(connection),
            _ => Err("`credentials` of a connection are no texts by name".to_owned()),
        }
    }

    /// The same with other credentials, its `updated_at` moved to now.
    pub(super) fn with_credentials(&self, credentials: &Object, now_ms: u64) -> Self {
        let mut members = self.members();
        members.set("credentials", json(credentials));
        members.set_text("updated_at", &dates::format_utc(now_ms));
        let text = members.render().into();
        Self { text, ..self.clone() }
    }

    /// The members.
    pub(super) fn members(&self) -> Members<'_> {
        // What is stored was parsed or written by us, so there always is an object.
        Members::parse(&self.text).unwrap_or_default()
    }

    /// `credentials`.
    pub(super) fn credentials(&self) -> Object {
        let members = self.members();
        let raw = members.raw("credentials");
        raw.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }

    /// The whole connection as JSON text, credentials included.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// Credentials stay out of debug output.
impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("id", &self.id)
            .field("courier_slug", &self.courier_slug)
            .finish_non_exhaustive()
    }
}

fn json(object: &Object) -> String {
    serde_json::to_string(object).unwrap_or_else(|_| "{}".to_owned())
}
