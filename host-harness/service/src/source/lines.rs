//! Text as lines, however they end: LF, CRLF, or CR alone.

use std::io;

use super::LONGEST;
use super::text::SourceText;

/// One line.
pub struct SourceLine {
    /// Its number, from 1.
    pub number: u64,
    /// With its end. Of one that is too long, the beginning.
    pub bytes: Vec<u8>,
    /// Bytes of its end; 0: the source ended.
    end: usize,
    /// It has more than [`LONGEST`] bytes.
    pub too_long: bool,
}

impl SourceLine {
    /// Without its end.
    pub fn content(&self) -> &[u8] {
        self.bytes.get(..self.bytes.len() - self.end.min(self.bytes.len())).unwrap_or_default()
    }

    /// How it ends.
    pub fn end(&self) -> &[u8] {
        self.bytes.get(self.content().len()..).unwrap_or_default()
    }

    /// Whether the source ended in it.
    pub fn is_cut(&self) -> bool {
        self.end == 0
    }

    /// Nothing to read; DOS ends a file with ^Z.
    pub fn is_blank(&self) -> bool {
        self.content().iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0x1a)
    }
}

/// The lines of a text.
pub struct Lines {
    /// The text.
    pub text: SourceText,
    /// Lines so far.
    pub count: u64,
}

impl Lines {
    /// The next one.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn next(&mut self) -> io::Result<Option<SourceLine>> {
        let (mut bytes, mut too_long, mut end) = (Vec::new(), false, 0);
        loop {
            let there = self.text.fill()?;
            if there.is_empty() {
                break;
            }
            let at = there.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let piece = there.get(..at.unwrap_or(there.len())).unwrap_or_default();
            let room = LONGEST.saturating_sub(bytes.len());
            too_long |= piece.len() > room;
            bytes.extend_from_slice(piece.get(..room).unwrap_or(piece));
            let ends_with = at.and_then(|at| there.get(at)).copied();
            let used = piece.len() + usize::from(ends_with.is_some());
            self.text.take(used);
            let Some(byte) = ends_with else { continue };
            bytes.push(byte);
            end = 1;
            if byte == b'\r' && self.text.fill()?.first() == Some(&b'\n') {
                self.text.take(1);
                bytes.push(b'\n');
                end = 2;
            }
            break;
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        if end == 0 && bytes.ends_with(b"\x1a") {
            bytes.pop();
        }
        self.count += 1;
        Ok(Some(SourceLine { number: self.count, bytes, end, too_long }))
    }
}
