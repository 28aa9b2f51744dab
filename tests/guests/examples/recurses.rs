//! Calls itself without end, without using linear memory for it.

use hostile::{Behaviour, Error, Guest, ListRequest, Page, internal};

struct Recurses;

fn deeper(depth: u64) -> u64 {
    if depth == u64::MAX {
        0
    } else {
        deeper(depth + 1).rotate_left(1) ^ depth
    }
}

impl Behaviour for Recurses {
    fn list(_: ListRequest) -> Result<Page, Error> {
        Err(internal(deeper(std::hint::black_box(0)).to_string()))
    }
}

type Connector = Guest<Recurses>;
hostile::export!(Connector with_types_in hostile::bindings);
