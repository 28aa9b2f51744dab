//! What a simulator is told when it is made.

use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::couriers::ACTIVATED;
use crate::faults::FaultPlan;
use crate::oauth::OAuthOptions;
use crate::scopes::Scope;
use crate::signing::SignedKey;
use crate::store::index::IndexLag;
use crate::switches::{
    ConnectionAnswer, CredentialsUpdate, CustomFieldsUpdate, DateSkew, DuplicateAnswer,
    LowerCaseNumbers, PredictAnswer, RetrackAnswer, Unrecognized,
};
use crate::webhooks::WebhookOptions;

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
    /// How many requests the account may send in a day (UTC); the next ones are answered with 429
    /// until midnight, as free accounts have been. Default: no such end.
    pub daily_quota: Option<u32>,
    /// How far the header `date` is off. Default: not at all.
    pub date_skew: DateSkew,
    /// For how many seconds a cache on the way answers a GET of the API with what it answered
    /// before, under the old `date` and with an `age`. Default: 0, there is none.
    pub cache_seconds: u64,
    /// Whether every request with a good key is refused with 403. Default: no.
    pub forbidden: bool,
    /// What the keys may do; an endpoint of another scope is refused with 403. Default: everything.
    pub scopes: Vec<Scope>,
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
    /// The slugs of the couriers that the account has activated: the answer of
    /// `GET /couriers?active=true`, and those that a create without a slug detects among. Default:
    /// every courier that made-up trackings have, and a few more.
    pub active_couriers: Vec<String>,
    /// Whether a create that names a courier outside `active_couriers` is refused with 4012.
    /// Default: no, and a slug that is not even in the list is taken.
    pub active_couriers_only: bool,
    /// The slugs of couriers that are no longer supported: not listed, and a create is refused with
    /// 4012. Default: none.
    pub retired_couriers: Vec<String>,
    /// Whether a create is refused with 4012 when its number does not look like those of the
    /// courier that it names. Default: no.
    pub strict_numbers: bool,
    /// What becomes of the custom fields that an update of a tracking leaves out.
    pub custom_fields_update: CustomFieldsUpdate,
    /// What becomes of the credentials that an update of a connection leaves out.
    pub credentials_update: CredentialsUpdate,
    /// Whether answers about connections hold their credentials.
    pub connection_answer: ConnectionAnswer,
    /// Whether the account has estimated delivery dates; predictions are refused with 403 if not.
    /// Default: yes.
    pub predictions: bool,
    /// What a single prediction answers.
    pub predict_answer: PredictAnswer,
    /// How often a tracking may be retracked: 3 by the endpoint's description (default), 1 by the
    /// text of error 4016.
    pub max_retracks: u32,
    /// What a retrack answers.
    pub retrack_answer: RetrackAnswer,
    /// Faults by chance; scripted answers go before them. Default: none.
    pub faults: Option<FaultPlan>,
    /// How long after a change lists of trackings still show what was there before it, deleted ones
    /// too; filters apply to what they show. A single tracking is always answered as it is. What
    /// was seeded or loaded shows at once. Default: no lag.
    pub index_lag: IndexLag,
    /// Lists trackings in an order that this seed makes up, instead of newest first. Default: no.
    pub shuffle: Option<u64>,
    /// The sender of webhooks.
    pub webhooks: WebhookOptions,
    /// Milliseconds between the stages of the test courier. Default: 3,000.
    pub test_courier_step_ms: u64,
    /// How many requests the journal keeps, the latest ones; `None`: all (default).
    pub journal_capacity: Option<usize>,
    /// Decides the identifiers of trackings that are created, and what codes and tokens look like.
    /// Default: 0.
    pub seed: u64,
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
            daily_quota: None,
            date_skew: DateSkew::default(),
            cache_seconds: 0,
            forbidden: false,
            scopes: Scope::ALL.to_vec(),
            lenient: false,
            duplicate_answer: DuplicateAnswer::default(),
            unrecognized: Unrecognized::default(),
            lower_case_numbers: LowerCaseNumbers::default(),
            active_couriers: ACTIVATED.iter().map(|slug| (*slug).to_owned()).collect(),
            active_couriers_only: false,
            retired_couriers: Vec::new(),
            strict_numbers: false,
            custom_fields_update: CustomFieldsUpdate::default(),
            credentials_update: CredentialsUpdate::default(),
            connection_answer: ConnectionAnswer::default(),
            predictions: true,
            predict_answer: PredictAnswer::default(),
            max_retracks: 3,
            retrack_answer: RetrackAnswer::default(),
            faults: None,
            index_lag: IndexLag::None,
            shuffle: None,
            webhooks: WebhookOptions::default(),
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
            .field("daily_quota", &self.daily_quota)
            .field("date_skew", &self.date_skew)
            .field("cache_seconds", &self.cache_seconds)
            .field("forbidden", &self.forbidden)
            .field("scopes", &self.scopes)
            .field("lenient", &self.lenient)
            .field("duplicate_answer", &self.duplicate_answer)
            .field("unrecognized", &self.unrecognized)
            .field("lower_case_numbers", &self.lower_case_numbers)
            .field("active_couriers", &self.active_couriers)
            .field("active_couriers_only", &self.active_couriers_only)
            .field("retired_couriers", &self.retired_couriers)
            .field("strict_numbers", &self.strict_numbers)
            .field("custom_fields_update", &self.custom_fields_update)
            .field("credentials_update", &self.credentials_update)
            .field("connection_answer", &self.connection_answer)
            .field("predictions", &self.predictions)
            .field("predict_answer", &self.predict_answer)
            .field("max_retracks", &self.max_retracks)
            .field("retrack_answer", &self.retrack_answer)
            .field("faults", &self.faults)
            .field("index_lag", &self.index_lag)
            .field("shuffle", &self.shuffle)
            .field("webhooks", &self.webhooks)
            .field("test_courier_step_ms", &self.test_courier_step_ms)
            .field("journal_capacity", &self.journal_capacity)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}
