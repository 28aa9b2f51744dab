//! The position inside one scan.
//!
//! A cursor holds all that the next page needs, because the connector remembers nothing: the
//! query as it was frozen when the scan began (most providers want the same filters with their cursor),
//! the page size, when the scan began, what its end promises, and the provider's own cursor. It is a
//! small JSON object, opaque to the host.

use crate::Query;
use crate::bookmark::digest;
use crate::contract::{Error, Page};
use crate::json::{Value, Writer};

const VERSION: &str = "1";

/// Few providers say how long their cursors live; one older than a day is not tried.
const LONGEST_LIFE_MS: u64 = 86_400_000;

/// Change times that a scan covers, as the provider writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// From here, included.
    pub since: Option<String>,
    /// Up to here, included.
    pub until: Option<String>,
}

impl Window {
    /// Tells it with a page, as the member `window` of its `more`.
    pub fn tell(&self, page: &mut Page) {
        page.more.push(("window".to_owned(), self.write()));
    }

    fn write(&self) -> String {
        let mut bounds = Writer::new();
        add(&mut bounds, "since", self.since.as_deref());
        add(&mut bounds, "until", self.until.as_deref());
        bounds.finish()
    }
}

/// One scan under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// The query without `limit` and `cursor`, the same on each page.
    pub query: Query,
    /// Records asked for on each page.
    pub page_size: u32,
    /// The change times that it covers.
    pub window: Option<Window>,
    /// What to hand out with the last page.
    pub bookmark: Option<String>,
    /// The provider's cursor for the next page; `None` on the first.
    pub position: Option<Position>,
}

/// Where in the provider's list a scan stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The provider's cursor, verbatim.
    pub cursor: String,
    /// Digest of the first cursor of this scan.
    first: u64,
}

impl Scan {
    /// Goes on to the provider's cursor `next`.
    ///
    /// # Errors
    /// Internal when the provider comes back to the cursor just used, or to the first
    /// one: the scan would never end.
    pub fn advance(&mut self, next: &str) -> Result<(), Error> {
        let hash = digest([next]);
        let first = match &self.position {
            Some(position) if position.cursor == next || position.first == hash => {
                return Err(Error::internal(
                    "The provider's list repeats itself: it named a cursor that this scan has used. \
                     The pages so far are good; report it if a new scan ends the same way.",
                ));
            }
            Some(position) => position.first,
            None => hash,
        };
        self.position = Some(Position { cursor: next.to_owned(), first });
        Ok(())
    }

    /// The text handed to the host.
    #[must_use]
    pub fn encode(&self, object: &str) -> String {
        let mut writer = Writer::new();
        writer.raw("v", VERSION);
        writer.text("object", object);
        writer.raw("began", &self.began_ms.to_string());
        writer.raw("size", &self.page_size.to_string());
        let mut query = Writer::new();
        for (name, value) in self.query.pairs() {
            query.text(name, value);
        }
        writer.raw("query", &query.finish());
        if let Some(window) = &self.window {
            writer.raw("window", &window.write());
        }
        add(&mut writer, "bookmark", self.bookmark.as_deref());
        if let Some(position) = &self.position {
            writer.text("cursor", &position.cursor);
            writer.text("first", &format!("{:x}", position.first));
        }
        writer.finish()
    }

    /// Reads what [`Scan::encode`] wrote.
    ///
    /// # Errors
    /// Cursor-expired for a cursor of another version or object, one older than 24
    /// hours, or none at all.
    pub fn decode(object: &str, text: &str, now_ms: u64) -> Result<Self, Error> {
        let expired = |why| {
            Error::cursor_expired(format!(
                "The cursor cannot be used: {why}. Start the scan again."
            ))
        };
        let foreign = || expired("this version of the connector did not write it");
        let cursor = Value::parse(text).map_err(|_| foreign())?;
        if cursor.get("v") != Some(&Value::Number(VERSION)) {
            return Err(foreign());
        }
        let text = |name| cursor.get(name).and_then(Value::text).map(str::to_owned);
        if text("object").as_deref() != Some(object) {
            return Err(expired("it is of another object"));
        }
        let number = |name| cursor.get(name).and_then(Value::integer);
        let began_ms = number("began").and_then(|ms| u64::try_from(ms).ok()).ok_or_else(foreign)?;
        if now_ms.saturating_sub(began_ms) > LONGEST_LIFE_MS {
            return Err(expired("its scan began more than 24 hours ago"));
        }
        let page_size = number("size").and_then(|n| u32::try_from(n).ok()).ok_or_else(foreign)?;
        let mut query = Query::new();
        for (name, value) in cursor.get("query").ok_or_else(foreign)?.members() {
            query.add(name.as_ref(), value.text().ok_or_else(foreign)?);
        }
        let window = cursor.get("window").map(|window| {
            let bound = |name| window.get(name).and_then(Value::text).map(str::to_owned);
            Window { since: bound("since"), until: bound("until") }
        });
        let first = text("first").and_then(|hash| u64::from_str_radix(&hash, 16).ok());
        let (cursor, first) = text("cursor").zip(first).ok_or_else(foreign)?;
        let (bookmark, position) = (text("bookmark"), Some(Position { cursor, first }));
        Ok(Self { began_ms, query, page_size, window, bookmark, position })
    }
}

fn add(writer: &mut Writer, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        writer.text(name, value);
    }
}

#[cfg(test)]
mod tests;
