//! A provider that rotates refresh tokens, and ends a grant whose token comes twice.

use super::{Learned, RenewalOutcome, Sealed, SealedGrant};

/// Tokens are numbers: the first is 0, and each answer has the next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Provider {
    current: u8,
    /// The token before, and when it was replaced.
    replaced: Option<(u8, u64)>,
    pub revoked: bool,
    grace_ms: u64,
}

/// What comes back, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reply {
    Tokens(u8),
    Refused,
    Lost,
    NotExecuted,
    Withdrawn,
}

impl Provider {
    pub fn new(grace_ms: u64) -> Self {
        Self { current: 0, replaced: None, revoked: false, grace_ms }
    }

    pub fn execute(&mut self, token: u8, now_ms: u64) -> Reply {
        if !self.accepts(token, now_ms) {
            self.revoked = true;
            return Reply::Refused;
        }
        // In grace, the answer that was given before is given again.
        if token == self.current {
            self.replaced = Some((token, now_ms));
            self.current += 1;
        }
        Reply::Tokens(self.current)
    }

    pub fn accepts(&self, token: u8, now_ms: u64) -> bool {
        let in_grace = self.replaced.is_some_and(|(replaced, at_ms)| {
            replaced == token && now_ms - at_ms <= self.grace_ms && self.grace_ms > 0
        });
        !self.revoked && (token == self.current || in_grace)
    }

    /// The newest tokens given out.
    pub fn current(&self) -> u8 {
        self.current
    }

    /// Whether it accepts a replaced token for good.
    pub fn forgives(&self) -> bool {
        self.grace_ms == u64::MAX
    }

    pub fn grace_end(&self) -> Option<u64> {
        self.replaced.and_then(|(_, at_ms)| at_ms.checked_add(self.grace_ms)?.checked_add(1))
    }
}

impl Reply {
    pub fn outcome(self, expires_ms: u64) -> RenewalOutcome {
        match self {
            Self::Tokens(token) => RenewalOutcome::Received(SealedGrant {
                sealed: Sealed(vec![token]),
                expires_ms: Some(expires_ms),
                scopes: Vec::new(),
                learned: Learned::default(),
            }),
            Self::Refused => RenewalOutcome::Refused,
            Self::Lost => RenewalOutcome::Unknown,
            Self::NotExecuted => RenewalOutcome::NotExecuted { wait_ms: None },
            Self::Withdrawn => RenewalOutcome::Withdrawn,
        }
    }
}
