//! What one call of a connector may still send: reads first, then at most one
//! write, and nothing after it.

use super::policy::Refused;

/// Requests of one call. A connector needs one or two.
const REQUESTS: u32 = 16;

/// Kept by the host for each call; the connector cannot reach it.
#[derive(Debug, Default)]
pub struct CallSends {
    requests: u32,
    /// A write went out, or may have.
    pub wrote: bool,
    /// An answer was larger than the host takes: asking for less may help.
    pub overflowed: bool,
    /// Show writes and do not send them.
    pub dry_run: bool,
    /// The write that a dry run held back.
    pub planned: Option<Planned>,
}

/// A request that was not sent because the call is a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Upper case.
    pub method: String,
    /// Absolute, with query.
    pub url: String,
    /// The connector's headers, then those that hold a secret, by the secret's name.
    pub headers: Vec<(String, String)>,
    /// The body as it would be sent, without secrets.
    pub body: Option<Vec<u8>>,
}

impl CallSends {
    /// For a call whose write is shown and not sent.
    #[must_use]
    pub fn planning() -> Self {
        Self { dry_run: true, ..Self::default() }
    }

    /// Asks whether one more request may go.
    ///
    /// # Errors
    /// [`Refused`] when the call has written already, or sent too many.
    pub fn admit(&mut self) -> Result<(), Refused> {
        if self.wrote {
            return Err(Refused(
                "this call has already written; a call writes once and sends nothing after it"
                    .to_owned(),
            ));
        }
        if self.requests >= REQUESTS {
            return Err(Refused(format!("this call has already sent {REQUESTS} requests")));
        }
        self.requests += 1;
        Ok(())
    }
}
