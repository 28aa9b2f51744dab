//! The flags, and the settings that they make.

mod auth;
mod webhooks;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use aftership_simulator::{
    Clock, ConnectionAnswer, CredentialsUpdate, CustomFieldsUpdate, DateSkew, DuplicateAnswer,
    FaultPlan, IndexLag, LowerCaseNumbers, Options, PredictAnswer, RetrackAnswer, ScaledClock,
    Scope, SystemClock, Unrecognized,
};
use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use self::auth::AuthFlags;
use self::webhooks::WebhookFlags;

/// AfterShip's tracking API, version 2026-07, on loopback.
///
/// Serves trackings, couriers, courier connections and predictions of delivery dates under
/// /tracking/2026-07, with the API's keys, limits, errors and paging, and OAuth 2.0 under /oauth.
/// Prints the line `listening on http://ADDRESS` and serves until it is interrupted. Nothing is
/// stored.
#[derive(Debug, Parser)]
#[command(name = "aftership-simulator", version)]
pub struct Cli {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// Permit an address that other machines can reach
    #[arg(long)]
    pub allow_remote: bool,

    /// A key that is accepted in `as-api-key`; may be repeated
    #[arg(
        long = "api-key",
        value_name = "KEY",
        env = "AFTERSHIP_SIMULATOR_API_KEY",
        hide_env_values = true,
        default_value = "asat_simulator"
    )]
    pub api_keys: Vec<String>,

    /// Signed keys and the authorization server.
    #[command(flatten)]
    pub auth: AuthFlags,

    /// Webhooks.
    #[command(flatten)]
    pub webhooks: WebhookFlags,

    /// Trackings to make up, spread over the retention
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub trackings: usize,

    /// Decides what made-up trackings and fresh ids look like
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// A JSON file, or a directory of them, with trackings or answers; may be repeated
    #[arg(long, value_name = "PATH")]
    pub data: Vec<PathBuf>,

    /// Days after which a tracking is no longer listed, or `off`
    #[arg(long, value_name = "DAYS", default_value = "120", value_parser = days)]
    pub retention_days: Retention,

    /// Answer however many requests come in a second
    #[arg(long)]
    pub no_limits: bool,

    /// Answer so many requests in a day (UTC) and the others with 429
    #[arg(long, value_name = "COUNT")]
    pub daily_quota: Option<u32>,

    /// Tell the time so many seconds wrong in `date`, for so many answers if given, as in
    /// 864000:14
    #[arg(long, value_name = "SECONDS[:ANSWERS]", default_value = "0", allow_hyphen_values = true)]
    pub date_skew: DateSkew,

    /// Answer a GET for so many seconds as before, with an `age`, as a cache on the way would
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub cache: u64,

    /// Refuse every request with 403, as for a plan without the API
    #[arg(long)]
    pub forbid: bool,

    /// What the keys may do, as aftership:tracking:read; may be repeated; everything if not given
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<Scope>,

    /// Ignore query parameters and body members that the API does not know, instead of a 400
    #[arg(long)]
    pub lenient: bool,

    /// The `data` of error 4003
    #[arg(long, value_name = "SHAPE", default_value = "flat")]
    pub duplicate_answer: Shape,

    /// Store a number that no courier recognises as `unrecognized`, instead of error 4012
    #[arg(long)]
    pub store_unrecognized: bool,

    /// Take lower-case letters in tracking numbers as upper-case, instead of error 4017
    #[arg(long)]
    pub raise_lower_case: bool,

    /// A courier that the account has activated; may be repeated; some well-known ones if not given
    #[arg(long = "active-courier", value_name = "SLUG")]
    pub active_couriers: Vec<String>,

    /// Take trackings for activated couriers only, instead of every slug
    #[arg(long)]
    pub active_couriers_only: bool,

    /// A courier that is no longer supported; may be repeated
    #[arg(long = "retired-courier", value_name = "SLUG")]
    pub retired_couriers: Vec<String>,

    /// Refuse a number that does not look like those of the courier that is named
    #[arg(long)]
    pub strict_numbers: bool,

    /// Keep the custom fields that an update of a tracking leaves out
    #[arg(long)]
    pub merge_custom_fields: bool,

    /// Keep the credentials that an update of a connection leaves out
    #[arg(long)]
    pub merge_credentials: bool,

    /// Leave credentials out of answers about connections
    #[arg(long, conflicts_with = "mask_credentials")]
    pub omit_credentials: bool,

    /// Answer `********` for each credential of a connection
    #[arg(long)]
    pub mask_credentials: bool,

    /// Refuse predictions with 403, as for an account without them
    #[arg(long)]
    pub no_predictions: bool,

    /// Answer a single prediction as a list of one
    #[arg(long)]
    pub predict_list: bool,

    /// How often a tracking may be retracked
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    pub max_retracks: u32,

    /// Answer a retrack with identifiers and additional fields only
    #[arg(long)]
    pub partial_retrack: bool,

    /// Give so many of a hundred requests a fault, as in 7:2.5; the seed decides which
    #[arg(long, value_name = "SEED:PERCENT")]
    pub faults: Option<FaultPlan>,

    /// Seconds until lists show a change; with a seed, as in 7:30, a random time up to that
    #[arg(long, value_name = "[SEED:]SECONDS", default_value = "0", value_parser = lag)]
    pub index_lag: IndexLag,

    /// List trackings in an order that the seed makes up, instead of newest first
    #[arg(long, value_name = "SEED")]
    pub shuffle: Option<u64>,

    /// The time at the start, as 2026-11-22T12:00:00+00:00; the machine's if not given
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,

    /// How many times as fast as the machine's the clock runs
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub time_scale: f64,

    /// Write every request as a line of JSON
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,

    /// How many requests to keep in memory
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub journal_capacity: usize,
}

/// How long trackings are listed.
#[derive(Debug, Clone, Copy)]
pub struct Retention(Option<u32>);

/// The shapes of error 4003.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Shape {
    /// {id, tracking_number, slug}
    Flat,
    /// {tracking: {tracking_number, slug, id}}
    Nested,
    /// {}
    Empty,
}

impl Cli {
    /// The settings that the flags make.
    ///
    /// # Errors
    /// A time or a factor that makes no sense, a key file that cannot be used, an app with two
    /// secrets.
    pub fn options(&self) -> Result<Options> {
        let default = Options::default();
        Ok(Options {
            api_keys: self.api_keys.clone(),
            signed_keys: self.auth.signed_keys()?,
            oauth: self.auth.oauth()?,
            clock: self.clock()?,
            retention_days: self.retention_days.0,
            limits: !self.no_limits,
            daily_quota: self.daily_quota,
            date_skew: self.date_skew,
            cache_seconds: self.cache,
            forbidden: self.forbid,
            scopes: or_default(&self.scopes, default.scopes),
            lenient: self.lenient,
            duplicate_answer: match self.duplicate_answer {
                Shape::Flat => DuplicateAnswer::Flat,
                Shape::Nested => DuplicateAnswer::Nested,
                Shape::Empty => DuplicateAnswer::Empty,
            },
            unrecognized: match self.store_unrecognized {
                true => Unrecognized::Store,
                false => Unrecognized::Refuse,
            },
            lower_case_numbers: match self.raise_lower_case {
                true => LowerCaseNumbers::Raise,
                false => LowerCaseNumbers::Refuse,
            },
            active_couriers: or_default(&self.active_couriers, default.active_couriers),
            active_couriers_only: self.active_couriers_only,
            retired_couriers: self.retired_couriers.clone(),
            strict_numbers: self.strict_numbers,
            custom_fields_update: match self.merge_custom_fields {
                true => CustomFieldsUpdate::Merge,
                false => CustomFieldsUpdate::Replace,
            },
            credentials_update: match self.merge_credentials {
                true => CredentialsUpdate::Merge,
                false => CredentialsUpdate::Replace,
            },
            connection_answer: match (self.omit_credentials, self.mask_credentials) {
                (true, _) => ConnectionAnswer::WithoutCredentials,
                (false, true) => ConnectionAnswer::Masked,
                (false, false) => ConnectionAnswer::Full,
            },
            predictions: !self.no_predictions,
            predict_answer: match self.predict_list {
                true => PredictAnswer::List,
                false => PredictAnswer::Object,
            },
            max_retracks: self.max_retracks,
            retrack_answer: match self.partial_retrack {
                true => RetrackAnswer::Partial,
                false => RetrackAnswer::Full,
            },
            faults: self.faults.clone(),
            index_lag: self.index_lag,
            shuffle: self.shuffle,
            webhooks: self.webhooks.options(),
            journal_capacity: Some(self.journal_capacity),
            seed: self.seed,
            test_courier_step_ms: default.test_courier_step_ms,
        })
    }

    fn clock(&self) -> Result<Arc<dyn Clock>> {
        if !(self.time_scale.is_finite() && self.time_scale >= 0.0) {
            bail!("--time-scale must be a number from 0");
        }
        if self.now.is_none() && self.time_scale == 1.0 {
            return Ok(Arc::new(SystemClock));
        }
        let start_ms = match &self.now {
            None => SystemClock.now_ms(),
            Some(text) => {
                let time = OffsetDateTime::parse(text, &Rfc3339)
                    .with_context(|| format!("--now {text} is no time"))?;
                u64::try_from(time.unix_timestamp_nanos() / 1_000_000)
                    .context("--now must not lie before 1970")?
            }
        };
        Ok(Arc::new(ScaledClock::new(start_ms, self.time_scale)))
    }
}

/// What was given, or the default where nothing was.
fn or_default<T: Clone>(given: &[T], default: Vec<T>) -> Vec<T> {
    if given.is_empty() { default } else { given.to_vec() }
}

fn days(text: &str) -> Result<Retention, String> {
    match text {
        "off" => Ok(Retention(None)),
        days => days
            .parse()
            .map(|days| Retention(Some(days)))
            .map_err(|_| "a number of days, or `off`".to_owned()),
    }
}

fn lag(text: &str) -> Result<IndexLag, String> {
    let wrong = || "seconds, or a seed and seconds as in `7:30`".to_owned();
    let millis = |text: &str| {
        let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=1e9).contains(seconds));
        seconds.map(|seconds| (seconds * 1000.0) as u64).ok_or_else(wrong)
    };
    match text.split_once(':') {
        Some((seed, most)) => {
            let seed = seed.parse().map_err(|_| wrong())?;
            Ok(IndexLag::Random { seed, most_ms: millis(most)? })
        }
        None => Ok(match millis(text)? {
            0 => IndexLag::None,
            ms => IndexLag::Fixed(ms),
        }),
    }
}

#[cfg(test)]
mod tests;
