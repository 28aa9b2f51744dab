//! How requests leave: the network, whom to trust, and what bounds the way out.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::network::{Connect, Tcp};
use super::proxy::Proxy;

/// The longest that any of the times may be, in milliseconds.
const LONGEST_MS: usize = 10 * 60 * 1_000;

/// How requests leave: the default, with what is to be otherwise set in it.
///
/// | bound | default | from, to | what happens at it |
/// |---|---|---|---|
/// | `resolve_within` | 30 s | 1 ms, 10 min | the name has no address: not sent. The system's resolver ends by itself, after a few servers and tries of 5 s each (resolv.conf(5)) |
/// | `addresses` | 8 | 1, 64 | further addresses of the name are not tried |
/// | `next_address_after` | 250 ms | 1 ms, 10 min | the next address is tried beside those that are silent (RFC 8305 section 8) |
/// | `connect_within` | 5 s | 1 ms, 10 min | the address is given up; a proxy's answer to CONNECT likewise |
/// | `tls_within` | 5 s | 1 ms, 10 min | likewise |
/// | `reach_within` | 12 s | 1 ms, 10 min | all addresses are given up: not sent |
/// | `first_byte_within` | 15 s | 1 ms, 10 min | no answer began: unanswered |
/// | `next_piece_within` | 10 s | 1 ms, 10 min | the answer stalled: unanswered |
/// | `answer_within` | 30 s | 1 ms, 10 min | the answer, counted from the request, did not end: unanswered |
/// | `header_bytes` | 64 KiB | 1 KiB, 1 MiB | unanswered |
/// | `headers` | 100 | 1, 1,000 | unanswered |
/// | `body_bytes` | 8 MiB, decoded | 1 KiB, 32 MiB | unanswered; a page is asked for again with fewer records |
/// | `unpack_ratio` | 50 | 1, 1,000 | the answer unpacks to so many times its size: unanswered |
/// | `idle_for` | 30 s | 1 ms, 10 min | the unused HTTP connection is closed: servers drop theirs in silence |
/// | `idle_per_origin` | 64 | 1, 4,096 | the one of that origin that is unused longest is closed |
/// | `idle_connections` | 256 | 1, 4,096 | the one that is unused longest is closed |
/// | `calls_at_once` | 8 | 1, 1,000 | further calls of the connection wait |
#[derive(Clone)]
#[non_exhaustive]
pub struct EgressOptions {
    /// How names are resolved and addresses connected to; by default the machine's resolver and TCP.
    pub network: Arc<dyn Connect>,
    /// Certificate authorities that are trusted besides the web's, as PEM: the bytes, not a path.
    pub ca: Option<Vec<u8>>,
    /// The proxy through which every origin is reached that is not on this machine. Never taken from
    /// the environment by itself: that is [`Proxy::from_env`].
    pub proxy: Option<Proxy>,
    /// Time to resolve a name.
    pub resolve_within: Duration,
    /// Addresses of one name that are tried.
    pub addresses: usize,
    /// Head start of an address before the next one.
    pub next_address_after: Duration,
    /// Time for one address to accept.
    pub connect_within: Duration,
    /// Time for TLS with one address.
    pub tls_within: Duration,
    /// Time for all addresses together.
    pub reach_within: Duration,
    /// Time from the request to the first byte of its answer.
    pub first_byte_within: Duration,
    /// Time between two pieces of an answer.
    pub next_piece_within: Duration,
    /// Time from the request to the end of its answer.
    pub answer_within: Duration,
    /// Bytes of an answer's headers.
    pub header_bytes: usize,
    /// Number of an answer's headers.
    pub headers: usize,
    /// Bytes of an answer's body, decoded.
    pub body_bytes: usize,
    /// Decoded bytes for each encoded one; JSON stays far below 50, bombs do not.
    pub unpack_ratio: usize,
    /// How long an HTTP connection stays open unused.
    pub idle_for: Duration,
    /// Unused HTTP connections to one origin.
    pub idle_per_origin: usize,
    /// Unused HTTP connections in all.
    pub idle_connections: usize,
    /// Calls of one connection that run at the same time.
    pub calls_at_once: usize,
}

impl Default for EgressOptions {
    fn default() -> Self {
        Self {
            network: Arc::new(Tcp),
            ca: None,
            proxy: None,
            resolve_within: Duration::from_secs(30),
            addresses: 8,
            next_address_after: Duration::from_millis(250),
            connect_within: Duration::from_secs(5),
            tls_within: Duration::from_secs(5),
            reach_within: Duration::from_secs(12),
            first_byte_within: Duration::from_secs(15),
            next_piece_within: Duration::from_secs(10),
            answer_within: Duration::from_secs(30),
            header_bytes: 64 * 1024,
            headers: 100,
            body_bytes: 8 * 1024 * 1024,
            unpack_ratio: 50,
            idle_for: Duration::from_secs(30),
            idle_per_origin: 64,
            idle_connections: 256,
            calls_at_once: 8,
        }
    }
}

/// Options that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EgressError {
    /// A bound is zero, or beyond what the host can promise.
    #[error("the option {name} of the egress is {given}, and must be from {least} to {most}")]
    Bound {
        /// Which one.
        name: &'static str,
        /// Its value; of a time, milliseconds.
        given: usize,
        /// The least that it may be.
        least: usize,
        /// The most that it may be.
        most: usize,
    },
    /// The certificate authorities hold none that can be used. Their content is not told.
    #[error(
        "the extra certificate authorities cannot be used: {0}; give PEM with CERTIFICATE blocks"
    )]
    Ca(&'static str),
    /// The TLS library refused its own configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl EgressOptions {
    /// Whether each bound is within the range that the table above gives.
    ///
    /// # Errors
    /// [`EgressError::Bound`] of the first that is not.
    pub fn check(&self) -> Result<(), EgressError> {
        let ms = |time: Duration| usize::try_from(time.as_millis()).unwrap_or(usize::MAX);
        for (name, given, least, most) in [
            ("resolve_within", ms(self.resolve_within), 1, LONGEST_MS),
            ("addresses", self.addresses, 1, 64),
            ("next_address_after", ms(self.next_address_after), 1, LONGEST_MS),
            ("connect_within", ms(self.connect_within), 1, LONGEST_MS),
            ("tls_within", ms(self.tls_within), 1, LONGEST_MS),
            ("reach_within", ms(self.reach_within), 1, LONGEST_MS),
            ("first_byte_within", ms(self.first_byte_within), 1, LONGEST_MS),
            ("next_piece_within", ms(self.next_piece_within), 1, LONGEST_MS),
            ("answer_within", ms(self.answer_within), 1, LONGEST_MS),
            ("header_bytes", self.header_bytes, 1 << 10, 1 << 20),
            ("headers", self.headers, 1, 1_000),
            ("body_bytes", self.body_bytes, 1 << 10, 32 << 20),
            ("unpack_ratio", self.unpack_ratio, 1, 1_000),
            ("idle_for", ms(self.idle_for), 1, LONGEST_MS),
            ("idle_per_origin", self.idle_per_origin, 1, 4_096),
            ("idle_connections", self.idle_connections, 1, 4_096),
            ("calls_at_once", self.calls_at_once, 1, 1_000),
        ] {
            if !(least..=most).contains(&given) {
                return Err(EgressError::Bound { name, given, least, most });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_never_nothing_and_never_without_end() {
        EgressOptions::default().check().unwrap();
        type Change = fn(&mut EgressOptions);
        let changes: [(&str, Change); 5] = [
            ("answer_within", |options| options.answer_within = Duration::ZERO),
            ("idle_for", |options| options.idle_for = Duration::MAX),
            ("body_bytes", |options| options.body_bytes = usize::MAX),
            ("calls_at_once", |options| options.calls_at_once = 0),
            ("headers", |options| options.headers = 0),
        ];
        for (name, change) in changes {
            let mut options = EgressOptions::default();
            change(&mut options);
            let why = options.check().unwrap_err().to_string();
            assert!(why.contains(name) && why.contains("must be from 1"), "{why}");
        }
    }
}
