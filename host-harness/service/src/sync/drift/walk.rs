//! Reads a record in a stream beside the outline of its schema.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::outline::Outline;
use crate::schema::escaped;

/// Adds to `found` where a record differs. One that cannot be read differs nowhere.
pub fn differences(outline: &Outline, record: &str, found: &mut BTreeSet<String>) {
    let place = Position { outline, name: "", above: None };
    let mut reader = serde_json::Deserializer::from_str(record);
    // The connector has read it already, so what is wrong with it is told elsewhere.
    let _ = Walk { place: &place, found }.deserialize(&mut reader);
}

/// A place in the record, as its pointer without the indexes of lists.
struct Position<'p> {
    outline: &'p Outline,
    name: &'p str,
    above: Option<&'p Position<'p>>,
}

impl Position<'_> {
    fn pointer(&self) -> String {
        let Some(above) = self.above else { return String::new() };
        format!("{}/{}", above.pointer(), escaped(self.name))
    }
}

struct Walk<'p, 'f> {
    place: &'p Position<'p>,
    found: &'f mut BTreeSet<String>,
}

impl Walk<'_, '_> {
    /// Whether this type may stand here; told if not.
    fn is(&mut self, found: &str) -> bool {
        let fits = self.place.outline.allows(found);
        if !fits {
            self.found.insert(self.place.pointer());
        }
        fits
    }

    fn leaf<E>(mut self, found: &str) -> Result<(), E> {
        self.is(found);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.leaf("null")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.leaf("boolean")
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.leaf("integer")
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.leaf("integer")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.leaf(if value.fract() == 0.0 { "integer" } else { "number" })
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.leaf("string")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let fits = self.is("array");
        let items = self.place.outline.items.as_deref().filter(|_| fits);
        let Some(outline) = items else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        let place = Position { outline, ..*self.place };
        while list.next_element_seed(Walk { place: &place, found: &mut *self.found })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let fits = self.is("object");
        while let Some(Name(name)) = members.next_key()? {
            let outline = self.place.outline;
            let member = outline.members.get(&*name).or(outline.others.as_deref());
            match member {
                Some(outline) if fits => {
                    let place = Position { outline, name: &name, above: Some(self.place) };
                    members.next_value_seed(Walk { place: &place, found: &mut *self.found })?;
                }
                _ => {
                    if fits && !outline.is_open {
                        let new = format!("{}/{}", self.place.pointer(), escaped(&name));
                        self.found.insert(new);
                    }
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A member's name, borrowed where it holds no escapes.
#[derive(Deserialize)]
struct Name<'n>(#[serde(borrow)] Cow<'n, str>);
