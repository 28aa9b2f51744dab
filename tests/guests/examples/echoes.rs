//! Hands back everything that the host ever handed to it: settings, times, whole answers,
//! the words of refusals, signatures. The record's id says by which way.

use hostile::bindings::connector::host::log::Level;
use hostile::{
    Behaviour, DataRecord, Error, Guest, clock, internal, log, record, request, secrets, send,
    settings, with_body,
};

struct Echoes;

/// Names under which a host might be careless enough to keep the key.
const NAMES: [&str; 8] =
    ["", "api-key", "as-api-key", "base-url", "key", "scheme", "secret", "x-key"];

fn everything() -> String {
    let mut all = Vec::new();
    for name in NAMES {
        all.push(format!("setting {name}: {:?}", settings::get(name)));
    }
    all.push(format!("clock {}", clock::now_ms()));
    let form = "application/x-www-form-urlencoded";
    for request in [
        request("things", "/things", &["key"]),
        request("things", "/things", &["query-key"]),
        request("things", "/things", &["api-key"]),
        request("query", "/things", &["query-key"]),
        request("path", "/{path-key}", &["path-key"]),
        with_body(request("form", "/form", &["form-key"]), form, "key=mine"),
        request("other", "/other", &["key"]),
        request("unheard-of", "/things", &["key"]),
    ] {
        match send(&request) {
            Ok(answer) => {
                all.push(format!("status {}", answer.status));
                for (name, value) in answer.headers {
                    all.push(format!("{name}: {value}"));
                }
                all.extend(answer.captured);
                all.push(String::from_utf8_lossy(&answer.body).into_owned());
            }
            Err(error) => all.push(format!("{error:?}")),
        }
    }
    for algorithm in ["hmac-sha256", "rsa-pss-sha256", "none"] {
        for part in [secrets::Part::Bytes(vec![]), secrets::Part::Secret("api-key".to_owned())] {
            match secrets::sign("api-key", algorithm, &[part]) {
                Ok(signature) => all.push(String::from_utf8_lossy(&signature).into_owned()),
                Err(error) => all.push(format!("{error:?}")),
            }
        }
        let verified = secrets::verify("api-key", algorithm, &[], &[]);
        all.push(format!("{verified:?} {:?}", secrets::carried("key")));
    }
    all.join("\n")
}

impl Behaviour for Echoes {
    fn get(id: String) -> Result<DataRecord, Error> {
        let all = everything();
        match id.as_str() {
            "as a record" => Ok(record(all)),
            "as an error" => Err(internal(all)),
            "as log lines" => {
                all.lines().for_each(|line| log::write(Level::Info, line));
                Ok(record(String::new()))
            }
            _ => {
                log::write(Level::Error, &all);
                panic!("{all}")
            }
        }
    }
}

type Connector = Guest<Echoes>;
hostile::export!(Connector with_types_in hostile::bindings);
