//! What the connector may do: the vocabulary of its manifest. The host refuses everything else.

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Requests name it.
    pub name: &'static str,
    /// HTTP method, upper case.
    pub method: &'static str,
    /// An origin, or `{name}` of the setting that holds it.
    pub origin: &'static str,
    /// `*` stands for one segment. Empty: the path of the URL in the setting.
    pub path: String,
    /// Whether such a request changes something at the provider: a call sends nothing after it.
    pub writes: bool,
    /// The limits that it counts against.
    pub limits: Vec<Limit>,
    /// The secrets that a request may carry, and where.
    pub secret_uses: Vec<SecretUse>,
    /// The secrets that the host takes out of answers.
    pub captures: &'static [Capture],
}

/// A number of requests in a time, over all connections of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Name of the limit.
    pub name: &'static str,
    /// How many requests.
    pub requests: u32,
    /// In how many milliseconds.
    pub window_ms: u32,
}

/// Where a secret stands. Its value never enters the connector: the host puts it in while sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A header, and the fixed text before the secret.
    Header {
        /// Lower-case name.
        name: &'static str,
        /// For example `Bearer `; may be empty.
        prefix: &'static str,
    },
    /// A member of a form body.
    FormField(&'static str),
    /// The password of HTTP Basic authentication. The text is the user name, with `{name}` for a
    /// setting.
    BasicPassword(&'static str),
    /// A JSON Pointer (RFC 6901) into a JSON body.
    Json(&'static str),
}

/// A secret in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// Requests name it.
    pub name: &'static str,
    /// Name of the secret.
    pub secret: &'static str,
    /// Where it stands.
    pub place: Place,
}

/// A secret that the host takes out of a 2xx answer and keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Under which name it is kept.
    pub secret: &'static str,
    /// Where it stands.
    pub place: Place,
}

/// A secret that serves as key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// Name of the secret.
    pub secret: &'static str,
    /// Name of the algorithm, as in `connector:host/secrets`.
    pub algorithm: &'static str,
    /// What for.
    pub role: KeyRole,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// Makes signatures.
    Sign,
    /// Judges signatures.
    Verify,
}
