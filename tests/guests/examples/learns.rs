//! Claims to have learned settings while connecting; the session says which.

use hostile::{Behaviour, DataRecord, Error, Grant, Guest, internal, record, request, send};

struct Learns;

impl Behaviour for Learns {
    fn complete(session: String) -> Result<Grant, Error> {
        let answer = send(&request("token", "/token", &[]));
        answer.map_err(|error| internal(format!("{error:?}")))?;
        let told = session.split_once('=');
        let (name, value) = told.unwrap_or(("instance-url", "https://eu1.example.com"));
        Ok(Grant {
            expires_at: None,
            scopes: vec![],
            settings: vec![(name.to_owned(), value.to_owned())],
            account: None,
        })
    }

    fn get(_: String) -> Result<DataRecord, Error> {
        match send(&request("instance", "/things", &["key"])) {
            Ok(answer) => Ok(record(format!("{{\"status\":{}}}", answer.status))),
            Err(error) => Err(internal(format!("{error:?}"))),
        }
    }
}

type Connector = Guest<Learns>;
hostile::export!(Connector with_types_in hostile::bindings);
