//! What goes wrong with deliveries, and that both sides can be counted.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aftership_simulator::{
    Dialer, Options, Simulator, Webhook, WebhookAttempt, WebhookFault, WebhookFaultPlan,
    webhook_signature,
};

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
            receiver.reply(&[crate::receiver::Reply::Status(401)]);
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
async fn a_late_delivery_is_overtaken() {
    let (client, receiver) = (client(), Receiver::default());
    client.simulator.fault_next_webhook(WebhookFault::Late(60_000));
    client.simulator.scan("a", "InTransit", "x").unwrap();
    client.clock.advance(1_000);
    client.simulator.scan("a", "Delivered", "y").unwrap();
    let got = an_hour(&client, &receiver).await;
    let tags: Vec<_> = got.iter().map(|got| got.json()["msg"]["tag"].clone()).collect();
    assert_eq!(tags, ["Delivered", "InTransit"]);
}

#[tokio::test]
async fn three_deliveries_of_one_tracking_arrive_at_once() {
    let (client, receiver) = (client(), Receiver::meeting(3));
    client.simulator.hold_webhooks();
    for tag in ["InTransit", "OutForDelivery", "Delivered"] {
        client.simulator.scan("a", tag, "x").unwrap();
        client.clock.advance(1);
        assert_eq!(client.simulator.send_due_webhooks(&receiver.dialer()).await, 0);
    }
    assert_eq!(client.simulator.webhooks_open(), 3);
    client.simulator.release_webhooks();
    // The receiver answers only when all three are there.
    assert_eq!(client.simulator.send_due_webhooks(&receiver.dialer()).await, 3);
    let ids: HashSet<_> =
        receiver.take().iter().map(|got| got.json()["event_id"].to_string()).collect();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn over_tcp_both_sides_count_the_same() {
    let receiver = Receiver::default();
    let url = receiver.listen().await;
    let mut options = Options::default();
    let menu = vec![
        WebhookFault::Copies(3),
        WebhookFault::Repeats(1),
        WebhookFault::Late(20),
        WebhookFault::CutOff,
        WebhookFault::AnswerLost,
    ];
    // One retry comes after 30 s, too late for a test: what is lost here stays open.
    options.webhooks.faults = Some(WebhookFaultPlan { menu, ..WebhookFaultPlan::new(3, 0.3) });
    let simulator = Simulator::new(options);
    simulator.seed(1, 50);
    let ids = simulator.ids();
    simulator.add_webhook(Webhook::new(&url, SECRET)).unwrap();
    let sender = simulator.clone();
    let task = tokio::spawn(async move { sender.send_webhooks(Dialer::loopback()).await });
    for round in 0..10 {
        for id in &ids {
            simulator.scan(id, "InTransit", &round.to_string()).unwrap();
        }
        tokio::task::yield_now().await;
    }
    let is_open = |one: &WebhookAttempt| !one.is_taken();
    loop {
        let journal = simulator.webhook_journal();
        let open = journal.iter().filter(|one| is_open(one)).count();
        if journal.len() > open && simulator.webhooks_open() == open {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    task.abort();
    let counts = simulator.webhook_counts();
    assert_eq!((counts.events, counts.deliveries), (500, 500));
    let journal = simulator.webhook_journal();
    assert_eq!(journal.len() as u64, counts.attempts);
    let mut sent: HashMap<String, usize> = HashMap::new();
    for one in journal.iter().filter(|one| one.fault.as_deref() != Some("CutOff")) {
        *sent.entry(one.event_id.clone()).or_default() += 1;
    }
    let mut came: HashMap<String, usize> = HashMap::new();
    for got in receiver.take() {
        assert!(is_genuine(&got));
        *came.entry(got.json()["event_id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(sent, came);
    assert!(counts.attempts > 500, "{counts:?}");
}

#[tokio::test]
async fn what_cannot_be_reached_is_tried_again() {
    let client = client();
    client.simulator.scan("a", "InTransit", "x").unwrap();
    let refusing = Dialer::new(|_| async {
        Err::<tokio::io::DuplexStream, _>(std::io::Error::other("nobody is there"))
    });
    client.simulator.send_due_webhooks(&refusing).await;
    client.clock.advance(30_000);
    client.simulator.send_due_webhooks(&refusing).await;
    client.clock.advance(60_000);
    let receiver = Receiver::default();
    client.simulator.send_due_webhooks(&receiver.dialer()).await;
    let journal = client.simulator.webhook_journal();
    assert_eq!(journal[0].error.as_deref(), Some("nobody is there"));
    assert!(journal[1].status.is_none() && journal[1].error.is_some());
    assert_eq!((journal[2].status, journal[2].attempt), (Some(200), 3));
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
