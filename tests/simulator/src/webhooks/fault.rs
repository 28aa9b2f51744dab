//! What goes wrong with deliveries, on demand and by chance.

use std::str::FromStr;

use crate::faults::{BadPlan, chance, read};

/// Something that goes wrong with one delivery. What concerns the request happens at its first
/// attempt only: the later ones are as they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookFault {
    /// So many copies at the same moment.
    Copies(u32),
    /// So many times again after it was taken.
    Repeats(u32),
    /// Held back for so many milliseconds, so that later ones overtake it.
    Late(u64),
    /// Signed with another secret.
    WrongSignature,
    /// Without a signature.
    Unsigned,
    /// With its signature twice.
    SignedTwice,
    /// A byte of the body is changed after signing.
    Tampered,
    /// The connection ends in the middle of the body.
    CutOff,
    /// The answer comes and is lost: to the sender there was none.
    AnswerLost,
}

impl WebhookFault {
    /// One of each kind, as they happen by chance.
    pub const ALL: [Self; 9] = [
        Self::Copies(3),
        Self::Repeats(1),
        Self::Late(5_000),
        Self::WrongSignature,
        Self::Unsigned,
        Self::SignedTwice,
        Self::Tampered,
        Self::CutOff,
        Self::AnswerLost,
    ];
}

/// Rolls for each delivery whether it meets a fault, and which one.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookFaultPlan {
    /// Decides everything.
    pub seed: u64,
    /// Part of all deliveries that meet a fault, from 0 to 1.
    pub rate: f64,
    /// What may happen, each as likely as another.
    pub menu: Vec<WebhookFault>,
}

impl WebhookFaultPlan {
    /// Any fault at this rate, from 0 to 1.
    pub fn new(seed: u64, rate: f64) -> Self {
        Self { seed, rate, menu: WebhookFault::ALL.to_vec() }
    }

    /// What delivery number `count` meets.
    pub(super) fn roll(&self, count: u64) -> Option<WebhookFault> {
        Some(chance(self.seed, self.rate, count, || self.menu.clone())?.0)
    }
}

/// `SEED:PERCENT`: any fault, for so many of a hundred deliveries.
impl FromStr for WebhookFaultPlan {
    type Err = BadPlan;

    fn from_str(text: &str) -> Result<Self, BadPlan> {
        read(text).map(|(seed, rate)| Self::new(seed, rate))
    }
}
