//! Bytes as UTF-8: the byte order mark decides, else the encoding that was given.
//!
//! What is no character of its encoding becomes a byte that is no UTF-8, so that its line fails;
//! a replacement character would be stored in silence.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::refused;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// Bytes that tell what a source is.
const HEAD: usize = 16;
/// In no UTF-8 text.
const NO_CHARACTER: u8 = 0xff;

/// What begins so is no text.
const NO_TEXT: [(&[u8], &str); 7] = [
    (b"PK\x03\x04", "it is a workbook (.xlsx, .ods) or another packed file: save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "it is a workbook (.xls): save it as CSV"),
    (b"\x1f\x8b", "it is packed: unpack it first, as in `gunzip -c FILE | ... push OBJECT -`"),
    (b"%PDF", "it is a PDF: export the data as CSV"),
    (b"\xff\xfe\0\0", "it is UTF-32: save it as UTF-8"),
    (b"\0\0\xfe\xff", "it is UTF-32: save it as UTF-8"),
    (b"<", "it is a page of HTML or XML, perhaps of a sign-in: export the data as CSV or JSON"),
];

/// A source as UTF-8.
pub struct SourceText {
    source: Box<dyn Read + Send>,
    decoder: Option<Decoder>,
    /// Read and not decoded yet.
    raw: Vec<u8>,
    /// Decoded.
    ready: Vec<u8>,
    /// Of it, so many bytes are taken.
    taken: usize,
    ended: bool,
}

impl SourceText {
    /// Reads as much as tells the encoding.
    ///
    /// # Errors
    /// When it cannot be read, or is no text.
    pub fn new(source: Box<dyn Read + Send>, given: Option<&'static Encoding>) -> io::Result<Self> {
        let (raw, ready) = (Vec::new(), Vec::new());
        let mut text = Self { source, decoder: None, raw, ready, taken: 0, ended: false };
        while text.raw.len() < HEAD && !text.ended {
            text.read()?;
            // A line that came alone may be all for a long time.
            if text.raw.len() >= 4 && text.raw.contains(&b'\n') {
                break;
            }
        }
        let first = text.raw.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
        for (begin, what) in NO_TEXT {
            let from = if begin == b"<" { first } else { 0 };
            if text.raw.get(from..).is_some_and(|raw| raw.starts_with(begin)) {
                return Err(refused(what));
            }
        }
        let mark = Encoding::for_bom(&text.raw);
        let zero = text.raw.iter().take(4).any(|byte| *byte == 0);
        if mark.is_none() && given.is_none() && zero {
            let little = text.raw.first() != Some(&0);
            let name = if little { "utf-16le" } else { "utf-16be" };
            return Err(refused(format!(
                "it is no UTF-8 text, and has no byte order mark; if it is UTF-16, give \
                 the option encoding: {name}"
            )));
        }
        if let Some((_, length)) = mark {
            text.raw.drain(..length);
        }
        let encoding = mark.map(|(encoding, _)| encoding).or(given).unwrap_or(UTF_8);
        if encoding != UTF_8 {
            text.decoder = Some(encoding.new_decoder_without_bom_handling());
        }
        text.decode();
        Ok(text)
    }

    /// What is there and not taken; empty at the end. Waits for more if need be.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn fill(&mut self) -> io::Result<&[u8]> {
        while self.taken >= self.ready.len() && !self.ended {
            self.read()?;
            self.decode();
        }
        Ok(self.ready.get(self.taken..).unwrap_or_default())
    }

    /// So many bytes of [`SourceText::fill`] are used up.
    pub fn take(&mut self, bytes: usize) {
        self.taken += bytes;
    }

    /// Whether bytes as they come are not the bytes of the source.
    pub fn is_decoded(&self) -> bool {
        self.decoder.is_some()
    }

    /// Says which encoding was found.
    pub fn note(&self) -> Option<String> {
        let encoding = self.decoder.as_ref()?.encoding();
        let found = encoding == UTF_16LE || encoding == UTF_16BE;
        found.then(|| format!("the source is read as {}", encoding.name()))
    }

    fn read(&mut self) -> io::Result<()> {
        let old = self.raw.len();
        self.raw.resize(old + CHUNK, 0);
        let read = loop {
            match self.source.read(self.raw.get_mut(old..).unwrap_or_default()) {
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.raw.truncate(old + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        Ok(())
    }

    fn decode(&mut self) {
        self.ready.drain(..self.taken.min(self.ready.len()));
        self.taken = 0;
        let Some(decoder) = &mut self.decoder else {
            self.ready.append(&mut self.raw);
            return;
        };
        let mut from = 0;
        loop {
            let raw = self.raw.get(from..).unwrap_or_default();
            let old = self.ready.len();
            self.ready.resize(old + raw.len() + 16, 0);
            let into = self.ready.get_mut(old..).unwrap_or_default();
            let (result, read, written) =
                decoder.decode_to_utf8_without_replacement(raw, into, self.ended);
            self.ready.truncate(old + written);
            from += read;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => self.ready.push(NO_CHARACTER),
            }
        }
        self.raw.clear();
    }
}
