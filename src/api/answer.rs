//! An answer that worked, and reading it.

use super::fault::{self, Context};
use super::page::{self, Item, Listing, Meta};
use crate::api::table::Body;
use connector_sdk::{
    DataRecord, Error, Page, Unreadable, dates, hidden::Hidden, json::Malformed, served::Served,
};

/// What the status line and headers of an answer say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// `as-trace-id`.
    pub request_id: Option<String>,
    /// How long AfterShip asks to wait.
    pub wait_ms: Option<u32>,
    /// Whether a readable `retry-after` said so.
    pub retry_after: bool,
    /// `location`, where a redirect leads.
    pub location: Option<String>,
}

/// AfterShip's answer to one call.
#[derive(Clone, Debug)]
pub struct Answer {
    context: Context,
    head: Head,
    body: String,
    hidden: Hidden,
    served: Option<Served>,
}

impl Answer {
    pub(super) fn new(context: Context, head: Head, body: String, hidden: Hidden) -> Self {
        Self { context, head, body, hidden, served: None }
    }

    /// The same answer, made at this time.
    pub(super) fn at(self, served: Option<Served>) -> Self {
        Self { served, ..self }
    }

    /// When it was made, if it tells.
    #[must_use]
    pub fn served(&self) -> Option<Served> {
        self.served
    }

    pub(super) fn status(&self) -> u16 {
        self.head.status
    }

    /// Statuses that announce an answer without content (RFC 9110 section 15.3).
    pub(super) fn is_without_content(&self) -> bool {
        matches!(self.head.status, 204 | 205) && self.body.is_empty()
    }

    /// The list `data.{list}` with its pagination.
    ///
    /// # Errors
    /// As the error table says of an answer that cannot be read or has another shape.
    pub fn listing(&self, list: &str) -> Result<(Listing<'_>, Vec<Item<'_>>), Error> {
        self.read_list(page::listing(&self.body, list))
    }

    /// [`Answer::listing`] of items whose member `identity` tells who they are.
    ///
    /// # Errors
    /// As [`Answer::listing`].
    pub fn listing_by(
        &self,
        list: &str,
        identity: &str,
    ) -> Result<(Listing<'_>, Vec<Item<'_>>), Error> {
        self.read_list(page::listing_by(&self.body, list, identity))
    }

    fn read_list<'a>(
        &self,
        listing: Result<Listing<'a>, Malformed>,
    ) -> Result<(Listing<'a>, Vec<Item<'a>>), Error> {
        let mut listing = listing.map_err(|_| self.unreadable())?;
        self.accept(&listing.meta)?;
        match listing.items.take() {
            Some(items) => Ok((listing, items)),
            None => Err(self.other_shape("it holds no list of records")),
        }
    }

    /// The record `data`.
    ///
    /// # Errors
    /// As [`Answer::listing`]; a record without an id has another shape.
    pub fn record(&self) -> Result<DataRecord, Error> {
        self.whole_record()?.ok_or_else(|| self.other_shape("its record has no id"))
    }

    /// The record `data`, or `None` when it has no id.
    ///
    /// # Errors
    /// As [`Answer::listing`].
    pub fn whole_record(&self) -> Result<Option<DataRecord>, Error> {
        self.item().map(to_record)
    }

    /// The text of `data`.
    ///
    /// # Errors
    /// As [`Answer::listing`].
    pub fn data(&self) -> Result<&str, Error> {
        self.item().map(|item| item.raw)
    }

    /// Only that it worked.
    ///
    /// # Errors
    /// As [`Answer::listing`].
    pub fn done(&self) -> Result<(), Error> {
        if self.is_without_content() {
            return Ok(());
        }
        let single = page::single(&self.body).map_err(|_| self.unreadable())?;
        self.accept(&single.meta)
    }

    /// The answer is JSON but lacks what the call needs; `why` completes "the answer is not what
    /// AfterShip documents: ...".
    #[must_use]
    pub fn other_shape(&self, why: &'static str) -> Error {
        self.fault(Body::OtherShape, Some(why))
    }

    pub(super) fn fault(&self, body: Body, why: Option<&'static str>) -> Error {
        fault::answered(self.context, &self.head, &self.body, body, why, &self.hidden)
    }

    fn unreadable(&self) -> Error {
        self.fault(Body::Unreadable, None)
    }

    fn item(&self) -> Result<Item<'_>, Error> {
        let single = page::single(&self.body).map_err(|_| self.unreadable())?;
        self.accept(&single.meta)?;
        single.data.ok_or_else(|| self.other_shape("it holds no data"))
    }

    /// A 200 may wrap an error: then `meta.code` tells.
    fn accept(&self, meta: &Meta<'_>) -> Result<(), Error> {
        match meta.code {
            Some(400..) => Err(self.fault(Body::Json, None)),
            _ => Ok(()),
        }
    }
}

/// The item as a record; `None` without an id. Times that are no timestamps are left out: hosts
/// compare them.
#[must_use]
pub fn to_record(item: Item<'_>) -> Option<DataRecord> {
    let timestamp = |time: Option<std::borrow::Cow<'_, str>>| {
        time.filter(|text| dates::parse(text).is_some()).map(String::from)
    };
    Some(DataRecord {
        id: item.id?.into_owned(),
        updated_at: timestamp(item.updated_at),
        created_at: timestamp(item.created_at),
        version: None,
        data: item.raw.to_owned(),
    })
}

/// The items as a page; those without identity are kept aside for `reason`.
#[must_use]
pub fn to_page(items: Vec<Item<'_>>, reason: &str) -> Page {
    let mut page = Page::empty();
    // Room for all of them at once, which is given back right away: to grow the sandbox's memory for
    // each few records costs as much as copying them.
    let bytes = items.iter().map(|item| item.raw.len()).sum();
    drop(std::hint::black_box(Vec::<u8>::with_capacity(bytes)));
    page.records.reserve(items.len());
    for item in items {
        let raw = item.raw;
        match to_record(item) {
            Some(record) => page.records.push(record),
            None => page.unreadable.push(Unreadable {
                id: None,
                raw: raw.to_owned(),
                reason: reason.to_owned(),
            }),
        }
    }
    page
}
