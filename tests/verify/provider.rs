//! The author's own fake provider of the planted connectors: things with names, which need not differ.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::support::wire::{Wire, answer};

/// The key that it takes.
pub const KEY: &str = "canary-0123456789";

#[derive(Default)]
struct Things {
    all: BTreeMap<u64, String>,
    last: u64,
    /// Positions of scrolls, each good for one page.
    tokens: BTreeMap<String, u64>,
}

/// With so many things.
pub fn provider(count: u64) -> Wire {
    let mut things = Things::default();
    (0..count).for_each(|number| things.add(format!("thing {number}")));
    let things = Mutex::new(things);
    Wire::new(move |request| {
        if !request.contains(&format!("x-key: {KEY}\r\n")) {
            return answer("401 Unauthorized", "{}");
        }
        let (status, body) = things.lock().unwrap().answer(request);
        answer(status, &body.to_string())
    })
}

impl Things {
    fn add(&mut self, name: String) {
        self.last += 1;
        self.all.insert(self.last, name);
    }

    fn answer(&mut self, request: &str) -> (&'static str, Value) {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let [method, target] = [0, 1].map(|at| head.split(' ').nth(at).unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let asked = |name: &str| {
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.into_owned().find(|(given, _)| given == name).map(|(_, value)| value)
        };
        let count = |name: &str| asked(name).and_then(|it| it.parse().ok()).unwrap_or(0_u64);
        let thing =
            |(number, name): (&u64, &String)| json!({ "id": number.to_string(), "name": name });
        let id = || path.strip_prefix("/things/").and_then(|id| id.parse::<u64>().ok());
        match (method, path) {
            ("GET", "/things" | "/scroll") => {
                let after = match (path, asked("token")) {
                    ("/scroll", Some(token)) => match self.tokens.remove(&token) {
                        Some(after) => after,
                        None => {
                            return ("400 Bad Request", json!({ "error": "this scroll is over" }));
                        }
                    },
                    _ => count("after").max(count("since")),
                };
                let name = asked("name");
                let named =
                    |(_, it): &(&u64, &String)| name.as_ref().is_none_or(|name| name == *it);
                let rest = self.all.range(after + 1..).filter(named).skip(count("offset") as usize);
                let size = count("limit") as usize;
                let page: Vec<_> = rest.clone().take(size).collect();
                let last = page.last().map_or(after, |(number, _)| **number);
                let more = rest.count() > page.len();
                let items: Vec<_> = page.into_iter().map(thing).collect();
                let token = format!("scroll-{}", self.tokens.len() + last as usize * 1_000);
                self.tokens.insert(token.clone(), last);
                let seq = self.last;
                (
                    "200 OK",
                    json!({ "items": items, "last": last, "more": more, "seq": seq, "token": token }),
                )
            }
            ("POST", "/things") => {
                let wish: Value = serde_json::from_str(body).unwrap();
                self.add(wish["name"].as_str().unwrap().to_owned());
                ("201 Created", thing(self.all.last_key_value().unwrap()))
            }
            ("GET", _) => match id().and_then(|id| self.all.get_key_value(&id)) {
                Some(one) => ("200 OK", thing(one)),
                None => ("404 Not Found", json!({})),
            },
            _ => match id().and_then(|id| self.all.remove(&id)) {
                Some(_) => ("200 OK", json!({})),
                None => ("404 Not Found", json!({})),
            },
        }
    }
}
