//! A host that has nothing and refuses everything. Under the instance of a connector that only says what it is
//! (`catalog`, `derived`), so that one cannot send whatever it holds (H-18).

use bindings::exports::connector::host::{clock, http, log, secrets, settings};

#[allow(missing_docs, clippy::all, unsafe_code, reason = "generated; documented in wit/")]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "../wit"],
        world: "connector:wasi/silent",
        generate_all,
    });

    use super::Silent;

    export!(Silent with_types_in self);
}

/// What is exported.
pub struct Silent;

impl http::Guest for Silent {
    fn send(_: http::Request) -> Result<http::Response, http::SendError> {
        Err(http::SendError::Refused("H-18: this call sends nothing".to_owned()))
    }

    fn report_limit(_: String, _: u32, _: u32, _: u32) {}
}

impl secrets::Guest for Silent {
    fn sign(_: String, _: String, _: Vec<secrets::Part>) -> Result<Vec<u8>, secrets::SecretError> {
        Err(secrets::SecretError::Denied)
    }

    fn verify(_: String, _: String, _: Vec<u8>, _: Vec<u8>) -> Result<bool, secrets::SecretError> {
        Err(secrets::SecretError::Denied)
    }

    fn carried(_: String) -> Result<bool, secrets::SecretError> {
        Err(secrets::SecretError::Denied)
    }
}

impl settings::Guest for Silent {
    fn get(_: String) -> Option<String> {
        None
    }
}

impl clock::Guest for Silent {
    fn now_ms() -> u64 {
        0
    }
}

impl log::Guest for Silent {
    fn write(_: log::Level, _: String) {}
}
