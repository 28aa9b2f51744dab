//! Passing over values, checking all of them: where nearly all bytes of a page go.
//!
//! The place stands in a local variable: kept in the reader, it would be stored once for each byte.

use std::ops::Range;

use super::reader::{MAX_DEPTH, Malformed, Reader};
use super::stops::{plain_run_end, short_string_end};
use super::text::Text;

impl Reader<'_> {
    pub(super) fn skip_value(&mut self) -> Result<(), Malformed> {
        self.at = skip_value(self.text.as_bytes(), self.at, self.depth)?;
        self.fresh = false;
        Ok(())
    }

    /// Passes over the string that stands next, and answers whether anything in it is escaped.
    pub(super) fn skip_string(&mut self) -> Result<bool, Malformed> {
        let (string, is_escaped) = skip_string(self.text.as_bytes(), self.at)?;
        self.at = string.end;
        Ok(is_escaped)
    }
}

/// Where the value ends that stands at `at`, so many containers deep.
fn skip_value(bytes: &[u8], mut at: usize, outer: u32) -> Result<usize, Malformed> {
    let mut depth = outer;
    // A bit for each container entered here, the innermost lowest: whether it is an object.
    let mut objects = 0_u128;
    loop {
        if objects & 1 == 1 {
            at = skip_name(bytes, at)?;
        }
        let first;
        (at, first) = next_byte(bytes, at);
        // The most frequent kinds first: branches are foreseen better than a jump by a table.
        if let Some(end) = short_value_end(bytes, at) {
            at = end;
        } else if first == b'"' {
            at = skip_any_string(bytes, at)?.0.end;
        } else if first == b'-' || first.is_ascii_digit() {
            at = skip_number(bytes, at)?;
        } else if first == b'{' || first == b'[' {
            if depth >= MAX_DEPTH {
                return Err(malformed(at + 1, "at most 128 levels"));
            }
            at = skip_space(bytes, at + 1);
            // The bracket that closes is the second after the one that opens.
            if byte(bytes, at) != first + 2 {
                depth += 1;
                objects = objects << 1 | u128::from(first == b'{');
                continue;
            }
            at += 1;
        } else {
            let is_letter = matches!(first, b't' | b'f' | b'n');
            let expected = if is_letter { "true, false or null" } else { "a value" };
            return Err(malformed(at, expected));
        }
        // A value is complete: leave what ends here, until something else follows or all
        // that was entered is left.
        loop {
            if depth == outer {
                return Ok(at);
            }
            let next;
            (at, next) = next_byte(bytes, at);
            at += 1;
            if next == b',' {
                break;
            }
            if next != if objects & 1 == 1 { b'}' } else { b']' } {
                return Err(malformed(at - 1, "a comma or the end of this list"));
            }
            depth -= 1;
            objects >>= 1;
        }
    }
}

/// Where the object ends that stands at `at`, so many containers deep: see [`Reader::pick`].
pub(super) fn pick<'a>(
    text: &'a str,
    at: usize,
    depth: u32,
    names: &[&str],
    found: &mut [Option<&'a str>],
) -> Result<usize, Malformed> {
    let bytes = text.as_bytes();
    if depth >= MAX_DEPTH {
        return Err(malformed(at + 1, "at most 128 levels"));
    }
    let mut at = skip_space(bytes, at + 1);
    if byte(bytes, at) == b'}' {
        return Ok(at + 1);
    }
    // Most members are of no length that is looked for.
    let bit = |length: usize| 1_u64 << length.min(63);
    let lengths = names.iter().fold(0, |lengths, name| lengths | bit(name.len()));
    loop {
        let (name, is_escaped) = skip_string(bytes, at)?;
        let value = skip_space(bytes, skip_colon(bytes, name.end)?);
        at = match short_value_end(bytes, value) {
            Some(end) => end,
            None => skip_value(bytes, value, depth + 1)?,
        };
        if is_escaped || lengths & bit(name.len() - 2) != 0 {
            let name = text.get(name.start + 1..name.end - 1).unwrap_or_default();
            let name = Text::new(name, is_escaped);
            for (wanted, found) in names.iter().zip(&mut *found) {
                if name.is(wanted) {
                    *found = text.get(value..at);
                }
            }
        }
        let next;
        (at, next) = next_byte(bytes, at);
        match next {
            b',' => at += 1,
            b'}' => return Ok(at + 1),
            _ => return Err(malformed(at, "a comma or the end of this list")),
        }
    }
}

/// Where a member's value may stand: behind its name and the colon.
#[inline(always)]
fn skip_name(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    let (name, _) = skip_string(bytes, at)?;
    skip_colon(bytes, name.end)
}

#[inline(always)]
fn skip_colon(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    let (at, next) = next_byte(bytes, at);
    if next == b':' { Ok(at + 1) } else { Err(malformed(at, "a colon")) }
}

/// Where the string lies that stands next, with its quotes, and whether anything in it is escaped.
#[inline(always)]
fn skip_string(bytes: &[u8], at: usize) -> Result<(Range<usize>, bool), Malformed> {
    match short_string_end(bytes, at) {
        Some(end) => Ok((at..end, false)),
        None => skip_any_string(bytes, at),
    }
}

#[inline(never)]
fn skip_any_string(bytes: &[u8], at: usize) -> Result<(Range<usize>, bool), Malformed> {
    let begin = skip_space(bytes, at);
    if byte(bytes, begin) != b'"' {
        return Err(malformed(begin, "a string"));
    }
    let (mut at, mut is_escaped) = (begin + 1, false);
    loop {
        at = plain_run_end(bytes, at);
        match byte(bytes, at) {
            b'"' => return Ok((begin..at + 1, is_escaped)),
            b'\\' => {
                is_escaped = true;
                at = skip_escape(bytes, at + 1)?;
            }
            _ => return Err(malformed(at, "the end of a string")),
        }
    }
}

fn skip_escape(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    match byte(bytes, at) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 1),
        b'u' => {
            let digits = bytes.iter().skip(at + 1).take(4);
            match digits.take_while(|digit| digit.is_ascii_hexdigit()).count() {
                4 => Ok(at + 5),
                count => Err(malformed(at + 1 + count, "four hexadecimal digits")),
            }
        }
        _ => Err(malformed(at, "an escape")),
    }
}

fn skip_number(bytes: &[u8], mut at: usize) -> Result<usize, Malformed> {
    if byte(bytes, at) == b'-' {
        at += 1;
    }
    at = if byte(bytes, at) == b'0' { at + 1 } else { skip_digits(bytes, at)? };
    if byte(bytes, at) == b'.' {
        at = skip_digits(bytes, at + 1)?;
    }
    if matches!(byte(bytes, at), b'e' | b'E') {
        at += 1;
        if matches!(byte(bytes, at), b'+' | b'-') {
            at += 1;
        }
        at = skip_digits(bytes, at)?;
    }
    Ok(at)
}

fn skip_digits(bytes: &[u8], mut at: usize) -> Result<usize, Malformed> {
    if !byte(bytes, at).is_ascii_digit() {
        return Err(malformed(at, "a digit"));
    }
    while byte(bytes, at).is_ascii_digit() {
        at += 1;
    }
    Ok(at)
}

/// Where the value ends that stands at `at`, if it is a short plain string or a literal, as most are.
#[inline(always)]
fn short_value_end(bytes: &[u8], at: usize) -> Option<usize> {
    if byte(bytes, at) == b'"' { short_string_end(bytes, at) } else { literal_end(bytes, at) }
}

#[inline(always)]
fn literal_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    // One comparison of four bytes each.
    let is = |literal: &[u8; 4]| {
        rest.first_chunk()
            .is_some_and(|four| u32::from_le_bytes(*four) == u32::from_le_bytes(*literal))
    };
    if is(b"null") || is(b"true") {
        Some(at + 4)
    } else if is(b"fals") && rest.get(4) == Some(&b'e') {
        Some(at + 5)
    } else {
        None
    }
}

/// The first byte that is no space, and where it stands.
#[inline(always)]
fn next_byte(bytes: &[u8], at: usize) -> (usize, u8) {
    let next = byte(bytes, at);
    // Compact JSON has no space: one comparison tells.
    if next > b' ' {
        return (at, next);
    }
    let at = skip_spaces(bytes, at);
    (at, byte(bytes, at))
}

#[inline(always)]
pub(super) fn skip_space(bytes: &[u8], at: usize) -> usize {
    next_byte(bytes, at).0
}

#[inline(never)]
fn skip_spaces(bytes: &[u8], mut at: usize) -> usize {
    while matches!(byte(bytes, at), b' ' | b'\n' | b'\r' | b'\t') {
        at += 1;
    }
    at
}

// 0 stands for the end: as a byte of the text it is never valid outside a string either.
pub(super) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

fn malformed(at: usize, expected: &'static str) -> Malformed {
    Malformed { at, expected }
}
