//! Panics.

use hostile::{Behaviour, Error, Guest, ListRequest, Page};

struct Traps;

impl Behaviour for Traps {
    fn list(_: ListRequest) -> Result<Page, Error> {
        panic!("on purpose")
    }
}

type Connector = Guest<Traps>;
hostile::export!(Connector with_types_in hostile::bindings);
