//! Everything outside the connector, as it sees it.
//!
//! [`Host`] is what the imports of the WebAssembly component offer, and nothing more. The
//! component implements it once; [`FnHost`] implements it with a closure, so that all the rest
//! runs and is tested as plain Rust.

use std::cell::RefCell;

/// One request to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Name of an endpoint in the manifest: it gives the method and the origin.
    pub endpoint: &'static str,
    /// Empty where the endpoint's path is.
    pub path_with_query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// `None`: no body at all.
    pub body: Option<Vec<u8>>,
    /// Names of the secret uses that the host puts in.
    pub secret_uses: Vec<&'static str>,
}

/// The provider's whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// Decoded from its content encoding.
    pub body: Vec<u8>,
    /// Names of the secrets that the host took out of it.
    pub captured: Vec<String>,
}

impl Response {
    /// An answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: &str) -> Self {
        let headers = vec![("content-type".into(), "application/json".into())];
        Self { status, headers, body: body.into(), captured: Vec::new() }
    }

    /// The same, of which the host took these secrets.
    #[must_use]
    pub fn captured(mut self, secrets: &[&str]) -> Self {
        self.captured = secrets.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Adds a header. `name` is in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Why there is no answer. The text is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Nothing reached the provider.
    NotSent(String),
    /// Nothing was sent: the limits leave no room for so many milliseconds.
    Limited(u32),
    /// Nothing was sent: the connection has no secret of this name.
    NoSecret(String),
    /// Sent in part or whole, and no whole answer came.
    Unanswered(String),
    /// The host's policy forbids this request.
    Refused(String),
}

/// Why a key could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretError {
    /// The connection has no such secret.
    NotFound,
    /// The manifest does not declare this use, or the host withholds it.
    Denied,
    /// The store cannot answer now.
    Unavailable,
    /// The host does not know the algorithm.
    Unsupported,
}

/// A piece of a message to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The value of this secret.
    Secret(&'static str),
}

/// How serious a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For the connector's developers.
    Debug,
    /// Worth knowing.
    Info,
    /// Somebody should look at it.
    Warn,
    /// Something is broken.
    Error,
}

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
/// It has no secrets to sign with unless it is given some, settings as given or as the manifest
/// defaults them, and a clock that stands still.
pub struct FnHost<F> {
    send: RefCell<F>,
    sign: Box<Sign>,
    verify: Box<Verify>,
    now_ms: u64,
    settings: Vec<(String, String)>,
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
            logged: RefCell::default(),
        }
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

    fn setting(&self, name: &str) -> Option<String> {
        let set = self.settings.iter().rev().find(|(known, _)| known == name);
        set.map(|(_, value)| value.clone()).or_else(|| {
            let declared = crate::catalog::manifest().settings;
            let setting = declared.into_iter().find(|setting| setting.name == name)?;
            setting.default.map(str::to_owned)
        })
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
