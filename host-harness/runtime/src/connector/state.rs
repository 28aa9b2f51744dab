//! What the host keeps for one call, and the five interfaces it offers to the guest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector_contract::clock::unix_ms;
use connector_contract::http::{Request, Response, SendError};
use connector_contract::limits::LimitReport;
use connector_contract::permissions::KeyRole;
use connector_contract::secrets::{Part, SecretError};
use connector_policy::delivered::Carried;
use wasmtime::StoreLimits;

use super::bounds::CallBounds;
use super::cpu_time::CpuTime;
use super::ground::Ground;
use super::tape::Tape;
use crate::egress::CallSends;
use crate::observe::{Event, Level};
use crate::secrets;

/// Data of one store: one call, one instance.
pub struct CallState {
    /// What the connection stands on; `None` while a component is only read.
    pub ground: Option<Arc<Ground>>,
    /// While a delivery is received: the secret uses that it may prove itself by, and whether it
    /// did.
    pub carried: Option<BTreeMap<String, Carried>>,
    /// What the call may still send.
    pub sends: CallSends,
    /// Bounds of memory and tables, asked by the engine.
    pub limits: StoreLimits,
    /// Time in the guest.
    pub cpu: CpuTime,
    /// Keeps what the guest asks, or answers it.
    pub tape: Tape,
    bounds: CallBounds,
    logged: usize,
}

impl CallState {
    /// State of a call that has not begun.
    #[must_use]
    pub fn new(ground: Option<Arc<Ground>>, sends: CallSends, bounds: CallBounds) -> Self {
        let limits = bounds.store_limits();
        let cpu = CpuTime::new(bounds.cpu);
        Self { ground, carried: None, sends, limits, cpu, tape: Tape::Live, bounds, logged: 0 }
    }

    /// Bounds of this call.
    #[must_use]
    pub fn bounds(&self) -> CallBounds {
        self.bounds
    }
}

impl CallState {
    /// `http.send`.
    pub async fn send_request(&mut self, request: Request) -> Result<Response, SendError> {
        match self.ground.clone() {
            Some(ground) => ground.egress.send(&mut self.sends, &request).await,
            None => Err(SendError::Refused("describing a connector makes no request".to_owned())),
        }
    }

    /// `http.report-limit`.
    pub async fn limit_told(&self, name: &str, left: u32, total: u32, full_in_ms: u32) {
        let full_in = Duration::from_millis(u64::from(full_in_ms));
        let report = LimitReport { left: left.min(total), total, full_in };
        if let Some(ground) = self.ground.clone() {
            ground.egress.limit_told(name, report).await;
        }
    }

    /// `secrets.sign`.
    pub fn sign_with(
        &self,
        name: &str,
        algorithm: &str,
        message: Vec<Part>,
    ) -> Result<Vec<u8>, SecretError> {
        let ground = self.ground.clone().ok_or(SecretError::Denied)?;
        if !ground.may_use_key(name, algorithm, KeyRole::Sign) {
            return Err(SecretError::Denied);
        }
        let key = ground.secrets.get(name).ok_or(SecretError::NotFound)?;
        let mut bytes = zeroize::Zeroizing::new(Vec::new());
        for part in message {
            match part {
                Part::Bytes(piece) => bytes.extend_from_slice(&piece),
                Part::Secret(name) => {
                    if !ground.may_sign_secret(&name) {
                        return Err(SecretError::Denied);
                    }
                    let secret = ground.secrets.get(&name).ok_or(SecretError::NotFound)?;
                    bytes.extend_from_slice(secret.expose());
                }
            }
        }
        secrets::sign(algorithm, &key, &bytes)
    }

    /// `secrets.verify`.
    pub fn verify_with(
        &self,
        name: &str,
        algorithm: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, SecretError> {
        let ground = self.ground.clone().ok_or(SecretError::Denied)?;
        if !ground.may_use_key(name, algorithm, KeyRole::Verify) {
            return Err(SecretError::Denied);
        }
        let now_ms = unix_ms(ground.egress.clock.now());
        // Which subscription a delivery is of is told by the secret that verifies it.
        let keys = match self.carried {
            Some(_) => ground.secrets.live_anywhere(name, now_ms),
            None => ground.secrets.live(name, now_ms),
        };
        if keys.is_empty() {
            return Err(SecretError::NotFound);
        }
        secrets::verify_any(algorithm, &keys, message, signature)
    }

    /// `secrets.carried`: whether the delivery that is being received proved itself by this use.
    pub fn carries(&self, secret_use: &str) -> Result<bool, SecretError> {
        let carried = self.carried.as_ref().ok_or(SecretError::Denied)?;
        match carried.get(secret_use).ok_or(SecretError::Denied)? {
            Carried::Unknown => Err(SecretError::NotFound),
            Carried::Told(fits) => Ok(*fits),
        }
    }

    /// `settings.get`.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.ground.as_ref()?.settings.get(name)
    }

    /// `clock.now-ms`.
    pub fn time_ms(&self) -> u64 {
        self.ground.as_ref().map_or(0, |ground| ground.egress.now_ms())
    }

    /// `log.write`.
    pub fn log(&mut self, level: Level, message: &str) {
        let Some(ground) = &self.ground else { return };
        if self.logged >= self.bounds.log_bytes {
            return;
        }
        let message =
            one_line(&ground.secrets.scrubber().text(message), self.bounds.log_line_bytes);
        self.logged += message.len();
        self.sends.log(Event::Log { level, message }, ground.observer.as_ref());
        if self.logged >= self.bounds.log_bytes {
            let message =
                "the connector's log of this call is full; the rest is dropped".to_owned();
            let line = Event::Log { level: Level::Warn, message };
            self.sends.log(line, ground.observer.as_ref());
        }
    }
}

/// At most `bytes` of `text`, with control characters escaped: a log line can
/// neither fake another one nor steer a terminal.
fn one_line(text: &str, bytes: usize) -> String {
    let mut line = String::new();
    for character in text.chars() {
        if line.len() + character.len_utf8() > bytes {
            line.push('…');
            break;
        }
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
pub(crate) mod tests {
    use connector_contract::clock::SystemClock;
    use connector_contract::permissions::KeyUse;

    use super::*;
    use crate::egress::samples::manifest;
    use crate::egress::{Egress, EgressOptions, EgressPolicy, HttpClient, LimitScopes, user_agent};
    use crate::observe::Unobserved;
    use crate::secrets::{Secret, Secrets};
    use crate::setting::{AddressSpace, Settings};

    /// A connection's ground with a few secrets.
    pub(crate) fn ground() -> Ground {
        let secrets = Arc::new(Secrets::default());
        for name in ["key", "api-key", "undeclared"] {
            secrets.set(name, Secret::new(format!("{name}-value")));
        }
        let (manifest, settings) = (manifest(), Arc::<Settings>::default());
        let egress = Egress {
            policy: EgressPolicy::compile(&manifest, Arc::clone(&settings), AddressSpace::Public)
                .unwrap()
                .into(),
            http: Arc::new(HttpClient::new(EgressOptions::default()).unwrap()),
            secrets: Arc::clone(&secrets),
            keep: None,
            limiter: None,
            scopes: Arc::new(LimitScopes::new(&manifest, "1", None)),
            connection: 1,
            observer: Arc::new(Unobserved),
            clock: Arc::new(SystemClock),
            user_agent: user_agent("sample", "1"),
            server_clock: Arc::default(),
        };
        let key_use = KeyUse {
            secret: "key".to_owned(),
            algorithm: "hmac-sha256".to_owned(),
            role: KeyRole::Sign,
        };
        Ground {
            egress,
            secrets,
            settings,
            observer: Arc::new(Unobserved),
            key_uses: vec![key_use],
            declared_secrets: ["key", "api-key", "missing"].map(str::to_owned).into(),
            delivery_secrets: vec![],
        }
    }

    fn state() -> CallState {
        CallState::new(Some(Arc::new(ground())), CallSends::default(), CallBounds::default())
    }

    fn sign(key: &str, algorithm: &str, secret: &str) -> Result<Vec<u8>, SecretError> {
        let message = vec![Part::Bytes(b"a:".to_vec()), Part::Secret(secret.to_owned())];
        state().sign_with(key, algorithm, message)
    }

    #[test]
    fn a_message_holds_only_secrets_that_are_declared() {
        let signed = sign("key", "hmac-sha256", "api-key").unwrap();
        let whole = secrets::sign("hmac-sha256", &Secret::new("key-value"), b"a:api-key-value");
        assert_eq!(signed, whole.unwrap());
        for (key, algorithm, secret, expected) in [
            ("key", "hmac-sha256", "undeclared", SecretError::Denied),
            ("key", "hmac-sha256", "unheard-of", SecretError::Denied),
            ("key", "hmac-sha256", "missing", SecretError::NotFound),
            ("api-key", "hmac-sha256", "api-key", SecretError::Denied),
            ("key", "rsa-pss-sha256", "api-key", SecretError::Denied),
        ] {
            assert_eq!(sign(key, algorithm, secret), Err(expected), "{key} {algorithm} {secret}");
        }
    }
}
