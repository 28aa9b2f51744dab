//! What people and the connector supply for a connection.

use serde::Serialize;

/// Who gives a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setter {
    /// Whoever runs the host, for all customers.
    Operator,
    /// The customer, for one connection.
    Customer,
    /// The connector, which learns it while connecting (`auth.grant.settings`).
    Connector,
}

/// What a setting may hold. The host checks it, whoever sets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Any text.
    Text,
    /// One label of a host name.
    Label,
    /// One of these.
    Choice(Vec<String>),
    /// An https URL whose host is one of these; `*.` stands for any labels before,
    /// `*` alone for every host.
    Url(Vec<String>),
    /// The id of a record of this object, which can be listed without the setting.
    IdOf(String),
}

/// A plain value of a connection; never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: String,
    /// Its value where nobody gives one.
    pub default: Option<String>,
    /// Who gives it.
    pub setter: Setter,
    /// What it may hold.
    pub form: Form,
    /// Names of the schemes that cannot do without it.
    pub required_by: Vec<String>,
}

/// One secret that a person types in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SecretField {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: String,
    /// Whether connecting needs it.
    pub required: bool,
    /// Who gives it.
    pub setter: Setter,
}

/// A way to connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Scheme {
    /// `api-key`, `oauth2`, ...; an open set.
    pub name: String,
    /// For people.
    pub title: String,
    /// What a person types in.
    pub secrets: Vec<SecretField>,
    /// True when `auth.begin` sends the customer to the provider.
    pub interactive: bool,
}
