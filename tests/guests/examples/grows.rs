//! Takes memory until there is none.

use hostile::{Behaviour, Error, Guest, ListRequest, Page};

struct Grows;

impl Behaviour for Grows {
    fn list(_: ListRequest) -> Result<Page, Error> {
        let mut taken = Vec::new();
        loop {
            taken.push(vec![1_u8; 1024 * 1024]);
            std::hint::black_box(&taken);
        }
    }
}

type Connector = Guest<Grows>;
hostile::export!(Connector with_types_in hostile::bindings);
