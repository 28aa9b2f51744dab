//! Writes log lines without end: long ones, and ones that fake others.

use hostile::bindings::connector::host::log::Level;
use hostile::{Behaviour, Error, Guest, ListRequest, Page, log, page};

struct Floods;

impl Behaviour for Floods {
    fn list(_: ListRequest) -> Result<Page, Error> {
        let long = "x".repeat(100_000);
        for number in 0..2_000 {
            log::write(
                Level::Error,
                &format!("{number}\n\u{1b}[2Jerror: not me {long}"),
            );
        }
        Ok(page(vec![]))
    }
}

type Connector = Guest<Floods>;
hostile::export!(Connector with_types_in hostile::bindings);
