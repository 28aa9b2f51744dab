//! What people supply for a connection.

/// Who gives a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setter {
    /// Whoever runs the host, for all customers.
    Operator,
    /// The customer, for one connection.
    Customer,
}

/// What a setting may hold; the host checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// One of these.
    Choice(&'static [&'static str]),
    /// An https URL of any host.
    Url,
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
    /// Whether it works without it.
    pub required: bool,
    /// Who gives it.
    pub setter: Setter,
}
