//! The filter `checkpoint_tag`: scans by their own status.
//!
//! AfterShip selects trackings by their status and has no filter for that of a scan, so scans are
//! chosen here. The scan goes on by AfterShip's cursor, and its bookmark is one of AfterShip's
//! filter alone; both are handed out with the chosen statuses before them, as no page could tell
//! otherwise what it was to leave out.

use crate::api::parameter::{ANY, list};
use connector_sdk::{
    DataRecord, Error, ListRequest, Page, Start,
    json::{self, Value},
};

/// The filter.
pub(super) const NAME: &str = "checkpoint_tag";

/// Which scans are wished for.
pub(super) struct OwnTag {
    /// Statuses, joined by commas; `None`: every one.
    wanted: Option<String>,
}

impl OwnTag {
    /// What `request` wishes for; of its start, only what AfterShip's list knows is left.
    ///
    /// # Errors
    /// `invalid-input` for an empty status, `cursor-expired` for a bookmark of
    /// other ones.
    pub(super) fn take(request: &mut ListRequest, filter: &Value<'_>) -> Result<Self, Error> {
        let wanted = filter.get(NAME).map(|value| list(NAME, value, ANY)).transpose()?;
        match &mut request.start {
            Start::Beginning => Ok(Self { wanted }),
            Start::At(cursor) => Ok(Self { wanted: split(cursor) }),
            Start::Since(bookmark) => {
                if split(bookmark) == wanted {
                    return Ok(Self { wanted });
                }
                let text = "The bookmark cannot be used: it was reached with another filter. Scan \
                            from the start.";
                Err(Error::cursor_expired(text))
            }
        }
    }

    /// Leaves the others out.
    pub(super) fn choose(&self, records: &mut Vec<DataRecord>) {
        if let Some(wanted) = &self.wanted {
            records.retain(|record| {
                let tag = json::text_member(&record.data, "tag");
                tag.is_some_and(|tag| wanted.split(',').any(|wanted| wanted == tag))
            });
        }
    }

    /// Hands the statuses out with a page's cursor and bookmark.
    pub(super) fn mark(&self, page: &mut Page) {
        if let Some(wanted) = &self.wanted {
            for text in [&mut page.next, &mut page.bookmark].into_iter().flatten() {
                text.insert_str(0, &format!("{wanted} "));
            }
        }
    }
}

/// Takes the statuses from before a cursor or bookmark, which are JSON objects.
fn split(text: &mut String) -> Option<String> {
    let (wanted, rest) = text.split_once(' ')?;
    if wanted.starts_with('{') || !rest.starts_with('{') {
        return None;
    }
    let (wanted, rest) = (wanted.to_owned(), rest.to_owned());
    *text = rest;
    Some(wanted)
}
