//! The flags of webhooks.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use aftership_simulator::{
    Webhook, WebhookEvent, WebhookFaultPlan, WebhookOptions, WebhookVersion,
};
use anyhow::{Context, Result};
use clap::Args;

/// Who is told what happens.
#[derive(Debug, Args)]
pub struct WebhookFlags {
    /// An http URL that is told what happens to trackings; may be repeated
    #[arg(long = "webhook", value_name = "URL")]
    pub webhooks: Vec<String>,

    /// The environment variable that holds the secret of the webhooks
    #[arg(
        long,
        value_name = "VARIABLE",
        default_value = "AFTERSHIP_SIMULATOR_WEBHOOK_SECRET",
        requires = "webhooks"
    )]
    pub webhook_secret_env: String,

    /// The version of the webhooks: v4, or a date from 2023-10 to 2026-07
    #[arg(long, value_name = "VERSION", default_value = "2026-07", requires = "webhooks")]
    pub webhook_version: WebhookVersion,

    /// An event to send, as tracking_update; may be repeated; all if not given
    #[arg(long = "webhook-event", value_name = "EVENT", requires = "webhooks")]
    pub webhook_events: Vec<WebhookEvent>,

    /// Send a test delivery to each webhook at the start
    #[arg(long, requires = "webhooks")]
    pub webhook_test: bool,

    /// Give so many of a hundred deliveries a fault, as in 7:2.5; the seed decides which
    #[arg(long, value_name = "SEED:PERCENT")]
    pub webhook_faults: Option<WebhookFaultPlan>,

    /// Seconds of real time after which a missing answer to a delivery counts as none
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub webhook_answer_seconds: u64,

    /// Send little of the tracking with edd_revise and tracking_pending_time
    #[arg(long)]
    pub webhook_partial: bool,

    /// Write every attempt at a delivery as a line of JSON
    #[arg(long, value_name = "FILE")]
    pub webhook_journal: Option<PathBuf>,

    /// Hours after which a tracking is Pending for too long
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub pending_hours: u64,

    /// Let carriers scan so many made-up or loaded trackings in a second
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub scans_per_second: u32,
}

impl WebhookFlags {
    /// The settings of the sender.
    pub fn options(&self) -> WebhookOptions {
        WebhookOptions {
            pending_ms: self.pending_hours.saturating_mul(3_600_000),
            answer_limit: Duration::from_secs(self.webhook_answer_seconds),
            partial: self.webhook_partial,
            faults: self.webhook_faults.clone(),
            ..WebhookOptions::default()
        }
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
        let secret = env::var(variable).with_context(|| {
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
}
