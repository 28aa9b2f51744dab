//! What a test or a program does with the webhooks of a simulator.

use std::sync::Arc;

use super::attempt::{WebhookAttempt, WebhookCounts};
use super::fault::WebhookFault;
use super::webhook::{BadWebhook, Webhook, WebhookId};
use crate::simulator::Simulator;

/// The most URLs of one account.
const MOST_WEBHOOKS: usize = 10;

impl Simulator {
    /// Sets a URL. It is told of what happens from now on.
    ///
    /// # Errors
    /// More than ten of them; more than five headers of its own; a URL that is not http.
    pub fn add_webhook(&self, webhook: Webhook) -> Result<WebhookId, BadWebhook> {
        webhook.check()?;
        let mut state = self.settled();
        if state.outbox.webhooks().len() >= MOST_WEBHOOKS {
            return Err(BadWebhook("there are ten already"));
        }
        let id = state.outbox.fresh_id();
        state.outbox.webhooks().push((id, Arc::new(webhook)));
        Ok(id)
    }

    /// Signs what happens from now on with another secret; what waits keeps the old one.
    ///
    /// # Errors
    /// There is no such webhook.
    pub fn rotate_webhook_secret(&self, id: WebhookId, secret: &str) -> Result<(), BadWebhook> {
        let mut state = self.settled();
        let known = state.outbox.webhooks().iter_mut().find(|(known, _)| *known == id);
        let (_, webhook) = known.ok_or(BadWebhook("there is no such"))?;
        *webhook = Arc::new(Webhook { secret: secret.to_owned(), ..Webhook::clone(webhook) });
        Ok(())
    }

    /// Sends a test delivery, as the button of the dashboard does: signed, about no tracking, once.
    ///
    /// # Errors
    /// There is no such webhook.
    pub fn send_test_webhook(&self, id: WebhookId) -> Result<(), BadWebhook> {
        let mut state = self.settled();
        let now_ms = state.options.clock.now_ms();
        let known = state.outbox.webhooks().iter().find(|(known, _)| *known == id);
        let (_, webhook) = known.ok_or(BadWebhook("there is no such"))?;
        let (webhook, options) = (Arc::clone(webhook), state.options.clone());
        state.outbox.queue_test(&options, webhook, now_ms);
        Ok(())
    }

    /// Lets the next delivery that is queued meet this fault. Faults wait in line; each is used
    /// once.
    pub fn fault_next_webhook(&self, fault: WebhookFault) {
        self.state().outbox.fault_next(fault);
    }

    /// Every attempt so far, in the order in which they ended.
    pub fn webhook_journal(&self) -> Vec<WebhookAttempt> {
        self.state().outbox.journal().iter().cloned().collect()
    }

    /// How many events, deliveries and attempts there were.
    pub fn webhook_counts(&self) -> WebhookCounts {
        self.settled().outbox.counts()
    }

    /// How many deliveries are neither taken nor given up.
    pub fn webhooks_open(&self) -> usize {
        self.settled().outbox.open()
    }
}
