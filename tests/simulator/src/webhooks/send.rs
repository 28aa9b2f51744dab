//! Sending what is due, when it is due.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::attempt::WebhookAttempt;
use super::dial::Dialer;
use super::fault::WebhookFault;
use super::outbox::Delivery;
use super::signature::{self, webhook_signature};
use super::webhook::Webhook;
use crate::simulator::Simulator;

/// Source: AfterShip API 2026-07, webhook overview.
const USER_AGENT: &str = "AfterShipTrackingWebhook/4.0.0 (https://www.aftership.com)";

/// The shortest sleep: clocks that are read in milliseconds may be a moment early.
const A_MOMENT: Duration = Duration::from_millis(1);

impl Simulator {
    /// Sends webhooks whenever they are due by the simulator's clock, until this future is dropped;
    /// what is under way then is broken off. A clock that is moved by hand wakes nobody: call
    /// [`Simulator::send_due_webhooks`] instead.
    pub async fn send_webhooks(&self, dialer: Dialer) -> Infallible {
        let sender = Sender::new(self, dialer);
        let mut under_way = JoinSet::new();
        loop {
            let (due, wait, wake) = {
                let mut state = self.settled();
                let now_ms = state.options.clock.now_ms();
                let due = state.outbox.take_due(now_ms);
                let next_ms = state.outbox.next_ms().into_iter().chain(state.store.first_due());
                let wait_ms = next_ms.min().map(|next_ms| next_ms.saturating_sub(now_ms));
                let wait = wait_ms.and_then(|ms| state.options.clock.real_time(ms));
                (due, wait, state.outbox.wake())
            };
            for delivery in due {
                under_way.spawn(sender.clone().deliver(delivery));
            }
            while under_way.try_join_next().is_some() {}
            match wait {
                Some(wait) => {
                    tokio::select! {
                        biased;
                        () = sleep(wait.max(A_MOMENT)) => {}
                        () = wake.notified() => {}
                    }
                }
                None => wake.notified().await,
            }
        }
    }

    /// Sends the webhooks that are due now, all at once, waits for their answers, and says how many
    /// there were.
    pub async fn send_due_webhooks(&self, dialer: &Dialer) -> usize {
        let sender = Sender::new(self, dialer.clone());
        let due = {
            let mut state = self.settled();
            let now_ms = state.options.clock.now_ms();
            state.outbox.take_due(now_ms)
        };
        let count = due.len();
        let mut under_way = JoinSet::new();
        for delivery in due {
            under_way.spawn(sender.clone().deliver(delivery));
        }
        while under_way.join_next().await.is_some() {}
        count
    }
}

#[derive(Clone)]
struct Sender {
    simulator: Simulator,
    dialer: Dialer,
    room: Arc<Semaphore>,
}

impl Sender {
    fn new(simulator: &Simulator, dialer: Dialer) -> Self {
        let room = simulator.state().options.webhooks.at_once.max(1);
        let room = Arc::new(Semaphore::new(room));
        Self { simulator: simulator.clone(), dialer, room }
    }

    async fn deliver(self, delivery: Delivery) {
        // Never closed, so it cannot fail.
        let _room = self.room.acquire().await;
        let copies = if let Some(WebhookFault::Copies(count)) = delivery.fault { count } else { 1 };
        let mut under_way = JoinSet::new();
        for _ in 0..copies.max(1) {
            let (sender, delivery) = (self.clone(), delivery.clone());
            under_way.spawn(async move { sender.attempt(&delivery).await });
        }
        let mut attempts = Vec::new();
        while let Some(attempt) = under_way.join_next().await {
            attempts.extend(attempt.ok());
        }
        let mut state = self.simulator.state();
        let now_ms = state.options.clock.now_ms();
        let capacity = state.options.journal_capacity;
        state.outbox.ended(delivery, attempts, capacity, now_ms);
    }

    async fn attempt(&self, delivery: &Delivery) -> WebhookAttempt {
        let (at_ms, limit) = {
            let state = self.simulator.state();
            (state.options.clock.now_ms(), state.options.webhooks.answer_limit)
        };
        let (authority, target) = place(&delivery.webhook.url);
        let headers = headers(delivery, &authority);
        let body = body(delivery);
        let sent = self.exchange(delivery, &authority, &target, &headers, body.clone());
        let answer = timeout(limit, sent).await;
        let answer = answer.unwrap_or_else(|_| Err("no answer came in time".to_owned()));
        WebhookAttempt {
            at_ms,
            ended_ms: self.simulator.now_ms(),
            delivery: delivery.number,
            attempt: delivery.attempt,
            url: delivery.webhook.url.clone(),
            event: delivery.event.to_owned(),
            event_id: delivery.event_id.clone(),
            tracking_id: delivery.tracking_id.clone(),
            headers: shown(headers, &delivery.webhook),
            body,
            status: answer.as_ref().ok().copied(),
            error: answer.err(),
            fault: delivery.fault.map(|fault| format!("{fault:?}")),
        }
    }

    async fn exchange(
        &self,
        delivery: &Delivery,
        authority: &str,
        target: &str,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Result<u16, String> {
        if delivery.fault == Some(WebhookFault::CutOff) {
            let mut head = format!("POST {target} HTTP/1.1\r\n");
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
            return Err(self.dialer.cut_off(authority, &head, &body).await);
        }
        let mut request = Request::post(target);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
        let answer = self.dialer.send(authority, request).await?;
        match delivery.fault {
            Some(WebhookFault::AnswerLost) => Err("the answer was lost".to_owned()),
            _ => Ok(answer),
        }
    }
}

/// Host with port, and path with query.
fn place(url: &str) -> (String, String) {
    let uri: Uri = url.parse().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
    (authority, uri.path_and_query().map_or("/", |target| target.as_str()).to_owned())
}

fn headers(delivery: &Delivery, authority: &str) -> Vec<(String, String)> {
    let Delivery { webhook, body, fault, .. } = delivery;
    let mut headers = vec![
        ("host".to_owned(), authority.strip_suffix(":80").unwrap_or(authority).to_owned()),
        ("user-agent".to_owned(), USER_AGENT.to_owned()),
        ("content-type".to_owned(), "application/json".to_owned()),
        ("accept".to_owned(), "application/json, text/plain, */*".to_owned()),
        ("accept-encoding".to_owned(), "gzip".to_owned()),
    ];
    headers.push(("as-webhook-version".to_owned(), webhook.version.name().to_owned()));
    let signed = |secret: &str| (signature::HEADER.to_owned(), webhook_signature(secret, body));
    match fault {
        Some(WebhookFault::Unsigned) => {}
        Some(WebhookFault::WrongSignature) => {
            headers.push(signed(&format!("not {}", webhook.secret)));
        }
        Some(WebhookFault::SignedTwice) => {
            headers.extend([signed(&webhook.secret), signed(&webhook.secret)]);
        }
        _ => headers.push(signed(&webhook.secret)),
    }
    headers
        .extend(webhook.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())));
    headers
}

/// Headers of the webhook's own may hold a secret.
fn shown(mut headers: Vec<(String, String)>, webhook: &Webhook) -> Vec<(String, String)> {
    let own = headers.len() - webhook.headers.len();
    for (_, value) in headers.iter_mut().skip(own) {
        "***".clone_into(value);
    }
    headers
}

fn body(delivery: &Delivery) -> Bytes {
    if delivery.fault != Some(WebhookFault::Tampered) {
        return delivery.body.clone();
    }
    let mut bytes = delivery.body.to_vec();
    if let Some(last_digit) = bytes.iter_mut().rfind(|byte| byte.is_ascii_digit()) {
        *last_digit ^= 1;
    }
    bytes.into()
}
