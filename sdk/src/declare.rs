//! What a connector declares of itself, as constants: [`crate::Connector`] turns them into the
//! manifest and the descriptors. The host refuses whatever is not declared.
//!
//! The names are those of the contract; what differs is that texts are `&'static str`.

use crate::contract::{self, HeaderPlace, KeyRole, Measure, Rate, Setter, Sharing};
use crate::packed::Packed;

/// One kind of request. Built on [`READ`] or [`WRITE`]:
///
/// ```
/// use connector_sdk::declare::{Endpoint, Limit, READ};
///
/// const LIST: Endpoint = Endpoint {
///     name: "parcels-list",
///     origin: "https://api.example.com",
///     path: "/v1/parcels",
///     limits: &[Limit::requests("all", 600, 60_000)],
///     ..READ
/// };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Requests name it.
    pub name: &'static str,
    /// HTTP method, upper case.
    pub method: &'static str,
    /// An origin with `{name}` for a setting in it or instead of it.
    pub origin: &'static str,
    /// `*` stands for one segment, `**` at the end for any. Empty: the path of the URL in the
    /// setting that is the origin.
    pub path: &'static str,
    /// Whether such a request changes something at the provider: a call sends nothing after it.
    pub writes: bool,
    /// The limits that it counts against.
    pub limits: &'static [Limit],
    /// The secrets that a request may carry, and where.
    pub secret_uses: &'static [SecretUse],
    /// The secrets that the host takes out of 2xx answers.
    pub captures: &'static [Capture],
    /// The scope that it needs, when scopes are granted. Stays in the connector.
    pub scope: Option<&'static str>,
}

/// A `GET` that changes nothing.
pub const READ: Endpoint = Endpoint {
    name: "",
    method: "GET",
    origin: "",
    path: "",
    writes: false,
    limits: &[],
    secret_uses: &[],
    captures: &[],
    scope: None,
};

/// A `POST` that changes something.
pub const WRITE: Endpoint = Endpoint { method: "POST", writes: true, ..READ };

/// How much may be sent in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Name of the limit.
    pub name: &'static str,
    /// What is counted, and how much of it.
    pub measure: Measure,
    /// Who has it together.
    pub shared_by: Sharing,
}

impl Limit {
    /// So many requests in so many milliseconds, over all connections of one account.
    #[must_use]
    pub const fn requests(name: &'static str, amount: u32, window_ms: u32) -> Self {
        let measure = Measure::Requests(Rate { amount, window_ms });
        Self { name, measure, shared_by: Sharing::Account }
    }

    /// So many points, of which each request costs some, in so many milliseconds, likewise.
    #[must_use]
    pub const fn points(name: &'static str, amount: u32, window_ms: u32) -> Self {
        let measure = Measure::Points(Rate { amount, window_ms });
        Self { name, measure, shared_by: Sharing::Account }
    }
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
    /// The user of HTTP Basic authentication. The text is the password.
    BasicUser(&'static str),
    /// A parameter of the query.
    Query(&'static str),
    /// A JSON Pointer (RFC 6901) into a JSON body.
    Json(&'static str),
    /// Within the path, where the endpoint's path names the use; the text stands before it.
    Path(&'static str),
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
    /// Where it stands: a header or a JSON Pointer.
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

/// What a setting may hold; the host checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// One label of a host name (RFC 1123).
    Label,
    /// One of these.
    Choice(&'static [&'static str]),
    /// An https URL whose host is one of these; `*.` stands for any labels, `*` for any host.
    Url(&'static [&'static str]),
    /// The id of a record of this object.
    IdOf(&'static str),
}

/// A plain value of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Name.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
    /// What the host answers when it is not set.
    pub default: Option<&'static str>,
    /// Who sets it.
    pub setter: Setter,
    /// What it may hold.
    pub form: Form,
    /// Names of the schemes that cannot do without it.
    pub required_by: &'static [&'static str],
}

/// One secret that a person types in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretField {
    /// Name under which the host keeps it.
    pub name: &'static str,
    /// What the person reads.
    pub title: &'static str,
    /// Whether nothing works without it.
    pub required: bool,
    /// Who gives it.
    pub setter: Setter,
}

/// What a scheme asks of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// Stable name.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Secrets that a person types in.
    pub secrets: &'static [SecretField],
    /// Whether `begin` answers with a redirect.
    pub interactive: bool,
}

/// What an object is and offers. Built on [`OBJECT`]. Texts called schema are JSON Schema 2020-12
/// once [`crate::schema::whole`] has filled in their parts.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// Stable name, as in the manifest.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Operations offered: `list`, `get`, `find`, `create`, `update`, `delete`, `subscribe`.
    pub operations: &'static [&'static str],
    /// The endpoints that it needs. Those of subscriptions stand with an object that has them.
    pub endpoints: &'static [Endpoint],
    /// The provider's documentation of it.
    pub doc_url: &'static str,
    /// The object that holds these records, when it has no endpoint of its own.
    pub derived_from: Option<&'static str>,
    /// Lists forget a record so many days after its creation.
    pub retention_days: Option<u32>,
    /// Whether records have versions, so that one can be expected.
    pub has_versions: bool,
    /// Least and most records of a page.
    pub page_sizes: (u32, u32),
    /// Schema of a record; unknown members are allowed.
    pub record_schema: Packed,
    /// Schema of the input of `create`, when offered.
    pub create_schema: Option<Packed>,
    /// Schema of the patch of `update`, when offered.
    pub update_schema: Option<Packed>,
    /// Schema of an input of `find`, when that is offered. Hosts hand over inputs of `create`, so
    /// it lets other members stand.
    pub find_schema: Option<Packed>,
    /// Schema of the filter of `list`.
    pub filter_schema: Packed,
    /// Schema of the options of a view of `get`, when there are any.
    pub options_schema: Option<Packed>,
    /// Other verbs.
    pub actions: &'static [Action],
    /// Events that can be subscribed to.
    pub events: &'static [&'static str],
}

/// Schema of an object without members.
pub const NO_MEMBERS: Packed = Packed::plain(
    r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {}, "additionalProperties": false}"#,
);

/// An object that offers nothing, takes no filter and says nothing of its records.
pub const OBJECT: Descriptor = Descriptor {
    name: "",
    title: "",
    operations: &[],
    endpoints: &[],
    doc_url: "",
    derived_from: None,
    retention_days: None,
    has_versions: false,
    page_sizes: (1, u32::MAX),
    record_schema: Packed::plain(
        r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}"#,
    ),
    create_schema: None,
    update_schema: None,
    find_schema: None,
    filter_schema: NO_MEMBERS,
    options_schema: None,
    actions: &[],
    events: &[],
};

/// A verb that is not create, read, update or delete.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// Stable name.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Whether it works on one record and needs its id.
    pub on_record: bool,
    /// Whether it changes something at the provider.
    pub writes: bool,
    /// Schema of its input.
    pub input_schema: Packed,
    /// Schema of its output.
    pub output_schema: Packed,
}

pub(crate) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

impl From<&Endpoint> for contract::Endpoint {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            name: endpoint.name.to_owned(),
            method: endpoint.method.to_owned(),
            origin: endpoint.origin.to_owned(),
            path: endpoint.path.to_owned(),
            writes: endpoint.writes,
            limits: endpoint.limits.iter().map(|limit| limit.name.to_owned()).collect(),
            secret_uses: endpoint.secret_uses.iter().map(|it| it.name.to_owned()).collect(),
            captures: endpoint.captures.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Limit> for contract::Limit {
    fn from(&Limit { name, measure, shared_by }: &Limit) -> Self {
        Self { name: name.to_owned(), measure, shared_by }
    }
}

impl From<Place> for contract::Place {
    fn from(place: Place) -> Self {
        let (kind, text): (fn(String) -> Self, _) = match place {
            Place::Header { name, prefix } => {
                let (name, prefix) = (name.to_owned(), prefix.to_owned());
                return Self::Header(HeaderPlace { name, prefix });
            }
            Place::FormField(name) => (Self::FormField, name),
            Place::BasicPassword(user) => (Self::BasicPassword, user),
            Place::BasicUser(password) => (Self::BasicUser, password),
            Place::Query(name) => (Self::Query, name),
            Place::Json(pointer) => (Self::Json, pointer),
            Place::Path(before) => (Self::Path, before),
        };
        kind(text.to_owned())
    }
}

impl From<&SecretUse> for contract::SecretUse {
    fn from(&SecretUse { name, secret, place }: &SecretUse) -> Self {
        Self { name: name.to_owned(), secret: secret.to_owned(), place: place.into() }
    }
}

impl From<&Capture> for contract::Capture {
    fn from(&Capture { secret, place }: &Capture) -> Self {
        Self { secret: secret.to_owned(), place: place.into() }
    }
}

impl From<&KeyUse> for contract::KeyUse {
    fn from(&KeyUse { secret, algorithm, role }: &KeyUse) -> Self {
        Self { secret: secret.to_owned(), algorithm: algorithm.to_owned(), role }
    }
}

impl From<Form> for contract::Form {
    fn from(form: Form) -> Self {
        match form {
            Form::Text => Self::Text,
            Form::Label => Self::Label,
            Form::Choice(words) => Self::Choice(owned(words)),
            Form::Url(hosts) => Self::Url(owned(hosts)),
            Form::IdOf(object) => Self::IdOf(object.to_owned()),
        }
    }
}

impl From<&Setting> for contract::Setting {
    fn from(setting: &Setting) -> Self {
        Self {
            name: setting.name.to_owned(),
            title: setting.title.to_owned(),
            default: setting.default.map(str::to_owned),
            setter: setting.setter,
            form: setting.form.into(),
            required_by: owned(setting.required_by),
        }
    }
}

impl From<&SecretField> for contract::SecretField {
    fn from(&SecretField { name, title, required, setter }: &SecretField) -> Self {
        Self { name: name.to_owned(), title: title.to_owned(), required, setter }
    }
}

impl From<&Scheme> for contract::Scheme {
    fn from(scheme: &Scheme) -> Self {
        Self {
            name: scheme.name.to_owned(),
            title: scheme.title.to_owned(),
            secrets: scheme.secrets.iter().map(Into::into).collect(),
            interactive: scheme.interactive,
        }
    }
}

impl Descriptor {
    pub(crate) fn summary(&self) -> contract::ObjectSummary {
        contract::ObjectSummary {
            name: self.name.to_owned(),
            title: self.title.to_owned(),
            operations: owned(self.operations),
        }
    }

    /// As the contract has it, with `whole` filling the parts of schemas in.
    pub(crate) fn describe(&self, whole: &dyn Fn(Packed) -> String) -> contract::Descriptor {
        let action = |action: &Action| contract::Action {
            name: action.name.to_owned(),
            title: action.title.to_owned(),
            on_record: action.on_record,
            writes: action.writes,
            input_schema: whole(action.input_schema),
            output_schema: whole(action.output_schema),
        };
        contract::Descriptor {
            summary: self.summary(),
            doc_url: self.doc_url.to_owned(),
            derived_from: self.derived_from.map(str::to_owned),
            retention_days: self.retention_days,
            record_schema: whole(self.record_schema),
            create_schema: self.create_schema.map(whole),
            update_schema: self.update_schema.map(whole),
            filter_schema: Some(whole(self.filter_schema)),
            options_schema: self.options_schema.map(whole),
            actions: self.actions.iter().map(action).collect(),
            events: owned(self.events),
            more: Vec::new(),
        }
    }
}
