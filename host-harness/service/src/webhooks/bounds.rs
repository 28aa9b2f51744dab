//! What a sender may use of the receiver.

use std::time::Duration;

/// Bounds of a receiver. The defaults leave room for deliveries of fifty times the usual size,
/// and none for a sender that holds connections open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReceiverBounds {
    /// Connections at the same time; more wait to be accepted.
    pub connections: usize,
    /// Of these, from one IPv4 address or one IPv6 /64, which is what one customer of a network
    /// has at least; more are closed at once. Trusted proxies are not counted.
    pub connections_of_address: usize,
    /// And from one IPv6 /48, which is what one site has at most.
    pub connections_of_site: usize,
    /// The first byte of a connection, and its TLS handshake, must come within this time.
    pub first_byte_within: Duration,
    /// From its first byte, a request's head must be whole within this time.
    pub head_within: Duration,
    /// Bytes of a request's head; 8 KiB at least.
    pub head_bytes: usize,
    /// Fields of a request's head.
    pub head_fields: usize,
    /// A connection without a request is closed after this time.
    pub idle_for: Duration,
    /// Bytes of a body.
    pub body_bytes: usize,
    /// From its head, a body must be whole within this time.
    pub body_within: Duration,
    /// A body must bring so many bytes a second ...
    pub body_speed: usize,
    /// ... in each span of this length.
    pub body_speed_over: Duration,
    /// Bytes of all bodies that are held at the same time; beyond, 503.
    pub held_bytes: usize,
    /// Verifying and decoding must end within this time.
    pub decode_within: Duration,
    /// An answer must have been taken within this time.
    pub answer_within: Duration,
    /// Deliveries a second for one hook, in the long run ...
    pub rate: f64,
    /// ... and at once.
    pub burst: f64,
    /// When the receiver stops, requests under way have this time.
    pub farewell: Duration,
}

impl Default for ReceiverBounds {
    fn default() -> Self {
        Self {
            connections: 2_048,
            connections_of_address: 32,
            connections_of_site: 256,
            first_byte_within: Duration::from_secs(5),
            head_within: Duration::from_secs(5),
            head_bytes: 16 * 1024,
            head_fields: 64,
            idle_for: Duration::from_secs(30),
            body_bytes: 1024 * 1024,
            body_within: Duration::from_secs(10),
            body_speed: 512,
            body_speed_over: Duration::from_secs(5),
            held_bytes: 64 * 1024 * 1024,
            decode_within: Duration::from_secs(3),
            answer_within: Duration::from_secs(10),
            rate: 50.0,
            burst: 500.0,
            farewell: Duration::from_secs(10),
        }
    }
}
