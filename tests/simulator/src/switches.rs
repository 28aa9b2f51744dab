//! The switches where the API's behaviour depends on the account or is not documented.

/// The `data` of error 4003; its shape since 2024-07 is undocumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicateAnswer {
    /// `{"id":...,"tracking_number":...,"slug":...}`.
    #[default]
    Flat,
    /// `{"tracking":{"tracking_number":...,"slug":...,"id":...}}`, as in version 4.
    Nested,
    /// `{}`.
    Empty,
}

/// What becomes of a create without a slug whose number no courier recognises; which of the two
/// happens depends on the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unrecognized {
    /// It is refused with 4012.
    #[default]
    Refuse,
    /// It is stored with slug `unrecognized`.
    Store,
}

/// What becomes of lower-case letters in a tracking number; undocumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LowerCaseNumbers {
    /// They are refused with 4017.
    #[default]
    Refuse,
    /// They are stored in upper case.
    Raise,
}

/// What a retrack answers; the endpoint's description calls it partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RetrackAnswer {
    /// The whole tracking.
    #[default]
    Full,
    /// `id`, `tracking_number`, `slug`, `active` and the courier's additional fields.
    Partial,
}

/// What becomes of the credentials that an update of a connection leaves out; undocumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CredentialsUpdate {
    /// They are gone: an update brings all.
    #[default]
    Replace,
    /// They stay.
    Merge,
}

/// Whether answers about connections hold their credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectionAnswer {
    /// In clear, as the endpoints' examples do.
    #[default]
    Full,
    /// Not at all.
    WithoutCredentials,
}

/// The `data` of a single prediction; the endpoint's schema and its example differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PredictAnswer {
    /// The prediction, as in the schema.
    #[default]
    Object,
    /// `{"estimated_delivery_dates":[...]}` with the one prediction, as in the example.
    List,
}
