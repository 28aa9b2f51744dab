//! The flags: those of the library's settings, and those of the program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use aftership_simulator::{
    Clock, OAuthClient, Options, ScaledClock, SignedKey, SystemClock, Webhook, WebhookEvent,
    WebhookVersion,
};
use anyhow::{Context, Result, bail};
use clap::Parser;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

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

    /// Trackings to make up, spread over the retention
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub trackings: usize,

    /// A JSON file, or a directory of them, with trackings or answers; may be repeated
    #[arg(long, value_name = "PATH")]
    pub data: Vec<PathBuf>,

    /// The time at the start, as 2026-11-22T12:00:00+00:00; the machine's if not given
    #[arg(long, value_name = "TIME")]
    now: Option<String>,

    /// How many times as fast as the machine's the clock runs
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    time_scale: f64,

    /// Write every request as a line of JSON
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,

    /// A key whose requests must be signed with HMAC-SHA256 (AES); may be repeated
    #[arg(
        long = "hmac-key",
        value_name = "KEY:SECRET",
        env = "AFTERSHIP_SIMULATOR_HMAC_KEY",
        hide_env_values = true
    )]
    hmac_keys: Vec<Hidden>,

    /// A key whose requests must be signed with RSA, and the file of its public key in PEM
    #[arg(long = "rsa-key", value_name = "KEY:FILE")]
    rsa_keys: Vec<String>,

    /// An app at /oauth/authorize, /oauth/token and /oauth/revoke; may be repeated
    #[arg(
        long = "oauth-client",
        value_name = "ID:SECRET:REDIRECT_URI",
        env = "AFTERSHIP_SIMULATOR_OAUTH_CLIENT",
        hide_env_values = true
    )]
    oauth_clients: Vec<Hidden>,

    /// An http URL that is told what happens to trackings; may be repeated
    #[arg(long = "webhook", value_name = "URL")]
    webhooks: Vec<String>,

    /// The environment variable that holds the secret of the webhooks
    #[arg(
        long,
        value_name = "VARIABLE",
        default_value = "AFTERSHIP_SIMULATOR_WEBHOOK_SECRET",
        requires = "webhooks"
    )]
    webhook_secret_env: String,

    /// The version of the webhooks, from 2025-01 to 2026-07
    #[arg(long, value_name = "VERSION", default_value = "2026-07", requires = "webhooks")]
    webhook_version: WebhookVersion,

    /// An event to send, as tracking_update; may be repeated; all if not given
    #[arg(long = "webhook-event", value_name = "EVENT", requires = "webhooks")]
    webhook_events: Vec<WebhookEvent>,

    /// Send a test delivery to each webhook at the start
    #[arg(long, requires = "webhooks")]
    pub webhook_test: bool,

    #[command(flatten)]
    options: Options,
}

/// A value with a secret in it: neither debug output nor an error about flags shows it.
#[derive(Clone)]
struct Hidden(String);

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("hidden")
    }
}

impl Cli {
    /// The settings that the flags make.
    ///
    /// # Errors
    /// A time or a factor that makes no sense, a key file that cannot be used, a key or an app
    /// without its secret.
    pub fn options(&self) -> Result<Options> {
        let mut options = self.options.clone();
        options.clock = self.clock()?;
        for Hidden(given) in &self.hmac_keys {
            let (key, secret) = pair(given).context("--hmac-key wants KEY:SECRET")?;
            options.signed_keys.push(SignedKey::hmac(key, secret));
        }
        for given in &self.rsa_keys {
            let (key, file) = pair(given).context("--rsa-key wants KEY:FILE")?;
            let read = || format!("--rsa-key: cannot use {file}");
            let bytes = std::fs::read(file).with_context(read)?;
            options.signed_keys.push(SignedKey::rsa(key, &bytes).with_context(read)?);
        }
        for Hidden(given) in &self.oauth_clients {
            let parts = pair(given).and_then(|(id, rest)| Some((id, pair(rest)?)));
            let (id, (secret, uri)) =
                parts.context("--oauth-client wants ID:SECRET:REDIRECT_URI")?;
            options.oauth.clients.push(OAuthClient::new(id, secret, uri));
        }
        Ok(options)
    }

    /// The webhooks.
    ///
    /// # Errors
    /// Their secret is not in the environment.
    pub fn webhooks(&self) -> Result<Vec<Webhook>> {
        if self.webhooks.is_empty() {
            return Ok(Vec::new());
        }
        let variable = &self.webhook_secret_env;
        let secret = std::env::var(variable).with_context(|| {
            format!("the secret of the webhooks is expected in the environment variable {variable}")
        })?;
        let webhook = |url: &String| {
            let webhook = Webhook::new(url, &secret).version(self.webhook_version);
            match self.webhook_events.as_slice() {
                [] => webhook,
                events => webhook.events(events),
            }
        };
        Ok(self.webhooks.iter().map(webhook).collect())
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

fn pair(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(one, other)| !one.is_empty() && !other.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aftership_simulator::{ConnectionAnswer, DateSkew, IndexLag, Rotation, Scope};

    fn parse(flags: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(["aftership-simulator"].into_iter().chain(flags.split_whitespace()))
    }

    #[test]
    fn without_flags_the_settings_are_the_librarys() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
        let (flags, library) = (parse("").unwrap().options().unwrap(), Options::default());
        assert_eq!(flags.api_keys, library.api_keys);
        assert_eq!(flags.scopes, library.scopes);
        assert_eq!(flags.active_couriers, library.active_couriers);
        assert_eq!((flags.retention_days, flags.limits), (Some(120), true));
        assert_eq!((flags.predictions, flags.oauth.revocation), (true, true));
        assert_eq!(flags.oauth.rotation, library.oauth.rotation);
        assert_eq!(flags.oauth.refresh_token_seconds, library.oauth.refresh_token_seconds);
        assert_eq!(flags.oauth.consent_to, None);
    }

    #[test]
    fn flags_make_settings() {
        let cli = parse(
            "--no-limits --api-key a --api-key b --now 2026-11-22T12:00:00+00:00 --time-scale 0 \
             --scope aftership:courier:read --no-predictions --connection-answer masked \
             --date-skew -30:4 --index-lag 7:30 --rotation never --hmac-key k:s3cret \
             --oauth-client a:s3cret:http://127.0.0.1/x",
        );
        let cli = cli.unwrap();
        let options = cli.options().unwrap();
        assert_eq!((options.api_keys.len(), options.signed_keys.len()), (2, 1));
        assert!(!options.limits && !options.predictions);
        assert_eq!(options.clock.now_ms(), 1_795_348_800_000);
        assert_eq!(options.scopes, [Scope::CourierRead]);
        assert_eq!(options.connection_answer, ConnectionAnswer::Masked);
        assert_eq!(options.date_skew, DateSkew { seconds: -30, answers: Some(4) });
        assert_eq!(options.index_lag, IndexLag::Random { seed: 7, most_ms: 30_000 });
        assert_eq!(options.oauth.rotation, Rotation::Never);
        assert_eq!(options.oauth.clients[0].redirect_uris, ["http://127.0.0.1/x"]);
        assert!(!format!("{cli:?}").contains("s3cret"));
    }

    #[test]
    fn webhooks_take_their_secret_from_the_environment() {
        // It is always there.
        let cli = parse("--webhook http://x --webhook-secret-env PATH --webhook-event edd_revise");
        let webhook = Webhook::new("http://x", &std::env::var("PATH").unwrap());
        let expected = [webhook.events(&[WebhookEvent::EddRevise])];
        assert_eq!(cli.unwrap().webhooks().unwrap(), expected);
        let error = parse("--webhook http://x --webhook-secret-env NOT_SET").unwrap().webhooks();
        assert!(error.unwrap_err().to_string().contains("NOT_SET"));
    }

    #[test]
    fn senseless_flags_are_refused_and_secrets_are_not_shown() {
        for flags in ["--index-lag soon", "--index-lag :7", "--scope tracking", "--webhook-test"] {
            assert!(parse(flags).is_err(), "{flags}");
        }
        for flags in
            ["--now soon", "--time-scale NaN", "--hmac-key s3cret", "--oauth-client a:s3cret"]
        {
            let error = parse(flags).unwrap().options().map(|_| ()).unwrap_err();
            assert!(!format!("{error:#}").contains("s3cret"), "{error:#}");
        }
    }
}
