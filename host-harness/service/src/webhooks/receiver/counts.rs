//! What a receiver has seen.

/// Counts since the receiver began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that are open now.
    pub open: u64,
    /// Connections that were closed because their address had too many.
    pub turned_away: u64,
    /// Deliveries that were kept.
    pub kept: u64,
    /// Deliveries whose events were all known.
    pub repeats: u64,
    /// Not verified: 401.
    pub unverified: u64,
    /// To be sent again: 429 and 503.
    pub later: u64,
    /// Refused for another reason.
    pub refused: u64,
}
