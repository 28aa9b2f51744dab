//! What the sender of webhooks is told.

use std::time::Duration;

use clap::Args;

use super::fault::WebhookFaultPlan;

/// The settings of the sender. A delivery keeps those that held when its event happened, but for
/// the limit of its answers.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct WebhookOptions {
    /// How long a shipment is Pending before `tracking_pending_time`, in milliseconds. Default: a
    /// day.
    #[arg(long, value_name = "MS", default_value_t = 86_400_000)]
    pub pending_ms: u64,
    /// How long an answer may take before it counts as none; undocumented. Default: 10 s. On tokio's
    /// clock, for whoever answers does not live faster when the simulator's clock is scaled.
    #[arg(skip = Duration::from_secs(10))]
    pub answer_limit: Duration,
    /// How many deliveries are under way at once; undocumented. Default: 64.
    #[arg(skip = 64_usize)]
    pub at_once: usize,
    /// Whether `edd_revise` and `tracking_pending_time` hold only the few members of their
    /// illustrations instead of the whole tracking; undocumented.
    #[arg(long = "webhook-partial")]
    pub partial: bool,
    /// Faults by chance for so many of a hundred deliveries, as in 7:2.5. Faults on demand go before
    /// them.
    #[arg(long = "webhook-faults", value_name = "SEED:PERCENT", id = "webhook_faults")]
    pub faults: Option<WebhookFaultPlan>,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            pending_ms: 86_400_000,
            answer_limit: Duration::from_secs(10),
            at_once: 64,
            partial: false,
            faults: None,
        }
    }
}
