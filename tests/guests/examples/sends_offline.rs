//! Sends while it is only to describe, derive or receive; and names what it derives after others.

use hostile::{
    Behaviour, DataRecord, Delivery, Descriptor, Error, Guest, Reception, Refusal, internal,
    record, request, send,
};

struct Sends;

fn tried() -> String {
    format!("{:?}", send(&request("things", "/things", &["key"])))
}

impl Behaviour for Sends {
    fn describe() -> Result<Descriptor, Error> {
        Err(internal(tried()))
    }

    fn derive(parents: Vec<DataRecord>) -> Result<Vec<Vec<DataRecord>>, Error> {
        if parents.iter().any(|parent| parent.id == "mine") {
            return Ok(vec![vec![record("{}".to_owned())]]);
        }
        Err(internal(tried()))
    }

    fn receive(_: Delivery) -> Result<Reception, Refusal> {
        Err(Refusal::TryAgain(tried()))
    }
}

type Connector = Guest<Sends>;
hostile::export!(Connector with_types_in hostile::bindings);
