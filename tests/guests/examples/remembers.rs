//! Counts its calls in its memory, which does not outlive one.

use std::sync::atomic::{AtomicU32, Ordering};

use hostile::{Behaviour, DataRecord, Error, Guest, record};

struct Remembers;

static CALLS: AtomicU32 = AtomicU32::new(0);

impl Behaviour for Remembers {
    fn get(_: String) -> Result<DataRecord, Error> {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(record(format!("{{\"calls\":{calls}}}")))
    }
}

type Connector = Guest<Remembers>;
hostile::export!(Connector with_types_in hostile::bindings);
