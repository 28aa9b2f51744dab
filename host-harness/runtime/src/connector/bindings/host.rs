//! The interfaces that the host offers to the guest.

use std::result::Result as StdResult;

use connector_contract::secrets::Part;
use serde_json::json;
use wasmtime::Result;

use super::convert::Convert as _;
use super::{clock, http, log, objects, permissions, secrets, settings, setup, types};
use crate::connector::state::CallState;
use crate::observe::Level;

impl types::Host for CallState {}
impl objects::Host for CallState {}
impl permissions::Host for CallState {}
impl setup::Host for CallState {}

/// What the tape holds for this import, else what the host answers, which goes onto the tape.
macro_rules! taped {
    ($state:ident, $import:literal { $($argument:ident),* }, $live:expr) => {{
        let asked = || json!({ $((stringify!($argument)): $argument),* });
        let answer = match $state.tape.ask($import, asked)? {
            Some(recorded) => recorded,
            None => {
                let answer = $live;
                $state.tape.answer(&answer);
                answer
            }
        };
        Ok(answer.convert())
    }};
}

impl http::Host for CallState {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> Result<StdResult<http::Response, http::SendError>> {
        let request = request.convert();
        taped!(self, "http.send" { request }, {
            let answer = self.send_request(request).await;
            if self.sends.is_suspended() {
                return Err(wasmtime::Error::msg("suspended until its turn"));
            }
            answer
        })
    }

    async fn report_limit(
        &mut self,
        name: String,
        left: u32,
        total: u32,
        full_in_ms: u32,
    ) -> Result<()> {
        taped!(self, "http.report-limit" { name, left, total, full_in_ms }, {
            self.limit_told(&name, left, total, full_in_ms).await;
        })
    }
}

impl secrets::Host for CallState {
    fn sign(
        &mut self,
        name: String,
        algorithm: String,
        message: Vec<secrets::Part>,
    ) -> Result<StdResult<Vec<u8>, secrets::SecretError>> {
        let message: Vec<Part> = message.convert();
        taped!(self, "secrets.sign" { name, algorithm, message }, {
            self.sign_with(&name, &algorithm, message)
        })
    }

    fn verify(
        &mut self,
        name: String,
        algorithm: String,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> Result<StdResult<bool, secrets::SecretError>> {
        taped!(self, "secrets.verify" { name, algorithm, message, signature }, {
            self.verify_with(&name, &algorithm, &message, &signature)
        })
    }

    fn carried(&mut self, secret_use: String) -> Result<StdResult<bool, secrets::SecretError>> {
        taped!(self, "secrets.carried" { secret_use }, self.carries(&secret_use))
    }
}

impl settings::Host for CallState {
    fn get(&mut self, name: String) -> Result<Option<String>> {
        taped!(self, "settings.get" { name }, self.setting(&name))
    }
}

impl clock::Host for CallState {
    fn now_ms(&mut self) -> Result<u64> {
        taped!(self, "clock.now-ms" {}, self.time_ms())
    }
}

impl log::Host for CallState {
    fn write(&mut self, level: log::Level, message: String) -> Result<()> {
        let (told, level) = match level {
            log::Level::Debug => (Level::Debug, "debug"),
            log::Level::Info => (Level::Info, "info"),
            log::Level::Warn => (Level::Warn, "warn"),
            log::Level::Error => (Level::Error, "error"),
        };
        taped!(self, "log.write" { level, message }, self.log(told, &message))
    }
}
