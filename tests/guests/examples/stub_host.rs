//! The five interfaces of a host as a component: a provider that has nothing. Plugged into a
//! connector it makes one that imports nothing.

use stub::exports::connector::host::{clock, http, log, secrets, settings};

#[allow(missing_docs, clippy::all, unsafe_code, reason = "generated; documented in wit/")]
mod stub {
    wit_bindgen::generate!({
        inline: "
            package hostile:stub;

            world stub {
                export connector:host/http@0.2.0;
                export connector:host/secrets@0.2.0;
                export connector:host/settings@0.2.0;
                export connector:host/clock@0.2.0;
                export connector:host/log@0.2.0;
            }
        ",
        path: "../../wit",
        world: "hostile:stub/stub",
        generate_all,
    });
}

struct Stub;

impl http::Guest for Stub {
    fn send(request: http::Request) -> Result<http::Response, http::SendError> {
        Err(http::SendError::NotSent(format!("a stub stands here, asked for {}", request.endpoint)))
    }

    fn report_limit(_: String, _: u32, _: u32, _: u32) {}
}

impl secrets::Guest for Stub {
    fn sign(
        _: String,
        _: String,
        _: Vec<secrets::Part>,
    ) -> Result<Vec<u8>, secrets::SecretError> {
        Err(secrets::SecretError::NotFound)
    }

    fn verify(
        _: String,
        _: String,
        _: Vec<u8>,
        _: Vec<u8>,
    ) -> Result<bool, secrets::SecretError> {
        Err(secrets::SecretError::NotFound)
    }

    fn carried(_: String) -> Result<bool, secrets::SecretError> {
        Err(secrets::SecretError::NotFound)
    }
}

impl settings::Guest for Stub {
    fn get(_: String) -> Option<String> {
        None
    }
}

impl clock::Guest for Stub {
    fn now_ms() -> u64 {
        1_795_348_800_000
    }
}

impl log::Guest for Stub {
    fn write(_: log::Level, _: String) {}
}

stub::export!(Stub with_types_in stub);
