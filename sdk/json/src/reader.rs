//! One pass over JSON text: checks the syntax of RFC 8259 and hands out slices.

use std::borrow::Cow;

use super::skip::{byte, skip_space};
use super::text::Text;

/// Deepest nesting that is read. Answers of providers stay far below it; a limit keeps a
/// hostile document from exhausting the stack of whoever reads it next.
pub const MAX_DEPTH: u32 = 128;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Text that is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Offset in bytes.
    pub at: usize,
    /// What should have stood there.
    pub expected: &'static str,
}

/// Which kind of value comes next, told by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    Text,
    /// An array.
    List,
    /// An object.
    Object,
}

/// Walks one JSON document from front to back.
///
/// After `open_object`, call `next_member` until it answers `None` and read exactly one value
/// after each name; after `open_list` likewise with `next_item`.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) depth: u32,
    /// The container entered last has given nothing yet, so no comma comes before what follows.
    pub(super) fresh: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`, behind a byte order mark (RFC 8259 section 8.1).
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
        Self { text, at, depth: 0, fresh: false }
    }

    /// What kind of value stands next.
    ///
    /// # Errors
    /// When nothing that begins a value does.
    pub fn kind(&mut self) -> Result<Kind, Malformed> {
        self.space();
        match self.byte() {
            b'"' => Ok(Kind::Text),
            b'{' => Ok(Kind::Object),
            b'[' => Ok(Kind::List),
            b't' | b'f' => Ok(Kind::Bool),
            b'n' => Ok(Kind::Null),
            b'-' | b'0'..=b'9' => Ok(Kind::Number),
            _ => Err(self.malformed("a value")),
        }
    }

    /// Enters the object that stands next.
    ///
    /// # Errors
    /// When no object does, or it is nested too deep.
    pub fn open_object(&mut self) -> Result<(), Malformed> {
        self.space();
        self.expect(b'{', "an object")?;
        self.enter()
    }

    /// Enters the array that stands next.
    ///
    /// # Errors
    /// When no array does, or it is nested too deep.
    pub fn open_list(&mut self) -> Result<(), Malformed> {
        self.space();
        self.expect(b'[', "an array")?;
        self.enter()
    }

    /// The name of the next member, or `None` at the end of the object, which is then left.
    ///
    /// # Errors
    /// When neither stands there.
    pub fn next_member(&mut self) -> Result<Option<Text<'a>>, Malformed> {
        self.space();
        if self.byte() == b'}' {
            self.leave();
            return Ok(None);
        }
        self.comma()?;
        self.name().map(Some)
    }

    /// Whether another item follows; `false` at the end of the array, which is then left.
    ///
    /// # Errors
    /// When neither stands there.
    pub fn next_item(&mut self) -> Result<bool, Malformed> {
        self.space();
        if self.byte() == b']' {
            self.leave();
            return Ok(false);
        }
        self.comma()?;
        self.kind().map(|_| true)
    }

    /// The string that stands next.
    ///
    /// # Errors
    /// When no well-formed string does.
    pub fn string(&mut self) -> Result<Text<'a>, Malformed> {
        self.space();
        let start = self.at + 1;
        let escaped = self.skip_string()?;
        Ok(Text::new(self.slice(start, self.at - 1), escaped))
    }

    /// The string that stands next, decoded.
    ///
    /// # Errors
    /// When no well-formed string does, or it holds half a surrogate pair.
    pub fn decoded(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let text = self.string()?;
        text.decode().ok_or_else(|| self.malformed("a whole character"))
    }

    /// The value that stands next, decoded if it is a readable string; anything else is passed
    /// over.
    ///
    /// # Errors
    /// When no well-formed value does.
    pub fn text_or_skip(&mut self) -> Result<Option<Cow<'a, str>>, Malformed> {
        if self.kind()? == Kind::Text {
            return Ok(self.string()?.decode());
        }
        self.skip_value()?;
        Ok(None)
    }

    /// Passes over one value of any kind, checking all of it, and answers its text.
    ///
    /// # Errors
    /// When no well-formed value stands there.
    pub fn skip(&mut self) -> Result<&'a str, Malformed> {
        self.space();
        let start = self.at;
        self.skip_value()?;
        Ok(self.slice(start, self.at))
    }

    /// Where this reader stands: with [`Reader::since`], the text of a value read in parts.
    pub fn mark(&mut self) -> usize {
        self.space();
        self.at
    }

    /// The text from a [`Reader::mark`] up to here.
    #[must_use]
    pub fn since(&self, mark: usize) -> &'a str {
        self.slice(mark, self.at)
    }

    /// Checks that nothing but space follows.
    ///
    /// # Errors
    /// When something does.
    pub fn end(&mut self) -> Result<(), Malformed> {
        self.space();
        if self.at < self.text.len() { Err(self.malformed("the end")) } else { Ok(()) }
    }

    /// A fault at this place.
    #[must_use]
    pub fn malformed(&self, expected: &'static str) -> Malformed {
        Malformed { at: self.at, expected }
    }

    fn byte(&self) -> u8 {
        byte(self.text.as_bytes(), self.at)
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        // Both ends are ASCII bytes that this reader has seen, so the slice always exists.
        self.text.get(from..to).unwrap_or_default()
    }

    fn space(&mut self) {
        self.at = skip_space(self.text.as_bytes(), self.at);
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Malformed> {
        if self.byte() != byte {
            return Err(self.malformed(expected));
        }
        self.at += 1;
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Malformed> {
        self.depth += 1;
        self.fresh = true;
        if self.depth > MAX_DEPTH { Err(self.malformed("at most 128 levels")) } else { Ok(()) }
    }

    fn leave(&mut self) {
        self.at += 1;
        self.depth = self.depth.saturating_sub(1);
        self.fresh = false;
    }

    fn comma(&mut self) -> Result<(), Malformed> {
        if !self.fresh {
            self.expect(b',', "a comma or the end of this list")?;
        }
        self.fresh = false;
        Ok(())
    }

    /// A member's name and the colon after it.
    fn name(&mut self) -> Result<Text<'a>, Malformed> {
        let name = self.string()?;
        self.space();
        self.expect(b':', "a colon")?;
        Ok(name)
    }
}
