//! What goes wrong with deliveries, and that both sides can be counted.

use std::collections::HashSet;

use aftership_simulator::{Dialer, Webhook, WebhookFault, webhook_signature};

use crate::client::{Client, tracking};
use crate::receiver::{Got, Receiver};

const URL: &str = "http://host.example:8080/hooks";
const SECRET: &str = "secret";

fn client() -> Client {
    let client = Client::new();
    client.simulator.add_webhook(Webhook::new(URL, SECRET)).unwrap();
    client.simulator.insert(&tracking("a", "2026-11-20T00:00:00+00:00", "")).unwrap();
    client
}

fn is_genuine(got: &Got) -> bool {
    let mut signatures = got.headers.get_all("aftership-hmac-sha256").iter();
    let signature = signatures.next().map(|value| value.to_str().unwrap());
    signature == Some(&webhook_signature(SECRET, &got.body)) && signatures.next().is_none()
}

/// Sends what is due and what follows within an hour; answers what came.
async fn an_hour(client: &Client, receiver: &Receiver) -> Vec<Got> {
    let mut got = Vec::new();
    for _ in 0..120 {
        while client.simulator.send_due_webhooks(&receiver.dialer()).await > 0 {}
        got.extend(receiver.take());
        client.clock.advance(30_000);
    }
    got
}

#[tokio::test]
async fn each_fault_is_what_it_says_and_heals() {
    for (fault, came, genuine) in [
        (WebhookFault::Copies(3), 3, 3),
        (WebhookFault::Repeats(2), 3, 3),
        (WebhookFault::Late(60_000), 1, 1),
        (WebhookFault::WrongSignature, 2, 1),
        (WebhookFault::Unsigned, 2, 1),
        (WebhookFault::SignedTwice, 2, 1),
        (WebhookFault::Tampered, 2, 1),
        (WebhookFault::CutOff, 1, 1),
        (WebhookFault::AnswerLost, 2, 2),
    ] {
        let (client, receiver) = (client(), Receiver::default());
        client.simulator.fault_next_webhook(fault);
        client.simulator.scan("a", "InTransit", "x").unwrap();
        let forged = matches!(
            fault,
            WebhookFault::WrongSignature
                | WebhookFault::Unsigned
                | WebhookFault::SignedTwice
                | WebhookFault::Tampered
        );
        if forged {
            receiver.reply(&[401]);
        }
        let got = an_hour(&client, &receiver).await;
        assert_eq!(got.len(), came, "{fault:?}");
        assert_eq!(got.iter().filter(|got| is_genuine(got)).count(), genuine, "{fault:?}");
        let ids: HashSet<_> = got.iter().map(|got| got.json()["event_id"].to_string()).collect();
        assert_eq!(ids.len(), 1, "{fault:?}");
        let counts = client.simulator.webhook_counts();
        assert_eq!((counts.taken, counts.lost), (1, 0), "{fault:?}");
        let journal = client.simulator.webhook_journal();
        assert_eq!(journal.len() as u64, counts.attempts);
        assert_eq!(journal[0].fault, Some(format!("{fault:?}")));
    }
}

#[tokio::test]
async fn nothing_leaves_the_machine_unasked() {
    let client = Client::new();
    client.simulator.add_webhook(Webhook::new("http://192.0.2.1:80/", SECRET)).unwrap();
    client.simulator.insert(&tracking("a", "2026-11-20T00:00:00+00:00", "")).unwrap();
    client.simulator.scan("a", "InTransit", "x").unwrap();
    client.simulator.send_due_webhooks(&Dialer::loopback()).await;
    let journal = client.simulator.webhook_journal();
    assert!(journal[0].error.as_deref().unwrap().contains("this machine"), "{journal:?}");
}
