//! One digest of several pieces.

use sha2::{Digest as _, Sha256};

/// SHA-256 of pieces, each with its length before it, so that no two lists of pieces look the same.
#[derive(Default)]
pub struct Digest(Sha256);

impl Digest {
    /// Takes the next piece.
    pub fn add(&mut self, piece: &[u8]) {
        self.0.update((piece.len() as u64).to_be_bytes());
        self.0.update(piece);
    }

    /// The digest of all pieces.
    pub fn end(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The digest of pieces that are all at hand.
pub fn digest(pieces: &[&[u8]]) -> [u8; 32] {
    let mut digest = Digest::default();
    pieces.iter().for_each(|piece| digest.add(piece));
    digest.end()
}
