//! A client without a network: requests go straight to `Simulator::handle`.

use std::sync::Arc;

use aftership_simulator::{ManualClock, Options, Outcome, Simulator};
use bytes::Bytes;
use http::{HeaderMap, Request};
use serde_json::Value;

/// 2026-11-22T12:00:00+00:00.
pub(crate) const NOON: u64 = 1_795_348_800_000;

/// Where trackings are.
pub(crate) const TRACKINGS: &str = "/tracking/2026-07/trackings";

/// A simulator, its clock, and requests to it.
pub(crate) struct Client {
    pub(crate) simulator: Simulator,
    pub(crate) clock: ManualClock,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Client {
    /// A client of a simulator that stands at noon and has no limits.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let clock = ManualClock::new(NOON);
        let mut options =
            Options { clock: Arc::new(clock.clone()), limits: false, ..Options::default() };
        change(&mut options);
        Self { simulator: Simulator::new(options), clock }
    }

    /// A request as it stands, without a key of its own.
    pub(crate) async fn raw(&self, request: Request<Bytes>) -> Answer {
        let Outcome::Reply(response) = self.simulator.handle(request).await else {
            panic!("no whole answer");
        };
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }

    /// A request with the key.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("as-api-key", "asat_simulator");
        self.raw(request.body(Bytes::from(body.to_owned())).unwrap()).await
    }

    /// `GET /trackings` with a query.
    pub(crate) async fn list(&self, query: &str) -> Answer {
        self.send("GET", &format!("{TRACKINGS}?{query}"), "").await
    }

    /// `GET /trackings/{id}`.
    pub(crate) async fn get(&self, id: &str) -> Answer {
        self.send("GET", &format!("{TRACKINGS}/{id}"), "").await
    }

    /// `POST /trackings`.
    pub(crate) async fn create(&self, body: &str) -> Answer {
        self.send("POST", TRACKINGS, body).await
    }

    /// `PUT /trackings/{id}`.
    pub(crate) async fn put(&self, id: &str, body: &str) -> Answer {
        self.send("PUT", &format!("{TRACKINGS}/{id}"), body).await
    }

    /// `POST /trackings/{id}/{verb}`.
    pub(crate) async fn act(&self, id: &str, verb: &str, body: &str) -> Answer {
        self.send("POST", &format!("{TRACKINGS}/{id}/{verb}"), body).await
    }

    /// Creates a tracking and answers its id.
    pub(crate) async fn created(&self, body: &str) -> String {
        let answer = self.create(body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.data()["id"].as_str().unwrap().to_owned()
    }

    /// The ids of a list, over all its pages.
    pub(crate) async fn scan(&self, query: &str) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let answer = self.list(&format!("{query}{cursor}")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let page = answer.ids();
            // A scan that repeats itself would never end.
            assert!(ids.last().is_none_or(|last| !page.contains(last)), "{query}: {page:?}");
            ids.extend(page);
            let pagination = &answer.data()["pagination"];
            let next = pagination["next_cursor"].as_str().unwrap();
            assert_eq!(pagination["has_next_page"], !next.is_empty());
            if next.is_empty() {
                return ids;
            }
            cursor = format!("&cursor={}", next.replace('=', "%3D").replace('+', "%2B"));
        }
    }
}

impl Answer {
    /// `meta.code`.
    pub(crate) fn code(&self) -> u64 {
        self.json["meta"]["code"].as_u64().unwrap_or(0)
    }

    /// `data`.
    pub(crate) fn data(&self) -> &Value {
        &self.json["data"]
    }

    /// The ids of a page.
    pub(crate) fn ids(&self) -> Vec<String> {
        let trackings = self.data()["trackings"].as_array().unwrap();
        trackings.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A tracking with the least that it needs, and more members.
pub(crate) fn tracking(id: &str, created_at: &str, more: &str) -> String {
    format!(
        r#"{{"id":"{id}","tracking_number":"N-{id}","slug":"dhl","created_at":"{created_at}","updated_at":"{created_at}"{more}}}"#
    )
}
