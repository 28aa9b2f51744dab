//! One pass over an answer: its `meta`, its pagination, and where each record lies.
//!
//! A record is found, checked as JSON and cut out as text; only the few members that the
//! connector needs are read on the way. Members may come in any order (AfterShip's gateway writes
//! `data` before `meta`); of a member that comes twice the last one counts.

use std::borrow::Cow;

use connector_sdk::json::{Kind, Malformed, Reader};

/// What `meta` says of the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta<'a> {
    /// AfterShip's code; 200 or 201 when it worked.
    pub code: Option<u32>,
    /// AfterShip's words.
    pub message: Option<Cow<'a, str>>,
    /// For example `BadRequest`.
    pub kind: Option<Cow<'a, str>>,
    /// `errors` as it came, when it is there.
    pub errors: Option<&'a str>,
}

/// One item, as text, with the members that tell who it is and when it changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item<'a> {
    /// The item, token for token.
    pub raw: &'a str,
    /// `id`, or the member asked for instead, when it is a string that is not empty.
    pub id: Option<Cow<'a, str>>,
    /// `created_at`, when it is a string.
    pub created_at: Option<Cow<'a, str>>,
    /// `updated_at`, when it is a string.
    pub updated_at: Option<Cow<'a, str>>,
}

/// What `data.pagination` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pagination<'a> {
    /// Records in the whole scan.
    pub total: Option<u32>,
    /// The cursor of the next page; empty on the last one.
    pub next_cursor: Option<Cow<'a, str>>,
    /// Whether there is a next page.
    pub has_next_page: Option<bool>,
}

impl Pagination<'_> {
    /// The cursor to go on with. There is none when AfterShip says that no page follows, or
    /// names no cursor for it.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        let next = self.next_cursor.as_deref().filter(|cursor| !cursor.is_empty());
        if self.has_next_page == Some(false) { None } else { next }
    }
}

/// An answer that holds a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing<'a> {
    /// `meta`.
    pub meta: Meta<'a>,
    /// `data.{list}`; `None` when it is not there or no array.
    pub items: Option<Vec<Item<'a>>>,
    /// `data.pagination`; `None` when it is not there or no object.
    pub pagination: Option<Pagination<'a>>,
}

/// An answer that holds one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Single<'a> {
    /// `meta`.
    pub meta: Meta<'a>,
    /// `data`; `None` when it is not there.
    pub data: Option<Item<'a>>,
}

/// The member that tells who an item is, where nothing else is said.
const ID: &str = "id";

/// Reads an answer whose `data` holds the array `list`.
///
/// # Errors
/// [`Malformed`] when the text is not JSON: then nothing of it is used.
pub fn listing<'a>(text: &'a str, list: &str) -> Result<Listing<'a>, Malformed> {
    listing_by(text, list, ID)
}

/// [`listing`] of items whose member `identity` tells who they are.
///
/// # Errors
/// As [`listing`].
pub fn listing_by<'a>(text: &'a str, list: &str, identity: &str) -> Result<Listing<'a>, Malformed> {
    let mut found = (None, None);
    let meta = envelope(text, &mut |reader| {
        found = (None, None);
        if reader.kind()? != Kind::Object {
            return reader.skip().map(|_| ());
        }
        reader.open_object()?;
        while let Some(name) = reader.next_member()? {
            if name.is(list) {
                found.0 = items(reader, identity)?;
            } else if name.is("pagination") {
                found.1 = pagination(reader)?;
            } else {
                reader.skip()?;
            }
        }
        Ok(())
    })?;
    let (items, pagination) = found;
    Ok(Listing { meta, items, pagination })
}

/// Reads an answer whose `data` is one record.
///
/// # Errors
/// [`Malformed`] when the text is not JSON: then nothing of it is used.
pub fn single(text: &str) -> Result<Single<'_>, Malformed> {
    let mut data = None;
    let meta = envelope(text, &mut |reader| {
        data = Some(item(reader, ID)?);
        Ok(())
    })?;
    Ok(Single { meta, data })
}

/// Reads one record that stands alone.
///
/// # Errors
/// [`Malformed`] when the text is not JSON.
pub fn record(text: &str) -> Result<Item<'_>, Malformed> {
    let mut reader = Reader::new(text);
    let item = item(&mut reader, ID)?;
    reader.end()?;
    Ok(item)
}

/// Reads `meta`, and hands the reader to `data` where that member's value stands.
fn envelope<'a>(
    text: &'a str,
    data: &mut dyn FnMut(&mut Reader<'a>) -> Result<(), Malformed>,
) -> Result<Meta<'a>, Malformed> {
    let mut reader = Reader::new(text);
    let mut found = Meta::default();
    if reader.kind()? == Kind::Object {
        reader.open_object()?;
        while let Some(name) = reader.next_member()? {
            if name.is("meta") {
                found = meta(&mut reader)?;
            } else if name.is("data") {
                data(&mut reader)?;
            } else {
                reader.skip()?;
            }
        }
    } else {
        reader.skip()?;
    }
    reader.end()?;
    Ok(found)
}

fn meta<'a>(reader: &mut Reader<'a>) -> Result<Meta<'a>, Malformed> {
    let mut found = [None; 4];
    reader.pick(&["code", "message", "type", "errors"], &mut found)?;
    let [code, message, kind, errors] = found;
    Ok(Meta {
        code: code.and_then(|code| code.parse().ok()),
        message: message.and_then(text),
        kind: kind.and_then(text),
        errors,
    })
}

fn pagination<'a>(reader: &mut Reader<'a>) -> Result<Option<Pagination<'a>>, Malformed> {
    let is_object = reader.kind()? == Kind::Object;
    let mut found = [None; 3];
    reader.pick(&["total", "next_cursor", "has_next_page"], &mut found)?;
    let [total, next_cursor, has_next_page] = found;
    Ok(is_object.then(|| Pagination {
        total: total.and_then(|total| total.parse().ok()),
        next_cursor: next_cursor.and_then(text),
        has_next_page: has_next_page.and_then(|has| has.parse().ok()),
    }))
}

/// A value, decoded, when it is a readable string.
fn text(value: &str) -> Option<Cow<'_, str>> {
    Reader::new(value).text_or_skip().ok()?
}

fn items<'a>(reader: &mut Reader<'a>, identity: &str) -> Result<Option<Vec<Item<'a>>>, Malformed> {
    if reader.kind()? != Kind::List {
        reader.skip()?;
        return Ok(None);
    }
    let mut items = Vec::with_capacity(200);
    reader.open_list()?;
    while reader.next_item()? {
        items.push(item(reader, identity)?);
    }
    Ok(Some(items))
}

fn item<'a>(reader: &mut Reader<'a>, identity: &str) -> Result<Item<'a>, Malformed> {
    let mut found = [None; 3];
    let raw = reader.pick(&[identity, "created_at", "updated_at"], &mut found)?;
    let [id, created_at, updated_at] = found.map(|value| value.and_then(text));
    Ok(Item { raw, id: id.filter(|id| !id.is_empty()), created_at, updated_at })
}

#[cfg(test)]
mod tests;
