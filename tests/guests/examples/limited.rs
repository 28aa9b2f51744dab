//! Declares limits of each measure; the record's id says which endpoint is asked, at which cost.

use hostile::bindings::connector::api::permissions::{Limit, Measure, Rate, Sharing};
use hostile::bindings::connector::host::http::report_limit;
use hostile::{Behaviour, DataRecord, Error, Guest, Manifest, internal, manifest, record, request, send};

struct Limited;

const LONG_MS: u32 = 600_000;

fn limit(name: &str, measure: Measure) -> Limit {
    Limit { name: name.to_owned(), measure, shared_by: Sharing::Connection }
}

impl Behaviour for Limited {
    fn manifest() -> Manifest {
        let mut manifest = manifest();
        let rate = |amount, window_ms| Rate { amount, window_ms };
        manifest.limits = vec![
            limit("rare", Measure::Requests(rate(1, LONG_MS))),
            limit("brief", Measure::Requests(rate(1, 200))),
            limit("points", Measure::Points(rate(10, LONG_MS))),
            limit("told", Measure::Requests(rate(1_000, 1_000))),
        ];
        let template = manifest.endpoints[0].clone();
        manifest.endpoints.extend(["rare", "brief", "points", "told"].map(|name| {
            let mut endpoint = template.clone();
            endpoint.name = name.to_owned();
            endpoint.limits = vec![name.to_owned()];
            endpoint
        }));
        manifest
    }

    /// `ENDPOINT`, `ENDPOINT COST`, or `report LIMIT`: nothing is left of it.
    fn get(id: String) -> Result<DataRecord, Error> {
        let (name, rest) = id.split_once(' ').unwrap_or((&id, "0"));
        if name == "report" {
            report_limit(rest, 0, 1_000, LONG_MS);
            return Ok(record("{}".to_owned()));
        }
        let mut asked = request(name, "/things", &["key"]);
        asked.cost = rest.parse().unwrap();
        match send(&asked) {
            Ok(answer) => Ok(record(format!("{{\"status\":{}}}", answer.status))),
            Err(error) => Err(internal(format!("{error:?}"))),
        }
    }
}

type Connector = Guest<Limited>;
hostile::export!(Connector with_types_in hostile::bindings);
