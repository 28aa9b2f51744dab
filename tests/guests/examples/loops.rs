//! Never comes back.

use hostile::{Behaviour, Error, Guest, ListRequest, Page};

struct Loops;

impl Behaviour for Loops {
    fn list(_: ListRequest) -> Result<Page, Error> {
        let mut number = 0_u64;
        loop {
            number = std::hint::black_box(number.wrapping_add(1));
        }
    }
}

type Connector = Guest<Loops>;
hostile::export!(Connector with_types_in hostile::bindings);
