//! Walks all pages of a scan, with the guards that no provider's paging should need.

use std::time::Duration;

use connector_contract::records::{ListRequest, Page, Start};
use thiserror::Error;
use tokio::time::{Instant, sleep_until};

use super::Connection;
use crate::error::CallError;

/// Empty pages in a row that are taken for a scan that does not end.
const EMPTY_PAGES: u32 = 10;
/// Page size that is halved when an answer is too large and none was wished for.
const USUAL_PAGE: u32 = 200;
/// An answer that is too large even at this size is given up.
const SMALLEST_PAGE: u32 = 25;

/// Why a scan ended before its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ScanError {
    /// A page could not be had.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The connector handed out a cursor that it had handed out just before.
    #[error(
        "the scan does not move: page {page} answers the cursor that asked for it; this is a fault of the connector or of its provider"
    )]
    RepeatedCursor {
        /// Pages read, this one included.
        page: u64,
    },
    /// Page after page without a record.
    #[error(
        "{EMPTY_PAGES} empty pages in a row; the scan was stopped at page {page}, since it seems never to end"
    )]
    OnlyEmptyPages {
        /// Pages read.
        page: u64,
    },
}

/// A scan under way. Hold it and call [`Scan::next`] until it answers `None`.
pub struct Scan<'a> {
    connection: &'a Connection,
    request: Option<ListRequest>,
    pages: u64,
    empty: u32,
    not_before: Option<Instant>,
}

impl Connection {
    /// Begins a scan; no request is made before [`Scan::next`].
    #[must_use]
    pub fn scan(&self, request: ListRequest) -> Scan<'_> {
        Scan { connection: self, request: Some(request), pages: 0, empty: 0, not_before: None }
    }
}

impl Scan<'_> {
    /// Asks for no page within this time: the provider is still at work.
    pub fn wait(&mut self, time: Duration) {
        self.not_before = Instant::now().checked_add(time);
    }

    /// Waits until the next page may be asked for.
    pub async fn ready(&mut self) {
        if let Some(at) = self.not_before.take() {
            sleep_until(at).await;
        }
    }

    /// The next page; `None` after the last one. After an error the scan can be tried
    /// on from the same place.
    ///
    /// # Errors
    /// [`ScanError`].
    pub async fn next(&mut self) -> Result<Option<Page>, ScanError> {
        self.ready().await;
        let Some(request) = &mut self.request else {
            return Ok(None);
        };
        let page = loop {
            match self.connection.list(request).await {
                Err(CallError::TooLarge) => {
                    let size = request.page_size.unwrap_or(USUAL_PAGE) / 2;
                    if size < SMALLEST_PAGE {
                        return Err(CallError::TooLarge.into());
                    }
                    request.page_size = Some(size);
                }
                page => break page?,
            }
        };
        self.pages += 1;
        // A page without records says nothing of an end while the provider is at work.
        let at_work = page.not_before_ms.is_some();
        let empty = !at_work
            && page.records.is_empty()
            && page.unreadable.is_empty()
            && page.deleted.is_empty();
        self.empty = if empty { self.empty + 1 } else { 0 };
        match &page.next {
            None => self.request = None,
            Some(cursor) => {
                if matches!(&request.start, Start::At(asked) if asked == cursor) {
                    return Err(ScanError::RepeatedCursor { page: self.pages });
                }
                if self.empty >= EMPTY_PAGES {
                    return Err(ScanError::OnlyEmptyPages { page: self.pages });
                }
                request.start = Start::At(cursor.clone());
                if let Some(ms) = page.not_before_ms {
                    self.wait(Duration::from_millis(u64::from(ms)));
                }
            }
        }
        Ok(Some(page))
    }
}
