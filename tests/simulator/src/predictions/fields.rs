//! The members of an object in a body, each with its path for the refusal.
//!
//! Source: AfterShip API 2026-07, POST /estimated-delivery-date/predict; its example of a refusal
//! has code 400.

use serde_json::Value;
use time::PrimitiveDateTime;

use crate::body::Object;
use crate::dates;
use crate::errors::ApiError;
use crate::query::refused;

/// An object and where it stands in the body.
pub(super) struct Fields<'a> {
    members: &'a Object,
    path: String,
}

impl<'a> Fields<'a> {
    /// An object of a known place: `""`, or a path that ends in a dot. Unless `lenient`, only
    /// `known` members pass.
    pub(super) fn new(
        members: &'a Object,
        path: String,
        known: &[&str],
        lenient: bool,
    ) -> Result<Self, ApiError> {
        let fields = Self { members, path };
        match members.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) if !lenient => Err(fields.refused(name, "is not a member of this body")),
            _ => Ok(fields),
        }
    }

    /// A member; null counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// A member that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&'a Value, ApiError> {
        self.get(name).ok_or_else(|| self.refused(name, "is required"))
    }

    /// A member that is an object with known members.
    pub(super) fn object(
        &self,
        name: &str,
        value: &'a Value,
        known: &[&str],
        lenient: bool,
    ) -> Result<Fields<'a>, ApiError> {
        let members = value.as_object().ok_or_else(|| self.refused(name, "must be an object"))?;
        Fields::new(members, format!("{}{name}.", self.path), known, lenient)
    }

    /// A member that is a text of up to so many characters.
    pub(super) fn text(&self, name: &str, longest: usize) -> Result<Option<&'a str>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().filter(|text| text.chars().count() <= longest);
        let rule = format!("must be a text of up to {longest} characters");
        text.map(Some).ok_or_else(|| self.refused(name, &rule))
    }

    /// A member that reads as something.
    pub(super) fn read<T>(
        &self,
        name: &str,
        rule: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.refused(name, rule))
    }

    /// A member that is a time of the place where a parcel starts; an empty one counts as absent.
    pub(super) fn local_time(&self, name: &str) -> Result<Option<PrimitiveDateTime>, ApiError> {
        if self.get(name).and_then(Value::as_str) == Some("") {
            return Ok(None);
        }
        let time = |value: &Value| value.as_str().and_then(dates::parse_local);
        self.read(name, "must be a time like 2026-11-22 15:00:00", time)
    }

    /// The refusal of a member.
    pub(super) fn refused(&self, name: &str, rule: &str) -> ApiError {
        refused(&format!("{}{name}", self.path), rule)
    }
}
