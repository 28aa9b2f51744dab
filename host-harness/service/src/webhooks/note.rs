//! What a receiver and its worker have to say while they run.

use std::net::IpAddr;

/// Something worth showing. Texts come from senders and connectors: escape them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A delivery was kept.
    Kept {
        /// Whose: the id of its row.
        connection: String,
        /// Its number.
        delivery: u64,
        /// Names of its events.
        events: Vec<String>,
    },
    /// A delivery was not taken.
    Refused {
        /// Whose, if its path was known.
        connection: Option<String>,
        /// The sender's address.
        from: Option<IpAddr>,
        /// What was answered.
        status: u16,
        /// What went wrong, for people.
        why: String,
    },
    /// A delivery or event became a dead letter.
    Dead {
        /// Id of the connection.
        connection: String,
        /// Number of its event.
        event: u64,
        /// What went wrong, for people.
        why: String,
    },
    /// The customer has withdrawn the grant at the provider.
    Disconnected {
        /// Id of the connection.
        connection: String,
    },
    /// Nothing was received for a while: what was missed is being pulled.
    Gap {
        /// Id of the connection.
        connection: String,
        /// Since when: milliseconds since 1970.
        since_ms: u64,
    },
    /// Something does not work now and is tried again.
    Failing {
        /// What was tried.
        what: &'static str,
        /// What went wrong, for people.
        why: String,
    },
}

/// Takes notes. Called while a request is answered, so it must not block.
pub trait Notes: Send + Sync {
    /// Something happened.
    fn note(&self, note: &Note);

    /// Something does not work now and is tried again.
    fn failing(&self, what: &'static str, why: &dyn std::fmt::Display) {
        self.note(&Note::Failing { what, why: why.to_string() });
    }
}

/// Ignores notes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unnoted;

impl Notes for Unnoted {
    fn note(&self, _: &Note) {}
}
