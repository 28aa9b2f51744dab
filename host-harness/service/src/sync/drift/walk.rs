//! Reads a record in a stream beside the outline of its schema.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::shape::{Shape, Type};

/// Adds to `found` where a record differs. One that cannot be read differs nowhere.
pub fn differences(shape: &Shape, record: &str, found: &mut BTreeSet<String>) {
    let place = Place { shape, name: "", above: None };
    let mut reader = serde_json::Deserializer::from_str(record);
    // The connector has read it already, so what is wrong with it is told elsewhere.
    let _ = Walk { place: &place, found }.deserialize(&mut reader);
}

/// A place in the record, as its pointer without the indexes of lists.
struct Place<'p> {
    shape: &'p Shape,
    name: &'p str,
    above: Option<&'p Place<'p>>,
}

impl Place<'_> {
    fn pointer(&self) -> String {
        let Some(above) = self.above else { return String::new() };
        format!("{}/{}", above.pointer(), escaped(self.name))
    }
}

/// RFC 6901, section 3.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

struct Walk<'p, 'f> {
    place: &'p Place<'p>,
    found: &'f mut BTreeSet<String>,
}

impl Walk<'_, '_> {
    /// Whether this type may stand here; told if not.
    fn is(&mut self, found: Type) -> bool {
        let fits = self.place.shape.allows(found);
        if !fits {
            self.found.insert(self.place.pointer());
        }
        fits
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

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        self.is(Type::Null);
        Ok(())
    }

    fn visit_bool<E: Error>(mut self, _: bool) -> Result<(), E> {
        self.is(Type::Boolean);
        Ok(())
    }

    fn visit_i64<E: Error>(mut self, _: i64) -> Result<(), E> {
        self.is(Type::Integer);
        Ok(())
    }

    fn visit_u64<E: Error>(mut self, _: u64) -> Result<(), E> {
        self.is(Type::Integer);
        Ok(())
    }

    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        self.is(if value.fract() == 0.0 { Type::Integer } else { Type::Number });
        Ok(())
    }

    fn visit_str<E: Error>(mut self, _: &str) -> Result<(), E> {
        self.is(Type::Text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let fits = self.is(Type::List);
        let items = self.place.shape.items.as_deref().filter(|_| fits);
        let Some(shape) = items else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        let place = Place { shape, ..*self.place };
        while list.next_element_seed(Walk { place: &place, found: &mut *self.found })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let fits = self.is(Type::Object);
        while let Some(Name(name)) = members.next_key()? {
            let shape = self.place.shape;
            let member = shape.members.get(&*name).or(shape.others.as_deref());
            match member {
                Some(shape) if fits => {
                    let place = Place { shape, name: &name, above: Some(self.place) };
                    members.next_value_seed(Walk { place: &place, found: &mut *self.found })?;
                }
                _ => {
                    if fits {
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
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        from.deserialize_str(Reading)
    }
}
