//! The state machine of a renewal (OAuth 2.0, RFC 6749 section 6), as pure functions over the row
//! that all processes share.
//!
//! A refresh token often serves once, and using it again may look like theft, so that the provider
//! ends the whole grant (RFC 9700 section 4.14). An answer that is lost takes the new tokens with
//! it. So the intent is durable before a byte leaves ([`claim`]), the tokens are durable before
//! anybody uses them ([`settle`]), and how often tokens may have been sent is counted (`sends`).
//!
//! | state | `sends` | lease | meaning |
//! |---|---|---|---|
//! | `Valid` | 0 | none | the tokens were never sent, or certainly not executed |
//! | `Renewing` | 1 or more | live | its owner may be sending |
//! | `Renewing` | 1 | none, ended | one answer was lost, or its owner was: once more, at once |
//! | `Uncertain` | 2 or more | none, ended | two were lost: a third could end the access token too |
//! | `Ended` | any | none | the provider said no, or said nothing for seven days |
//!
//! [`claim`] asks for the right to send. The first line that fits decides:
//!
//! | the row | answer |
//! |---|---|
//! | has other tokens than those to be replaced | `Moved`: use them |
//! | `Ended` | `Ended` |
//! | its lease lives | `Busy` |
//! | `sends` 2 or more, the access token lives | `Spent`: use it to its end; becomes `Uncertain` |
//! | `retry_ms` lies ahead | `NotNow` |
//! | otherwise | `Mine`: `Renewing`, `sends` + 1, a lease; from the third send on, `retry_ms` too |
//!
//! [`settle`] says how it went. Who no longer holds the lease changes nothing:
//!
//! | outcome | `sends` 1 | `sends` 2 | `sends` 3 or more |
//! |---|---|---|---|
//! | `Received` | `Valid`, epoch + 1 | same | same |
//! | `Withdrawn` | `sends` - 1 | same | same |
//! | `NotExecuted`, `ClientRefused` | `sends` - 1, wait | same | same |
//! | `Unknown` | `Renewing`: once more, at once | `Uncertain` | same; `Ended` after seven days |
//! | `Refused` | `Ended` | `Uncertain` while the access token lives, else `Ended` | `Ended` |
//!
//! A refusal at the second send does not end the grant, because the first may have been executed
//! and the access token be alive. A third send is made when that token has ended: by then nothing
//! is left to lose, and a provider that was away for long answers it.

use connector_contract::auth::Learned;
use connector_state::{GrantRow, GrantState, Lease, PreviousTokens, Sealed};

use super::schedule::{
    DEADLINE_MS, LEASE_MS, PREVIOUS_MS, PROBE_MS, PROBES_END_MS, due_ms, retry_ms,
};

/// Sends of unknown outcome after which the tokens rest while the access token lives.
const SENDS: u32 = 2;

/// What somebody who asks for the right to renew knows.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest<'a> {
    /// The tokens to be replaced.
    pub epoch: u64,
    /// The provider refused the access token. Counts as its end when nothing else says when it is.
    pub refused: bool,
    /// Who asks.
    pub attempt: &'a str,
    /// A holder whose lease was watched for its whole length: it is over, whatever the time of day
    /// says.
    pub outwaited: Option<&'a str>,
    /// The time of day, in milliseconds since 1970.
    pub now_ms: u64,
}

/// Whether the grant may be renewed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Send once, when this row is durable.
    Mine(GrantRow),
    /// Somebody else renews it.
    Busy {
        /// The end of the lease.
        until_ms: u64,
    },
    /// Somebody else did.
    Moved,
    /// Only later.
    NotNow {
        /// When it may be tried, in milliseconds since 1970.
        retry_ms: u64,
    },
    /// Not while the access token lives. The row says so.
    Spent(GrantRow),
    /// Never again.
    Ended,
}

/// How a renewal went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenewalOutcome {
    /// New tokens came.
    Received(SealedGrant),
    /// Nothing was sent, and nothing failed.
    Withdrawn,
    /// The provider did nothing.
    NotExecuted {
        /// It asked to be left alone for so long.
        wait_ms: Option<u64>,
    },
    /// Nobody knows.
    Unknown,
    /// The provider does not know the tokens (`invalid_grant`).
    Refused,
    /// The provider does not know us (`invalid_client`). Not the grant's fault.
    ClientRefused,
}

/// What a provider granted, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedGrant {
    /// All tokens, for the epoch that they begin.
    pub sealed: Sealed,
    /// When the access token ends, by the host's clock; `None`: it does not.
    pub expires_ms: Option<u64>,
    /// What was granted.
    pub scopes: Vec<String>,
    /// What else was told.
    pub learned: Learned,
}

/// The row of a grant that was just made.
pub fn first(connection: &str, epoch: u64, granted: SealedGrant, now_ms: u64) -> GrantRow {
    GrantRow {
        connection: connection.to_owned(),
        epoch,
        state: GrantState::Valid,
        sends: 0,
        lease: None,
        sealed_tokens: granted.sealed,
        received_ms: now_ms,
        expires_ms: granted.expires_ms,
        scopes: granted.scopes,
        learned: granted.learned,
        retry_ms: None,
        failures: 0,
        previous: None,
    }
}

/// Whether somebody should ask for a renewal. If one may be made, [`claim`] says.
pub fn wants_renewal(row: &GrantRow, now_ms: u64) -> bool {
    match row.state {
        GrantState::Valid => due_ms(row).is_some_and(|due| due <= now_ms),
        GrantState::Renewing => true,
        GrantState::Uncertain => row.expires_ms.is_some_and(|end| end <= now_ms),
        GrantState::Ended => false,
    }
}

/// Asks for the right to renew.
pub fn claim(row: &GrantRow, request: &ClaimRequest<'_>) -> Claim {
    let now_ms = request.now_ms;
    if row.epoch != request.epoch {
        return Claim::Moved;
    }
    if row.state == GrantState::Ended {
        return Claim::Ended;
    }
    if let Some(lease) = &row.lease
        && lease.until_ms > now_ms
        && request.outwaited != Some(lease.attempt.as_str())
    {
        return Claim::Busy { until_ms: lease.until_ms };
    }
    let lives = row.expires_ms.map_or(!request.refused, |end| end > now_ms);
    if row.sends >= SENDS && lives {
        // The lease stays: its owner may be late and bring the tokens after all.
        return Claim::Spent(GrantRow { state: GrantState::Uncertain, ..row.clone() });
    }
    if let Some(retry_ms) = row.retry_ms.filter(|retry| *retry > now_ms) {
        return Claim::NotNow { retry_ms };
    }
    let probes = row.sends >= SENDS;
    Claim::Mine(GrantRow {
        state: GrantState::Renewing,
        sends: row.sends.saturating_add(1),
        lease: Some(Lease {
            attempt: request.attempt.to_owned(),
            until_ms: now_ms.saturating_add(LEASE_MS),
        }),
        // Kept now, so that a host that is killed again and again does not ask again and again.
        retry_ms: probes.then_some(now_ms.saturating_add(PROBE_MS)),
        ..row.clone()
    })
}

/// Whether the owner of this row's lease still has the time to send.
pub fn may_send(row: &GrantRow, now_ms: u64) -> bool {
    row.lease.as_ref().is_some_and(|lease| now_ms.saturating_add(DEADLINE_MS) <= lease.until_ms)
}

/// Says how the attempt went; `None` when it is no longer its turn to say.
pub fn settle(
    row: &GrantRow,
    epoch: u64,
    attempt: &str,
    outcome: RenewalOutcome,
    now_ms: u64,
) -> Option<GrantRow> {
    let owns = row.lease.as_ref().is_some_and(|lease| lease.attempt == attempt);
    if row.epoch != epoch || !owns {
        return None;
    }
    let left = GrantRow { lease: None, ..row.clone() };
    Some(match outcome {
        RenewalOutcome::Received(granted) => received(row, granted, now_ms),
        RenewalOutcome::Withdrawn => not_executed(left),
        RenewalOutcome::NotExecuted { wait_ms } => wait(not_executed(left), wait_ms, now_ms),
        RenewalOutcome::ClientRefused => wait(not_executed(left), Some(PROBE_MS), now_ms),
        RenewalOutcome::Unknown => unknown(left, now_ms),
        RenewalOutcome::Refused => refused(left, now_ms),
    })
}

/// The row of a grant that the customer has withdrawn at the provider.
pub fn withdrawn(row: &GrantRow) -> GrantRow {
    GrantRow { state: GrantState::Ended, lease: None, retry_ms: None, ..row.clone() }
}

/// The row without replaced tokens whose time is over; `None` when there are none.
pub fn erase_previous(row: &GrantRow, now_ms: u64) -> Option<GrantRow> {
    let over = row.previous.as_ref().is_some_and(|previous| previous.until_ms <= now_ms);
    over.then(|| GrantRow { previous: None, ..row.clone() })
}

fn received(row: &GrantRow, granted: SealedGrant, now_ms: u64) -> GrantRow {
    let replaced = PreviousTokens {
        sealed: row.sealed_tokens.clone(),
        until_ms: now_ms.saturating_add(PREVIOUS_MS),
    };
    // RFC 6749 section 5.1: scopes that stay as they were need not be named.
    let scopes = if granted.scopes.is_empty() { row.scopes.clone() } else { granted.scopes };
    let learned = row.learned.and(granted.learned);
    let granted = SealedGrant { scopes, learned, ..granted };
    let row = first(&row.connection, row.epoch.saturating_add(1), granted, now_ms);
    GrantRow { previous: Some(replaced), ..row }
}

fn not_executed(row: GrantRow) -> GrantRow {
    let sends = row.sends.saturating_sub(1);
    let state = match sends {
        0 => GrantState::Valid,
        1 => GrantState::Renewing,
        _ => GrantState::Uncertain,
    };
    GrantRow { state, sends, retry_ms: None, ..row }
}

fn wait(row: GrantRow, wait_ms: Option<u64>, now_ms: u64) -> GrantRow {
    let row = GrantRow { failures: row.failures.saturating_add(1), ..row };
    GrantRow { retry_ms: Some(retry_ms(&row, wait_ms, now_ms)), ..row }
}

fn unknown(row: GrantRow, now_ms: u64) -> GrantRow {
    // A lost answer begins pauses of its own, whatever failed before it.
    let failures = if row.sends < SENDS { 1 } else { row.failures.saturating_add(1) };
    let row = GrantRow { failures, ..row };
    if row.sends < SENDS {
        return GrantRow { state: GrantState::Renewing, retry_ms: None, ..row };
    }
    let end = row.expires_ms.unwrap_or(row.received_ms);
    if row.sends > SENDS && end.saturating_add(PROBES_END_MS) <= now_ms {
        return GrantRow { state: GrantState::Ended, retry_ms: None, ..row };
    }
    let retry_ms = Some(now_ms.saturating_add(PROBE_MS));
    GrantRow { state: GrantState::Uncertain, retry_ms, ..row }
}

fn refused(row: GrantRow, now_ms: u64) -> GrantRow {
    let lives = row.expires_ms.is_none_or(|end| end > now_ms);
    if row.sends == SENDS && lives {
        let retry_ms = Some(now_ms.saturating_add(PROBE_MS));
        return GrantRow { state: GrantState::Uncertain, retry_ms, ..row };
    }
    GrantRow { state: GrantState::Ended, retry_ms: None, ..row }
}

#[cfg(test)]
mod model;
#[cfg(test)]
pub mod tests;
