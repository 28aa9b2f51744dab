//! The interfaces that the host offers to the guest.

use std::result::Result;

use super::convert::Convert as _;
use super::{clock, http, log, objects, permissions, secrets, settings, setup, types};
use crate::connector::state::CallState;
use crate::observe::Level;

impl types::Host for CallState {}
impl objects::Host for CallState {}
impl permissions::Host for CallState {}
impl setup::Host for CallState {}

impl http::Host for CallState {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::SendError>> {
        let answer = self.send_request(request.convert()).await;
        if self.sends.is_suspended() {
            return Err(wasmtime::Error::msg("suspended until its turn"));
        }
        Ok(answer.convert())
    }

    async fn report_limit(&mut self, name: String, left: u32, total: u32, full_in_ms: u32) {
        self.limit_told(&name, left, total, full_in_ms).await;
    }
}

impl secrets::Host for CallState {
    fn sign(
        &mut self,
        name: String,
        algorithm: String,
        message: Vec<secrets::Part>,
    ) -> Result<Vec<u8>, secrets::SecretError> {
        self.sign_with(&name, &algorithm, message.convert()).convert()
    }

    fn verify(
        &mut self,
        name: String,
        algorithm: String,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> Result<bool, secrets::SecretError> {
        self.verify_with(&name, &algorithm, &message, &signature).convert()
    }

    fn carried(&mut self, secret_use: String) -> Result<bool, secrets::SecretError> {
        self.carries(&secret_use).convert()
    }
}

impl settings::Host for CallState {
    fn get(&mut self, name: String) -> Option<String> {
        self.setting(&name)
    }
}

impl clock::Host for CallState {
    fn now_ms(&mut self) -> u64 {
        self.time_ms()
    }
}

impl log::Host for CallState {
    fn write(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.log(level, &message);
    }
}
