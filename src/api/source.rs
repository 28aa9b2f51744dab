//! Lists that AfterShip hands out page by page, with a cursor of its own.

use super::answer::to_page;
use super::page::{Item, Pagination};
use super::{Api, Call};
use connector_sdk::{Error, Page, Query, cursor::Scan, declare::Endpoint, served::Served};

/// AfterShip's largest page.
pub const LARGEST_PAGE: u32 = 200;
/// Page sizes that AfterShip allows.
pub const PAGE_SIZES: (u32, u32) = (1, LARGEST_PAGE);
/// So many pages hold all that a narrow query can mean.
const PAGES: usize = 5;

/// One such list.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Name of the object: its cursors carry it.
    pub object: &'static str,
    /// Where it is read.
    pub endpoint: Endpoint,
    /// Member of `data` that holds it.
    pub list: &'static str,
    /// Completes the sentence "Could not ...".
    pub what: &'static str,
}

impl Source {
    /// The next page of the scan of `cursor`, of the same size unless told otherwise.
    ///
    /// # Errors
    /// `cursor-expired` for a cursor that cannot be used, or that asks for a parameter of
    /// which `is_known` says that the object has none; else as [`Source::page`].
    pub fn resume(
        &self,
        api: &Api<'_>,
        cursor: &str,
        page_size: Option<u32>,
        is_known: fn(&str) -> bool,
    ) -> Result<Page, Error> {
        let mut scan = Scan::decode(self.object, cursor, api.now_ms())?;
        if !scan.query.pairs().iter().all(|(name, _)| is_known(name)) {
            let text = "The cursor cannot be used: it asks for what this connector does not know. \
                        Start the scan again.";
            return Err(Error::cursor_expired(text));
        }
        // The host halves the page size when an answer was too large.
        scan.page_size = page_size.unwrap_or(scan.page_size);
        self.page(api, scan)
    }

    /// The first page of `scan`. `promised` answers its bookmark, which depends on when the answer
    /// was made.
    ///
    /// # Errors
    /// Those of `promised`; else as [`Source::page`].
    pub fn begin(
        &self,
        api: &Api<'_>,
        scan: Scan,
        promised: impl FnOnce(Option<Served>) -> Result<Option<String>, Error>,
    ) -> Result<Page, Error> {
        self.read(api, scan, |scan, served| {
            scan.bookmark = promised(served)?;
            Ok(())
        })
    }

    /// The page at which `scan` stands, and where the next one is.
    ///
    /// # Errors
    /// As AfterShip's answer says; `internal` when its list repeats itself.
    pub fn page(&self, api: &Api<'_>, scan: Scan) -> Result<Page, Error> {
        self.read(api, scan, |_, _| Ok(()))
    }

    fn read(
        &self,
        api: &Api<'_>,
        mut scan: Scan,
        came: impl FnOnce(&mut Scan, Option<Served>) -> Result<(), Error>,
    ) -> Result<Page, Error> {
        let mut query = scan.query.clone();
        query.add("limit", scan.page_size.to_string());
        let mut call = Call::new(self.endpoint, self.what).query(query);
        if let Some(position) = &scan.position {
            call = call.cursor(&position.cursor);
        }
        let answer = api.send(call)?;
        let (listing, items) = answer.listing(self.list)?;
        // Without it nobody could tell the last page from the first of many.
        let pagination = listing
            .pagination
            .ok_or_else(|| answer.other_shape("it does not say whether more pages follow"))?;
        came(&mut scan, answer.served())?;
        let mut page = to_page(items, "The item has no id that is a text.");
        page.total = pagination.total;
        if let Some(window) = &scan.window {
            window.tell(&mut page);
        }
        match pagination.next() {
            Some(next) => {
                scan.advance(next)?;
                page.next = Some(scan.encode(self.object));
            }
            None => page.bookmark = scan.bookmark,
        }
        Ok(page)
    }

    /// Hands every item that `query` means to `visit`.
    ///
    /// # Errors
    /// As AfterShip's answer says; `internal` when there is no end to them.
    pub fn each(
        &self,
        api: &Api<'_>,
        mut query: Query,
        visit: &mut dyn FnMut(Item<'_>),
    ) -> Result<(), Error> {
        query.add("limit", LARGEST_PAGE.to_string());
        let mut call = Call::new(self.endpoint, self.what).query(query.clone());
        for _ in 0..PAGES {
            let answer = api.send(call)?;
            let (listing, items) = answer.listing(self.list)?;
            items.into_iter().for_each(&mut *visit);
            let next = listing.pagination.as_ref().and_then(Pagination::next);
            let Some(next) = next else { return Ok(()) };
            call = Call::new(self.endpoint, self.what).query(query.clone()).cursor(next);
        }
        let text = format!("Could not {}: {PAGES} pages did not hold all of it.", self.what);
        Err(Error::internal(text + " Report it."))
    }
}
