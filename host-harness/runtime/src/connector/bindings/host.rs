//! The interfaces that the host offers to the guest.

use std::result::Result;

use connector_contract::secrets::Part;
use serde_json::json;

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
        match $state.tape.ask($import, asked)? {
            Some(recorded) => recorded,
            None => {
                let answer = $live;
                $state.tape.answer(&answer);
                answer
            }
        }
    }};
}

impl http::Host for CallState {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::SendError>> {
        let request = request.convert();
        let answer = taped!(self, "http.send" { request }, {
            let answer = self.send_request(request).await;
            if self.sends.is_suspended() {
                return Err(wasmtime::Error::msg("suspended until its turn"));
            }
            answer
        });
        Ok(answer.convert())
    }

    async fn report_limit(
        &mut self,
        name: String,
        left: u32,
        total: u32,
        full_in_ms: u32,
    ) -> wasmtime::Result<()> {
        taped!(self, "http.report-limit" { name, left, total, full_in_ms }, {
            self.limit_told(&name, left, total, full_in_ms).await;
        });
        Ok(())
    }
}

impl secrets::Host for CallState {
    fn sign(
        &mut self,
        name: String,
        algorithm: String,
        message: Vec<secrets::Part>,
    ) -> wasmtime::Result<Result<Vec<u8>, secrets::SecretError>> {
        let message: Vec<Part> = message.convert();
        let answer = taped!(self, "secrets.sign" { name, algorithm, message }, {
            self.sign_with(&name, &algorithm, message)
        });
        Ok(answer.convert())
    }

    fn verify(
        &mut self,
        name: String,
        algorithm: String,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<Result<bool, secrets::SecretError>> {
        let answer = taped!(self, "secrets.verify" { name, algorithm, message, signature }, {
            self.verify_with(&name, &algorithm, &message, &signature)
        });
        Ok(answer.convert())
    }

    fn carried(
        &mut self,
        secret_use: String,
    ) -> wasmtime::Result<Result<bool, secrets::SecretError>> {
        let answer = taped!(self, "secrets.carried" { secret_use }, { self.carries(&secret_use) });
        Ok(answer.convert())
    }
}

impl settings::Host for CallState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(taped!(self, "settings.get" { name }, { self.setting(&name) }))
    }
}

impl clock::Host for CallState {
    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(taped!(self, "clock.now-ms" {}, { self.time_ms() }))
    }
}

impl log::Host for CallState {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let (told, level) = match level {
            log::Level::Debug => (Level::Debug, "debug"),
            log::Level::Info => (Level::Info, "info"),
            log::Level::Warn => (Level::Warn, "warn"),
            log::Level::Error => (Level::Error, "error"),
        };
        taped!(self, "log.write" { level, message }, { self.log(told, &message) });
        Ok(())
    }
}
