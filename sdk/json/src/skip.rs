//! Passing over values, checking all of them: where nearly all bytes of a page go.
//!
//! The place stands in a local variable: kept in the reader, it would be stored once for each byte.

use super::reader::{MAX_DEPTH, Malformed, Reader};
use super::stops::plain_run_end;
use super::text::Text;

impl Reader<'_> {
    pub(super) fn skip_value(&mut self) -> Result<(), Malformed> {
        self.at = skip_value(self.text.as_bytes(), self.at, self.depth)?;
        self.fresh = false;
        Ok(())
    }

    /// Passes over the string that stands next, and answers whether anything in it is escaped.
    pub(super) fn skip_string(&mut self) -> Result<bool, Malformed> {
        let (end, is_escaped) = skip_string(self.text.as_bytes(), self.at)?;
        self.at = end;
        Ok(is_escaped)
    }
}

/// Where the value ends that stands at `at`, so many containers deep.
fn skip_value(bytes: &[u8], mut at: usize, outer: u32) -> Result<usize, Malformed> {
    let mut depth = outer;
    // A bit for each container entered here, the innermost lowest: whether it is an object.
    let mut objects = 0_u128;
    loop {
        at = skip_space(bytes, at);
        match byte(bytes, at) {
            b'"' => (at, _) = skip_string(bytes, at)?,
            b'-' | b'0'..=b'9' => at = skip_number(bytes, at)?,
            b't' | b'f' | b'n' => at = skip_literal(bytes, at)?,
            open @ (b'{' | b'[') => {
                if depth >= MAX_DEPTH {
                    return Err(malformed(at + 1, "at most 128 levels"));
                }
                at = skip_space(bytes, at + 1);
                let is_object = open == b'{';
                // The bracket that closes is the second after the one that opens.
                if byte(bytes, at) == open + 2 {
                    at += 1;
                } else {
                    depth += 1;
                    objects = objects << 1 | u128::from(is_object);
                    if is_object {
                        at = skip_name(bytes, at)?;
                    }
                    continue;
                }
            }
            _ => return Err(malformed(at, "a value")),
        }
        // A value is complete: leave what ends here, until something else follows or all
        // that was entered is left.
        while depth > outer {
            at = skip_space(bytes, at);
            match (byte(bytes, at), objects & 1 == 1) {
                (b',', in_object) => {
                    at += 1;
                    if in_object {
                        at = skip_name(bytes, at)?;
                    }
                    break;
                }
                (b'}', true) | (b']', false) => {
                    at += 1;
                    depth -= 1;
                    objects >>= 1;
                }
                _ => return Err(malformed(at, "a comma or the end of this list")),
            }
        }
        if depth == outer {
            return Ok(at);
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
    loop {
        let begin = skip_space(bytes, at);
        let (end, is_escaped) = skip_string(bytes, begin)?;
        let value = skip_space(bytes, skip_colon(bytes, end)?);
        at = skip_value(bytes, value, depth + 1)?;
        let name = text.get(begin + 1..end - 1).unwrap_or_default();
        for (wanted, found) in names.iter().zip(&mut *found) {
            if name == *wanted || is_escaped && Text::new(name, true).is(wanted) {
                *found = text.get(value..at);
            }
        }
        at = skip_space(bytes, at);
        match byte(bytes, at) {
            b',' => at += 1,
            b'}' => return Ok(at + 1),
            _ => return Err(malformed(at, "a comma or the end of this list")),
        }
    }
}

/// Where a member's value may stand: behind its name and the colon.
fn skip_name(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    let (end, _) = skip_string(bytes, skip_space(bytes, at))?;
    skip_colon(bytes, end)
}

fn skip_colon(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    let at = skip_space(bytes, at);
    if byte(bytes, at) == b':' { Ok(at + 1) } else { Err(malformed(at, "a colon")) }
}

/// Where the string ends that stands at `at`, and whether anything in it is escaped.
fn skip_string(bytes: &[u8], at: usize) -> Result<(usize, bool), Malformed> {
    if byte(bytes, at) != b'"' {
        return Err(malformed(at, "a string"));
    }
    let (mut at, mut is_escaped) = (at + 1, false);
    loop {
        at = plain_run_end(bytes, at);
        match byte(bytes, at) {
            b'"' => return Ok((at + 1, is_escaped)),
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

fn skip_literal(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    let rest = bytes.get(at..).unwrap_or_default();
    let literal = [&b"true"[..], b"false", b"null"].into_iter().find(|it| rest.starts_with(it));
    literal.map(|it| at + it.len()).ok_or(malformed(at, "true, false or null"))
}

pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
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
