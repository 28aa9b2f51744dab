//! Everything outside the connector, as it sees it.
//!
//! [`Host`] is what the imports of the WebAssembly component offer, and nothing more. A component
//! has it from [`crate::export!`]; [`FnHost`] implements it with a closure, so that all the rest
//! runs and is tested as plain Rust.

use std::cell::RefCell;

use crate::Connector;
use crate::contract::{Level, Part, Request, Response, SecretError, SendError};

/// What a connector can reach: the imports of its world, and nothing else.
pub trait Host {
    /// Sends one request and waits for its whole answer. Nothing is retried, no redirect followed.
    ///
    /// # Errors
    /// [`SendError`] tells "certainly not sent" from "sent, and no answer came".
    fn send(&self, request: Request) -> Result<Response, SendError>;

    /// Signs with a secret of the connection.
    ///
    /// # Errors
    /// [`SecretError`] tells why not.
    fn sign(&self, name: &str, algorithm: &str, message: &[Part]) -> Result<Vec<u8>, SecretError>;

    /// Whether `signature` over `message` is the secret's.
    ///
    /// # Errors
    /// [`SecretError`] tells why it cannot be told.
    fn verify(
        &self,
        name: &str,
        algorithm: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, SecretError>;

    /// Whether the delivery that is being received carries the live secret of this use in its place.
    ///
    /// # Errors
    /// [`SecretError`] tells why it cannot be told.
    fn carried(&self, secret_use: &str) -> Result<bool, SecretError>;

    /// Tells what the provider says is left of a declared limit, in all, and in how many
    /// milliseconds all of it is back.
    fn report_limit(&self, name: &str, left: u32, total: u32, full_in_ms: u32);

    /// A plain value of the connection, by its name in the manifest: as set, else the default.
    fn setting(&self, name: &str) -> Option<String>;

    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> u64;

    /// Writes a line into the host's log. Never hand it a record: those hold people's addresses.
    fn log(&self, level: Level, message: &str);
}

/// As [`Host::sign`].
type Sign = dyn Fn(&str, &str, &[Part]) -> Result<Vec<u8>, SecretError>;
/// As [`Host::verify`].
type Verify = dyn Fn(&str, &str, &[u8], &[u8]) -> Result<bool, SecretError>;

/// A [`Host`] whose provider is a closure, for tests and examples.
///
/// It has no secrets to sign with unless it is given some, settings as given or as the manifest of
/// a connector defaults them, and a clock that stands still.
pub struct FnHost<F> {
    send: RefCell<F>,
    sign: Box<Sign>,
    verify: Box<Verify>,
    now_ms: u64,
    settings: Vec<(String, String)>,
    reported: RefCell<Vec<(String, u32)>>,
    logged: RefCell<Vec<(Level, String)>>,
}

impl<F: FnMut(Request) -> Result<Response, SendError>> FnHost<F> {
    /// A host that answers requests with `send`, at 2026-11-22T09:30:00Z.
    pub fn new(send: F) -> Self {
        Self {
            send: RefCell::new(send),
            sign: Box::new(|_, _, _| Err(SecretError::NotFound)),
            verify: Box::new(|_, _, _, _| Err(SecretError::NotFound)),
            now_ms: 1_795_339_800_000,
            settings: Vec::new(),
            reported: RefCell::default(),
            logged: RefCell::default(),
        }
    }

    /// The same for the connector `C`, with the defaults of its settings.
    pub fn of<C: Connector>(send: F) -> Self {
        let declared = C::declared_settings()
            .filter_map(|setting| Some((setting.name.to_owned(), setting.default?.to_owned())));
        Self { settings: declared.collect(), ..Self::new(send) }
    }

    /// The same host at another time, in milliseconds since 1970.
    #[must_use]
    pub fn at(mut self, now_ms: u64) -> Self {
        self.now_ms = now_ms;
        self
    }

    /// The same host with one setting more.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// The same host, signing with `sign`.
    #[must_use]
    pub fn signing(
        mut self,
        sign: impl Fn(&str, &str, &[Part]) -> Result<Vec<u8>, SecretError> + 'static,
    ) -> Self {
        self.sign = Box::new(sign);
        self
    }

    /// The same host, verifying with `verify`.
    #[must_use]
    pub fn verifying(
        mut self,
        verify: impl Fn(&str, &str, &[u8], &[u8]) -> Result<bool, SecretError> + 'static,
    ) -> Self {
        self.verify = Box::new(verify);
        self
    }

    /// The limits that were reported, and what was said to be left of each.
    pub fn reported(&self) -> Vec<(String, u32)> {
        self.reported.borrow().clone()
    }

    /// What was logged so far.
    pub fn logged(&self) -> Vec<(Level, String)> {
        self.logged.borrow().clone()
    }
}

impl<F: FnMut(Request) -> Result<Response, SendError>> Host for FnHost<F> {
    fn send(&self, request: Request) -> Result<Response, SendError> {
        (self.send.borrow_mut())(request)
    }

    fn sign(&self, name: &str, algorithm: &str, message: &[Part]) -> Result<Vec<u8>, SecretError> {
        (self.sign)(name, algorithm, message)
    }

    fn verify(
        &self,
        name: &str,
        algorithm: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, SecretError> {
        (self.verify)(name, algorithm, message, signature)
    }

    /// As given by a setting `carried`: `yes`.
    fn carried(&self, _: &str) -> Result<bool, SecretError> {
        Ok(self.setting("carried").as_deref() == Some("yes"))
    }

    fn report_limit(&self, name: &str, left: u32, _: u32, _: u32) {
        self.reported.borrow_mut().push((name.to_owned(), left));
    }

    fn setting(&self, name: &str) -> Option<String> {
        let set = self.settings.iter().rev().find(|(known, _)| known == name);
        set.map(|(_, value)| value.clone())
    }

    fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn log(&self, level: Level, message: &str) {
        self.logged.borrow_mut().push((level, message.into()));
    }
}

impl<F> std::fmt::Debug for FnHost<F> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FnHost").field("now_ms", &self.now_ms).finish_non_exhaustive()
    }
}
