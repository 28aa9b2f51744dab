//! Serves what a connector imports by WASI's interfaces, and keeps its manifest: which requests it may send, where
//! secrets go, what it may learn. The rules are those of `wit/HOSTS.md`, by the code of `connector-policy`, which the
//! host of this repository has too.
//!
//! It keeps nothing from one instance to the next: no limits, no tokens out of answers. `docs/wasi.md` says what that
//! means.

mod call;
mod connection;
mod convert;
mod exchange;
mod keys;

use bindings::exports::connector::host::{clock, http, log, secrets, settings};
use bindings::exports::connector::wasi::calls;
use bindings::wasi::clocks::wall_clock;
use connector_contract as plain;
use connector_contract::http::SendError;
use connector_policy::credentials;
use connector_policy::delivered;

use crate::connection::{Connection, Unusable};
use crate::convert::Convert as _;
use crate::exchange::Failed;

#[allow(clippy::all, unsafe_code, reason = "generated; documented in wit/")]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "../wit"],
        world: "connector:wasi/adapter",
        generate_all,
    });

    use super::Adapter;

    export!(Adapter with_types_in self);
}

/// What is exported.
pub struct Adapter;

impl http::Guest for Adapter {
    fn send(request: http::Request) -> Result<http::Response, http::SendError> {
        let sent = Connection::with(|connection| match connection {
            Ok(connection) => send(connection, &request.convert()).map_err(|why| {
                let scrubber = connection.secrets.scrubber();
                match why {
                    SendError::NotSent(why) => SendError::NotSent(scrubber.text(&why)),
                    SendError::Unanswered(why) => SendError::Unanswered(scrubber.text(&why)),
                    SendError::Refused(why) => SendError::Refused(scrubber.text(&why)),
                    SendError::Limited(_) | SendError::NoSecret(_) => why,
                }
            }),
            Err(Unusable::Broken(why)) => Err(SendError::Refused(why.clone())),
            Err(Unusable::Unread(why)) => Err(SendError::NotSent(format!("H-15: {why}"))),
        });
        sent.map(Into::into).map_err(Into::into)
    }

    /// Nothing is counted here, so there is no count to replace.
    fn report_limit(_: String, _: u32, _: u32, _: u32) {}
}

fn send(
    connection: &Connection,
    request: &plain::http::Request,
) -> Result<plain::http::Response, SendError> {
    let admitted = connection.policy.admit(request)?;
    let endpoint = &admitted.rule.endpoint;
    call::admit(endpoint.writes)?;
    connection.check_cost(endpoint, request.cost)?;
    if !endpoint.captures.is_empty() {
        let why = "H-25: this host keeps nothing, so the tokens in the answer would be lost; make \
                   the connection elsewhere, and give it the access token";
        return Err(SendError::Refused(why.to_owned()));
    }
    let settings = &connection.policy.settings;
    let filled = credentials::fill(&admitted, request, settings, &connection.secrets)?;
    let answer = exchange::exchange(
        exchange::Request {
            tls: admitted.origin.tls,
            authority: &admitted.origin.authority(),
            method: &endpoint.method,
            target: &filled.target,
            headers: connection.headers(&filled.headers),
            body: &filled.body,
        },
        connection.answer_bytes,
    );
    let answer = answer.map_err(|why| match why {
        Failed::NotSent(why) => SendError::NotSent(why),
        Failed::Unanswered(why) => SendError::Unanswered(why),
        Failed::Refused(why) => SendError::Refused(why),
    })?;
    let scrubber = connection.secrets.scrubber();
    let headers = answer.headers.iter();
    Ok(plain::http::Response {
        status: answer.status,
        headers: headers.map(|(name, it)| (scrubber.text(name), scrubber.text(it))).collect(),
        body: scrubber.bytes(answer.body),
        captured: vec![],
    })
}

impl secrets::Guest for Adapter {
    fn sign(
        name: String,
        algorithm: String,
        message: Vec<secrets::Part>,
    ) -> Result<Vec<u8>, secrets::SecretError> {
        Connection::with(|connection| keys::sign(connection?, &name, &algorithm, message))
            .map_err(Into::into)
    }

    fn verify(
        name: String,
        algorithm: String,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> Result<bool, secrets::SecretError> {
        Connection::with(|it| keys::verify(it?, &name, &algorithm, &message, &signature))
            .map_err(Into::into)
    }

    fn carried(secret_use: String) -> Result<bool, secrets::SecretError> {
        call::carried(&secret_use).map_err(Into::into)
    }
}

impl settings::Guest for Adapter {
    fn get(name: String) -> Option<String> {
        Connection::with(|connection| connection.ok()?.policy.settings.get(&name))
    }
}

impl clock::Guest for Adapter {
    fn now_ms() -> u64 {
        let now = wall_clock::now();
        now.seconds.saturating_mul(1_000).saturating_add(u64::from(now.nanoseconds / 1_000_000))
    }
}

impl log::Guest for Adapter {
    fn write(level: log::Level, message: String) {
        let level = match level {
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warn => "warn",
            log::Level::Error => "error",
        };
        Connection::with(|connection| {
            // Without its secrets a line cannot be cleared of them.
            if let Ok(connection) = connection {
                call::log(
                    &connection.manifest.name,
                    level,
                    &connection.secrets.scrubber().text(&message),
                );
            }
        });
    }
}

impl calls::Guest for Adapter {
    fn check() -> Result<(), String> {
        Connection::with(|connection| match connection {
            Ok(_) => Ok(()),
            Err(Unusable::Broken(why) | Unusable::Unread(why)) => Err(why.clone()),
        })
    }

    fn begin() {
        call::begin();
    }

    fn begin_delivery(delivery: calls::Delivery) -> Result<calls::Delivery, String> {
        let calls::Delivery { url, headers, body } = delivery;
        let delivery = plain::subscriptions::Delivery {
            subscription: None,
            method: String::new(),
            url,
            headers,
            body,
            received_at: String::new(),
        };
        Connection::with(|connection| match connection {
            Ok(connection) => {
                let (delivery, carried) = delivered::read(delivery, connection.proofs(), 0);
                call::begin_delivery(carried);
                let plain::subscriptions::Delivery { url, headers, body, .. } = delivery;
                Ok(calls::Delivery { url, headers, body })
            }
            Err(Unusable::Broken(why) | Unusable::Unread(why)) => Err(why.clone()),
        })
    }
}
