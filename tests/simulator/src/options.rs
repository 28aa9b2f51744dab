//! What a simulator is told when it is made, and the switches where the API's behaviour depends on
//! the account or is not documented.

use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::faults::FaultPlan;
use crate::oauth::OAuthOptions;
use crate::signing::SignedKey;

/// The settings of a [`Simulator`](crate::Simulator). Everything but `clock` and
/// `journal_capacity` can be changed later with [`Simulator::configure`](crate::Simulator::configure).
#[derive(Clone)]
pub struct Options {
    /// The plain keys of the one account. Default: `asat_simulator`.
    pub api_keys: Vec<String>,
    /// Further keys of the account whose requests must be signed. Default: none.
    pub signed_keys: Vec<SignedKey>,
    /// The authorization server.
    pub oauth: OAuthOptions,
    /// Where the time comes from. Default: the machine.
    pub clock: Arc<dyn Clock>,
    /// Trackings created longer ago than this many days are never listed; `None`: no such end.
    /// Default: 120. A single one is still answered by its id.
    pub retention_days: Option<u32>,
    /// Whether the limits per endpoint and second hold. Default: yes.
    pub limits: bool,
    /// Whether every request with a good key is refused with 403. Default: no.
    pub forbidden: bool,
    /// Whether query parameters and body members that the API does not know are ignored, and a
    /// repeated query parameter overrides the earlier one. Default: no, each is a 400, because
    /// the API's own behaviour is undocumented and a simulator is there to find a client's faults.
    pub lenient: bool,
    /// What the `data` of a 4003 looks like.
    pub duplicate_answer: DuplicateAnswer,
    /// What becomes of a number that no courier recognises.
    pub unrecognized: Unrecognized,
    /// What becomes of lower-case letters in a tracking number.
    pub lower_case_numbers: LowerCaseNumbers,
    /// How often a tracking may be retracked: 3 by the endpoint's description (default), 1 by the
    /// text of error 4016.
    pub max_retracks: u32,
    /// What a retrack answers.
    pub retrack_answer: RetrackAnswer,
    /// Faults by chance; scripted answers go before them. Default: none.
    pub faults: Option<FaultPlan>,
    /// Milliseconds between the stages of the test courier. Default: 3,000.
    pub test_courier_step_ms: u64,
    /// How many requests the journal keeps, the latest ones; `None`: all (default).
    pub journal_capacity: Option<usize>,
    /// Decides the identifiers of trackings that are created, and what codes and tokens look like.
    /// Default: 0.
    pub seed: u64,
}

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

impl Default for Options {
    fn default() -> Self {
        Self {
            api_keys: vec!["asat_simulator".to_owned()],
            signed_keys: Vec::new(),
            oauth: OAuthOptions::default(),
            clock: Arc::new(SystemClock),
            retention_days: Some(120),
            limits: true,
            forbidden: false,
            lenient: false,
            duplicate_answer: DuplicateAnswer::default(),
            unrecognized: Unrecognized::default(),
            lower_case_numbers: LowerCaseNumbers::default(),
            max_retracks: 3,
            retrack_answer: RetrackAnswer::default(),
            faults: None,
            test_courier_step_ms: 3_000,
            journal_capacity: None,
            seed: 0,
        }
    }
}

/// Keys stay out of debug output.
impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("api_keys", &self.api_keys.len())
            .field("signed_keys", &self.signed_keys)
            .field("oauth", &self.oauth)
            .field("retention_days", &self.retention_days)
            .field("limits", &self.limits)
            .field("forbidden", &self.forbidden)
            .field("lenient", &self.lenient)
            .field("duplicate_answer", &self.duplicate_answer)
            .field("unrecognized", &self.unrecognized)
            .field("lower_case_numbers", &self.lower_case_numbers)
            .field("max_retracks", &self.max_retracks)
            .field("retrack_answer", &self.retrack_answer)
            .field("faults", &self.faults)
            .field("test_courier_step_ms", &self.test_courier_step_ms)
            .field("journal_capacity", &self.journal_capacity)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}
