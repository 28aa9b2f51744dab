//! Sends what it may not; the record's id says what.

use hostile::{
    Behaviour, DataRecord, Error, Guest, HeaderPlace, Place, Request, SecretPart, SendError,
    internal, record, secrets, send, settings,
};

struct Sends;

fn request(method: &str, url: String) -> Request {
    Request {
        method: method.to_owned(),
        url,
        headers: vec![],
        body: None,
        secrets: vec![],
    }
}

fn with_key(mut request: Request, name: &str, prefix: &str) -> Request {
    let place = HeaderPlace {
        name: name.to_owned(),
        prefix: prefix.to_owned(),
    };
    let secret = "api-key".to_owned();
    request.secrets.push(SecretPart {
        secret,
        place: Place::Header(place),
    });
    request
}

fn outcome(result: Result<hostile::Response, SendError>) -> Result<DataRecord, Error> {
    match result {
        Ok(answer) => Ok(record(format!("{{\"status\":{}}}", answer.status))),
        Err(error) => Err(internal(format!("{error:?}"))),
    }
}

impl Behaviour for Sends {
    fn get(id: String) -> Result<DataRecord, Error> {
        let base = settings::get("base-url").unwrap_or_default();
        let things = format!("{base}/things");
        match id.as_str() {
            "declared" => outcome(send(&with_key(request("GET", things), "x-key", ""))),
            "undeclared endpoint" => outcome(send(&request("GET", format!("{base}/other")))),
            "undeclared method" => outcome(send(&request("DELETE", things))),
            "another host" => outcome(send(&request(
                "GET",
                "https://evil.example.com/things".to_owned(),
            ))),
            "private address" => outcome(send(&request(
                "GET",
                "http://169.254.169.254/things".to_owned(),
            ))),
            "secret in another header" => {
                outcome(send(&with_key(request("GET", things), "x-note", "")))
            }
            "secret with a prefix" => {
                outcome(send(&with_key(request("GET", things), "x-key", "mine=")))
            }
            "own key header" => {
                let mut request = request("GET", things);
                request
                    .headers
                    .push(("X-Key".to_owned(), "stolen".to_owned()));
                outcome(send(&request))
            }
            "two writes" => {
                let first = send(&request("POST", things.clone()));
                if first.is_err() {
                    return outcome(first);
                }
                outcome(send(&request("POST", things)))
            }
            "sign with a key that verifies" => {
                let part = secrets::Part::Bytes(b"message".to_vec());
                match secrets::sign("api-key", "hmac-sha256", &[part]) {
                    Ok(_) => Ok(record("{}".to_owned())),
                    Err(error) => Err(internal(format!("{error:?}"))),
                }
            }
            "trap after a write" => {
                let _ = send(&request("POST", things));
                panic!("on purpose")
            }
            other => Err(internal(format!("unknown: {other}"))),
        }
    }
}

type Connector = Guest<Sends>;
hostile::export!(Connector with_types_in hostile::bindings);
