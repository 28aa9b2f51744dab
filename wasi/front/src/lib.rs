//! A connector over HTTP, for platforms that serve `wasi:http`: its records, its actions and its deliveries, by the
//! paths of the HTTP API of this repository's host without a connection's name. `docs/wasi.md` lists them.
//!
//! It keeps nothing and repeats nothing. One request is one call of the connector, and the answer tells truly how
//! that ended: what a caller does next is in a problem's `kind`.

mod deliveries;
#[allow(dead_code, reason = "the adapter's own; of an answer only the status matters here")]
#[path = "../../adapter/src/exchange.rs"]
mod exchange;
mod http;
mod json;
mod problem;
mod routes;
mod settings;

use bindings::exports::wasi::http::incoming_handler::{IncomingRequest, ResponseOutparam};

#[allow(clippy::all, unsafe_code, reason = "generated; documented in wit/")]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "../wit"],
        world: "connector:wasi/front",
        generate_all,
    });

    use super::Front;

    export!(Front with_types_in self);
}

/// What is exported.
pub struct Front;

impl bindings::exports::wasi::http::incoming_handler::Guest for Front {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let reply = http::Request::read(request)
            .map_or_else(Into::into, |request| routes::answer(&request).unwrap_or_else(Into::into));
        http::send(reply, out);
    }
}
