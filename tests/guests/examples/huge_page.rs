//! Answers a page of 100 MB.

use hostile::{Behaviour, Error, Guest, ListRequest, Page, page, record};

struct Huge;

impl Behaviour for Huge {
    fn list(_: ListRequest) -> Result<Page, Error> {
        let megabyte = "7".repeat(1024 * 1024);
        Ok(page((0..100).map(|_| record(megabyte.clone())).collect()))
    }
}

type Connector = Guest<Huge>;
hostile::export!(Connector with_types_in hostile::bindings);
