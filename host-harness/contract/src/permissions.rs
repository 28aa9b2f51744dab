//! What a connector may do: the manifest is made of it.

use serde::Serialize;

/// One kind of request. Several may share method and path (GraphQL, SOAP).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Endpoint {
    /// Requests name it.
    pub name: String,
    /// Upper case.
    pub method: String,
    /// `https://host[:port]`, in which `{name}` stands for a setting of form
    /// `label` or `choice`; or all of it `{name}`, the origin of a setting of form `url`.
    pub origin: String,
    /// `*` stands for one segment, a last `**` for any rest, `{name}` for a
    /// secret use of place `path`. Empty: the path of the setting's URL.
    pub path: String,
    /// Such a request changes something at the provider; a call sends nothing after it.
    pub writes: bool,
    /// Names of the limits that each request counts against.
    pub limits: Vec<String>,
    /// Names of the secret uses that each request may ask for.
    pub secret_uses: Vec<String>,
    /// Secrets in its answers.
    pub captures: Vec<Capture>,
}

/// What a limit counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Each request as one.
    Requests(Rate),
    /// Each request as its `cost`.
    Points(Rate),
    /// So many requests under way at the same time.
    AtOnce(u32),
}

/// At most `amount` in any span of `window-ms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rate {
    /// So many.
    pub amount: u32,
    /// In so many milliseconds.
    pub window_ms: u32,
}

/// Whose requests count together. `app`: those of all connections of one operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// Those of one connection.
    Connection,
    /// Those of one account of the provider.
    Account,
    /// Those of all connections of one operator.
    App,
}

/// A limit of the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Limit {
    /// Its name.
    pub name: String,
    /// What it counts.
    pub measure: Measure,
    /// Whose requests count together.
    pub shared_by: Sharing,
}

/// Where a secret stands in a request, a delivery or an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A header.
    Header(HeaderPlace),
    /// A member of a form body (`application/x-www-form-urlencoded`).
    FormField(String),
    /// Password of HTTP Basic. The text is the user name; `{name}` is a setting.
    BasicPassword(String),
    /// User name of HTTP Basic. The text is the password, mostly empty.
    BasicUser(String),
    /// A parameter of the query.
    Query(String),
    /// JSON Pointer (RFC 6901) into a JSON body, where `null` stands.
    Json(String),
    /// The segment `{name of the use}` of the path; the text stands before the secret.
    Path(String),
    /// A later one, by name. A host that does not know it refuses the manifest.
    Other(String),
}

/// A header, and the fixed text that stands before the secret, e.g.
/// `authorization` and `Bearer `.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct HeaderPlace {
    /// Its name.
    pub name: String,
    /// The fixed text before the secret.
    pub prefix: String,
}

/// A secret in one place. Nothing but the secret ever stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SecretUse {
    /// Its name.
    pub name: String,
    /// Name of the secret.
    pub secret: String,
    /// Where it stands.
    pub place: Place,
}

/// A secret in a 2xx answer: the host keeps the value under this name and
/// hands the answer on with `null`, or without the header. Place: `json` or `header`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Capture {
    /// Name of the secret.
    pub secret: String,
    /// Where it stands.
    pub place: Place,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyRole {
    /// It signs.
    Sign,
    /// It verifies.
    Verify,
}

/// A secret that serves as key of one algorithm, in one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeyUse {
    /// Name of the secret.
    pub secret: String,
    /// Name of the algorithm.
    pub algorithm: String,
    /// What the key is for.
    pub role: KeyRole,
}
