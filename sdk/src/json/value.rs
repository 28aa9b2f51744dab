//! A small tree of one JSON document, for inputs and schemas.

use std::borrow::Cow;

use super::{Kind, Malformed, Reader};

/// One JSON value. Numbers stay text: nobody here calculates with them, and so they keep their
/// digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(&'a str),
    /// A string, decoded.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Self>),
    /// An object: its members in order, equal names included.
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Value<'a> {
    /// Reads one whole document.
    ///
    /// # Errors
    /// [`Malformed`] when `text` is not one JSON value, or holds half a surrogate pair.
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut reader = Reader::new(text);
        let value = Self::read(&mut reader)?;
        reader.end()?;
        Ok(value)
    }

    // Recursion is bounded by the reader's `MAX_DEPTH`.
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(match reader.kind()? {
            Kind::Null => {
                reader.skip()?;
                Self::Null
            }
            Kind::Bool => Self::Bool(reader.skip()? == "true"),
            Kind::Number => Self::Number(reader.skip()?),
            Kind::Text => Self::Text(reader.decoded()?),
            Kind::List => {
                let mut items = Vec::new();
                reader.open_list()?;
                while reader.next_item()? {
                    items.push(Self::read(reader)?);
                }
                Self::List(items)
            }
            Kind::Object => {
                let mut members = Vec::new();
                reader.open_object()?;
                while let Some(name) = reader.next_member()? {
                    let name =
                        name.decode().ok_or_else(|| reader.malformed("a whole character"))?;
                    members.push((name, Self::read(reader)?));
                }
                Self::Object(members)
            }
        })
    }

    /// The member of this object with this name; the last one if it comes twice.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().rev().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// The members of an object; none for anything else.
    #[must_use]
    pub fn members(&self) -> &[(Cow<'a, str>, Self)] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    /// The items of an array; none for anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The string, when this is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number as a whole one, when this is a number written as an integer.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        if let Self::Number(digits) = self { digits.parse().ok() } else { None }
    }
}
