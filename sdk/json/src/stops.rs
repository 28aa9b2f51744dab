//! Where a plain run inside a JSON string ends, sixteen bytes at a time.
//!
//! Most of a page is text inside strings. A run ends at a quote, a backslash or a control
//! character (RFC 8259 section 7 allows none of these unescaped). The wasm build compares sixteen
//! bytes in one instruction; the native one does the same with two 64-bit words.

const WIDTH: usize = 16;

/// Index of the first byte at or after `from` that ends a plain run; `bytes.len()` if none does.
pub(super) fn plain_run_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<WIDTH>()) {
        match first_stop(*chunk) {
            Some(offset) => return at + offset,
            None => at += WIDTH,
        }
    }
    while bytes.get(at).is_some_and(|&byte| !is_stop(byte)) {
        at += 1;
    }
    at
}

fn is_stop(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
fn first_stop(chunk: [u8; WIDTH]) -> Option<usize> {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, u64x2, v128_or};
    let word = u128::from_le_bytes(chunk);
    let bytes = u64x2(word as u64, (word >> 64) as u64);
    let stops = v128_or(
        v128_or(u8x16_eq(bytes, u8x16_splat(b'"')), u8x16_eq(bytes, u8x16_splat(b'\\'))),
        u8x16_lt(bytes, u8x16_splat(0x20)),
    );
    match u8x16_bitmask(stops) {
        0 => None,
        mask => Some(mask.trailing_zeros() as usize),
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
fn first_stop(chunk: [u8; WIDTH]) -> Option<usize> {
    let word = u128::from_le_bytes(chunk);
    match (stops(word as u64), stops((word >> 64) as u64)) {
        (0, 0) => None,
        (0, high) => Some(8 + high.trailing_zeros() as usize / 8),
        (low, _) => Some(low.trailing_zeros() as usize / 8),
    }
}

/// The high bit of each byte that ends a run. A borrow may also set bits above the first such
/// byte, never below it, so only the lowest set bit means something.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
fn stops(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    equal(b'"') | equal(b'\\') | below(word, 0x20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_wide_search_agrees_with_the_byte_by_byte_one(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            from in 0_usize..80,
        ) {
            let from = from.min(bytes.len());
            let expected = bytes[from..]
                .iter()
                .position(|&byte| is_stop(byte))
                .map_or(bytes.len(), |offset| from + offset);
            prop_assert_eq!(plain_run_end(&bytes, from), expected);
        }
    }

    #[test]
    fn every_byte_in_every_lane() {
        for byte in 0..=u8::MAX {
            for lane in 0..WIDTH {
                let mut chunk = [b'a'; WIDTH];
                chunk[lane] = byte;
                assert_eq!(first_stop(chunk), is_stop(byte).then_some(lane), "{byte} in {lane}");
            }
        }
    }
}
