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

/// Where the string ends that stands at `from`, if it is short and plain: with its quotes no longer
/// than 32 bytes, and nothing in it escaped. Nearly all are, and these need no loop, at whose head
/// an engine that bounds a guest's time would look at the clock.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
pub(super) fn short_string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let chunk = bytes.get(from..)?.first_chunk::<{ 2 * WIDTH }>()?;
    let (low, high) = (masks(*chunk.first_chunk()?), masks(*chunk.last_chunk()?));
    let whole = |low: u16, high: u16| u32::from(high) << WIDTH | u32::from(low);
    Some(from + length_of_string(whole(low.0, high.0), whole(low.1, high.1))?)
}

/// Natively the search by runs is as fast.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(super) fn short_string_end(_: &[u8], _: usize) -> Option<usize> {
    None
}

/// How long a string is with its quotes, if these are the first two of `quotes` and nothing of
/// `others` is between them. Each is a bit for each byte, the first byte's lowest.
#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
fn length_of_string(quotes: u32, others: u32) -> Option<usize> {
    let closing = quotes & !1;
    // A bit for each byte before the closing quote; all if there is none.
    let inside = closing.wrapping_sub(1) & !closing;
    let is_it = quotes & 1 == 1 && closing != 0 && others & inside == 0;
    is_it.then(|| closing.trailing_zeros() as usize + 1)
}

fn is_stop(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
fn first_stop(chunk: [u8; WIDTH]) -> Option<usize> {
    let (quotes, others) = masks(chunk);
    match quotes | others {
        0 => None,
        mask => Some(mask.trailing_zeros() as usize),
    }
}

/// A bit for each quote, and for each other byte that ends a run.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
fn masks(chunk: [u8; WIDTH]) -> (u16, u16) {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_min, u8x16_splat, u64x2, v128_or};
    let word = u128::from_le_bytes(chunk);
    let bytes = u64x2(word as u64, (word >> 64) as u64);
    let equal = |byte| u8x16_eq(bytes, u8x16_splat(byte));
    let control = u8x16_eq(bytes, u8x16_min(bytes, u8x16_splat(0x1F)));
    (u8x16_bitmask(equal(b'"')), u8x16_bitmask(v128_or(equal(b'\\'), control)))
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

        #[test]
        fn a_short_string_ends_where_its_plain_run_does(
            bytes in proptest::collection::vec(
                prop_oneof![8 => Just(b'a'), 1 => Just(b'"'), 1 => Just(b'\\'), 1 => 0_u8..0x20],
                32,
            ),
        ) {
            let mask = |is_it: fn(u8) -> bool| {
                bytes.iter().rev().fold(0, |mask, &byte| mask << 1 | u32::from(is_it(byte)))
            };
            let length = length_of_string(
                mask(|byte| byte == b'"'),
                mask(|byte| byte != b'"' && is_stop(byte)),
            );
            let end = Some(plain_run_end(&bytes, 1)).filter(|_| bytes[0] == b'"');
            let expected = end.filter(|&end| bytes.get(end) == Some(&b'"')).map(|end| end + 1);
            prop_assert_eq!(length, expected);
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
