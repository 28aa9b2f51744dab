//! Events that the provider pushes.

use serde::{Deserialize, Serialize};

use crate::setup::SecretField;
use crate::types::{Attempt, DataRecord};

/// Which events are to be sent where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRequest {
    /// Name of the object.
    pub object: String,
    /// Names of events.
    pub events: Vec<String>,
    /// Public URL at which the host receives deliveries; no other subscription has it.
    pub target_url: String,
    /// Id of a subscription to prolong, or to replace with a new one.
    pub renews: Option<String>,
    /// Which change this is, and whether it was tried before.
    pub attempt: Attempt,
}

/// A subscription at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// Its identity.
    pub id: String,
    /// Where deliveries go.
    pub target_url: String,
    /// Renew it before.
    pub expires_at: Option<String>,
}

/// What a person has to do for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManualSteps {
    /// What to do, one a line.
    pub steps: Vec<String>,
    /// What the customer brings back, e.g. the signing secret.
    pub secrets: Vec<SecretField>,
}

/// What came of subscribing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum SubscriptionOutcome {
    /// It is made.
    Subscribed(Subscription),
    /// The provider has no API for it: these steps are shown to the customer,
    /// one a line. The first verified delivery proves that they were taken.
    Manual(ManualSteps),
}

/// One HTTP request received at [`SubscriptionRequest::target_url`]. The body is untouched: signatures
/// cover raw bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Id that `subscribe` answered.
    pub subscription: Option<String>,
    /// Upper case.
    pub method: String,
    /// As the provider called it, with query.
    pub url: String,
    /// Without `authorization`, `cookie` and what `secrets.carried` answers for.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The bytes.
    #[serde(with = "crate::bytes")]
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: String,
}

/// What an event says of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Effect {
    /// The record as it is now.
    Upserted(DataRecord),
    /// The record is gone.
    Deleted(String),
    /// Something changed that the delivery does not hold whole: the host passes
    /// this to `records.find` and applies what it answers.
    Changed(String),
    /// The customer has withdrawn the grant at the provider: as `unauthenticated`.
    Disconnected,
    /// Genuine and about nothing that the host keeps, such as a test delivery.
    Nothing,
}

/// What a delivery says happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Identity of the event, for dropping repeats; `None` if the provider sends none.
    pub id: Option<String>,
    /// Name of the object.
    pub object: String,
    /// Its name.
    pub name: String,
    /// When it happened, by the provider's clock.
    pub occurred_at: Option<String>,
    /// What it says of a record.
    pub effect: Effect,
}

/// What to send back instead of an empty 200, e.g. to a challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Name and value.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    #[serde(with = "crate::bytes")]
    pub body: Vec<u8>,
}

/// What a delivery holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reception {
    /// What it says happened.
    pub events: Vec<Event>,
    /// What to answer; `None`: an empty 200.
    pub answer: Option<Answer>,
}

/// Why a delivery cannot be used, and what to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Refusal {
    /// Signature missing or wrong: answer 401 and count it.
    Unverified,
    /// Genuine but unreadable, and redelivery will not help: answer 2xx, keep the bytes.
    Unreadable(String),
    /// Cannot tell now, e.g. the secret is unavailable: answer 503 so that it comes again.
    TryAgain(String),
}
