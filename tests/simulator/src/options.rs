//! What a simulator is told when it is made. The same are the flags of the program.

use std::sync::Arc;

use clap::ArgAction::SetFalse;
use clap::Args;

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
#[derive(Clone, Args)]
#[group(skip)]
pub struct Options {
    /// A plain key of the account; may be repeated.
    #[arg(
        long = "api-key",
        value_name = "KEY",
        env = "AFTERSHIP_SIMULATOR_API_KEY",
        hide_env_values = true,
        default_value = KEY
    )]
    pub api_keys: Vec<String>,
    /// Further keys of the account whose requests must be signed. Default: none.
    #[arg(skip)]
    pub signed_keys: Vec<SignedKey>,
    /// The authorization server.
    #[command(flatten)]
    pub oauth: OAuthOptions,
    /// Where the time comes from. Default: the machine.
    #[arg(skip = Arc::new(SystemClock) as Arc<dyn Clock>)]
    pub clock: Arc<dyn Clock>,
    /// Days after which a tracking is no longer listed; a single one is still answered by its id.
    /// `None`: no such end.
    #[arg(long, value_name = "DAYS", default_value = "120")]
    pub retention_days: Option<u32>,
    /// Whether the limits per endpoint and second hold; the flag switches them off.
    #[arg(long = "no-limits", action = SetFalse)]
    pub limits: bool,
    /// How many requests the account may send in a day (UTC); the next ones are answered with 429
    /// until midnight, as free accounts have been. Default: no such end.
    #[arg(long, value_name = "COUNT")]
    pub daily_quota: Option<u32>,
    /// How far the header `date` is off, for so many answers if given, as in 864000:14.
    #[arg(long, value_name = "SECONDS[:ANSWERS]", default_value = "0", allow_hyphen_values = true)]
    pub date_skew: DateSkew,
    /// For how many seconds a cache on the way answers a GET of the API with what it answered
    /// before, under the old `date` and with an `age`; 0: there is none.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub cache_seconds: u64,
    /// Whether every request with a good key is refused with 403, as for a plan without the API.
    #[arg(long)]
    pub forbidden: bool,
    /// What the keys may do, as aftership:tracking:read; may be repeated. An endpoint of another
    /// scope is refused with 403.
    #[arg(long = "scope", value_name = "SCOPE", default_values_t = Scope::ALL, hide_default_value = true)]
    pub scopes: Vec<Scope>,
    /// Whether query parameters and body members that the API does not know are ignored, and a
    /// repeated query parameter overrides the earlier one. Else each is a 400, because the API's
    /// own behaviour is undocumented and a simulator is there to find a client's faults.
    #[arg(long)]
    pub lenient: bool,
    /// What the `data` of a 4003 looks like.
    #[arg(long, default_value = "flat")]
    pub duplicate_answer: DuplicateAnswer,
    /// What becomes of a number that no courier recognises.
    #[arg(long, default_value = "refuse")]
    pub unrecognized: Unrecognized,
    /// What becomes of lower-case letters in a tracking number.
    #[arg(long, default_value = "refuse")]
    pub lower_case_numbers: LowerCaseNumbers,
    /// The slug of a courier that the account has activated; may be repeated. They are the answer of
    /// `GET /couriers?active=true`, and those that a create without a slug detects among. Default:
    /// every courier that made-up trackings have, and a few more.
    #[arg(
        long = "active-courier",
        value_name = "SLUG",
        default_values = ACTIVATED,
        hide_default_value = true
    )]
    pub active_couriers: Vec<String>,
    /// Whether a create that names a courier that is not activated is refused with 4012. Else a
    /// slug that is not even in the list is taken.
    #[arg(long)]
    pub active_couriers_only: bool,
    /// The slug of a courier that is no longer supported; may be repeated. It is not listed, and a
    /// create is refused with 4012.
    #[arg(long = "retired-courier", value_name = "SLUG")]
    pub retired_couriers: Vec<String>,
    /// Whether a create is refused with 4012 when its number does not look like those of the
    /// courier that it names.
    #[arg(long)]
    pub strict_numbers: bool,
    /// What becomes of the custom fields that an update of a tracking leaves out.
    #[arg(long, default_value = "replace")]
    pub custom_fields_update: CustomFieldsUpdate,
    /// What becomes of the credentials that an update of a connection leaves out.
    #[arg(long, default_value = "replace")]
    pub credentials_update: CredentialsUpdate,
    /// Whether answers about connections hold their credentials.
    #[arg(long, default_value = "full")]
    pub connection_answer: ConnectionAnswer,
    /// Whether the account has estimated delivery dates; the flag takes them away, and predictions
    /// are refused with 403.
    #[arg(long = "no-predictions", action = SetFalse)]
    pub predictions: bool,
    /// What a single prediction answers.
    #[arg(long, default_value = "object")]
    pub predict_answer: PredictAnswer,
    /// How often a tracking may be retracked: 3 by the endpoint's description, 1 by the text of
    /// error 4016.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    pub max_retracks: u32,
    /// What a retrack answers.
    #[arg(long, default_value = "full")]
    pub retrack_answer: RetrackAnswer,
    /// Faults by chance for so many of a hundred requests, as in 7:2.5; the seed decides which.
    /// Scripted answers go before them.
    #[arg(long, value_name = "SEED:PERCENT")]
    pub faults: Option<FaultPlan>,
    /// Seconds until lists of trackings show a change, deleted ones too; with a seed, as in 7:30, a
    /// random time up to that. Filters apply to what lists show. A single tracking is always
    /// answered as it is. What was seeded or loaded shows at once.
    #[arg(long, value_name = "[SEED:]SECONDS", default_value = "0")]
    pub index_lag: IndexLag,
    /// Lists trackings in an order that this seed makes up, instead of newest first.
    #[arg(long, value_name = "SEED")]
    pub shuffle: Option<u64>,
    /// The sender of webhooks.
    #[command(flatten)]
    pub webhooks: WebhookOptions,
    /// Milliseconds between the stages of the test courier.
    #[arg(long, value_name = "MS", default_value_t = 3_000)]
    pub test_courier_step_ms: u64,
    /// How many requests the journal keeps, the latest ones; `None`: all.
    #[arg(long, value_name = "COUNT", default_value = "10000")]
    pub journal_capacity: Option<usize>,
    /// Decides the identifiers of trackings that are created, what codes and tokens look like, and
    /// what is made up.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

const KEY: &str = "asat_simulator";

/// What the flags are when none is given, but for the journal, which keeps all.
impl Default for Options {
    fn default() -> Self {
        Self {
            api_keys: vec![KEY.to_owned()],
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
        formatter.debug_struct("Options").finish_non_exhaustive()
    }
}
