//! The switches where the API's behaviour depends on the account or is not documented.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;

/// The `data` of error 4003; its shape since 2024-07 is undocumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Unrecognized {
    /// It is refused with 4012.
    #[default]
    Refuse,
    /// It is stored with slug `unrecognized`.
    Store,
}

/// What becomes of lower-case letters in a tracking number; undocumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LowerCaseNumbers {
    /// They are refused with 4017.
    #[default]
    Refuse,
    /// They are stored in upper case.
    Raise,
}

/// What a retrack answers; the endpoint's description calls it partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RetrackAnswer {
    /// The whole tracking.
    #[default]
    Full,
    /// `id`, `tracking_number`, `slug`, `active` and the courier's additional fields.
    Partial,
}

/// What becomes of the credentials that an update of a connection leaves out; undocumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum CredentialsUpdate {
    /// They are gone: an update brings all.
    #[default]
    Replace,
    /// They stay.
    Merge,
}

/// What becomes of the custom fields that an update of a tracking leaves out; undocumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum CustomFieldsUpdate {
    /// They are gone: an update brings all.
    #[default]
    Replace,
    /// They stay: an update can add and change fields, and remove none.
    Merge,
}

/// Whether answers about connections hold their credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ConnectionAnswer {
    /// In clear, as the endpoints' examples do.
    #[default]
    Full,
    /// Each value as `********`.
    Masked,
    /// Not at all.
    WithoutCredentials,
}

/// How a tracking that was deleted still shows, until the deletion has reached everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ghost {
    /// Lists do not show it; a single GET still answers it.
    Unlisted,
    /// Lists show it; a single GET is answered with 404 and code 4004.
    Listed,
    /// Lists do not show it; a gateway answers a single GET with 404 as a page of HTML.
    Blocked,
}

/// How far the header `date` is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DateSkew {
    /// So many seconds ahead of the simulator's clock; below zero, behind it.
    pub seconds: i64,
    /// For so many answers that are to come, and right after them; `None`: for all.
    pub answers: Option<u32>,
}

/// `SECONDS`, or `SECONDS:ANSWERS` for so many answers only.
impl FromStr for DateSkew {
    type Err = BadDateSkew;

    fn from_str(text: &str) -> Result<Self, BadDateSkew> {
        let (seconds, answers) = match text.split_once(':') {
            Some((seconds, answers)) => (seconds, Some(answers)),
            None => (text, None),
        };
        let seconds = seconds.parse().map_err(|_| BadDateSkew)?;
        let answers = answers.map(str::parse).transpose().map_err(|_| BadDateSkew)?;
        Ok(Self { seconds, answers })
    }
}

/// A text that is no skew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadDateSkew;

impl fmt::Display for BadDateSkew {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("seconds, or seconds and a number of answers as in `864000:14`")
    }
}

impl std::error::Error for BadDateSkew {}

/// The `data` of a single prediction; the endpoint's schema and its example differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PredictAnswer {
    /// The prediction, as in the schema.
    #[default]
    Object,
    /// `{"estimated_delivery_dates":[...]}` with the one prediction, as in the example.
    List,
}
