//! A gzip bomb, packed by hand: one space, repeated by the longest match that DEFLATE has.

use std::sync::OnceLock;

use bytes::Bytes;

/// Repetitions of a match, each 258 bytes long.
const MATCHES: u32 = 65_536;
/// CRC-32 of `1 + 258 * MATCHES` spaces.
const CRC: u32 = 0x0e36_7c29;

/// 100 KB of gzip (RFC 1952) that unpack to 16 MiB of spaces, 158 bytes for each one.
pub(super) fn bytes() -> Bytes {
    static PACKED: OnceLock<Bytes> = OnceLock::new();
    PACKED.get_or_init(|| pack().into()).clone()
}

fn pack() -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, with the fixed codes of RFC 1951 section 3.2.6.
    bits.push(0b011, 3);
    bits.push_code(0x30 + u32::from(b' '), 8);
    for _ in 0..MATCHES {
        // Length 258 (symbol 285), distance 1 (symbol 0).
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    // The end of the block (symbol 256).
    bits.push_code(0, 7);
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    packed.extend(bits.finish());
    packed.extend(CRC.to_le_bytes());
    packed.extend((1 + 258 * MATCHES).to_le_bytes());
    packed
}

/// Bits in the order of DEFLATE: the lowest of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        self.pending |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            let [low, ..] = self.pending.to_le_bytes();
            self.bytes.push(low);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    /// Codes stand with their highest bit first.
    fn push_code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }

    fn finish(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small() {
        let packed = bytes();
        assert!(packed.len() < 110_000, "{}", packed.len());
        assert!(packed.starts_with(&[0x1f, 0x8b]));
    }
}
