//! JSON: one object a line (NDJSON), or one array of objects.
//!
//! A line that is no object fails alone. An array that is no JSON is refused whole, since nothing
//! tells where its next element begins.

use std::collections::BTreeMap;
use std::io;

use serde_json::value::RawValue;

use super::lines::{Lines, SourceLine};
use super::text::SourceText;
use super::{LONGEST, SourceItem, refused, utf8};

/// The objects of a source.
pub struct Json {
    lines: Lines,
    array: Option<ArrayPosition>,
}

/// What comes next in an array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ArrayPosition {
    FirstElement,
    Comma,
    Nothing,
}

impl Json {
    /// Looks at the first byte.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn new(text: SourceText) -> io::Result<Self> {
        let mut json = Self { lines: Lines { text, count: 0 }, array: None };
        if json.next_byte()? == Some(b'[') {
            json.lines.text.take(1);
            json.array = Some(ArrayPosition::FirstElement);
        }
        Ok(json)
    }

    /// The text that it is read from.
    pub fn text(&self) -> &SourceText {
        &self.lines.text
    }

    /// The next object.
    ///
    /// # Errors
    /// When the source cannot be read, or its array is no JSON.
    pub fn next_item(&mut self) -> io::Result<Option<SourceItem>> {
        match self.array {
            None => self.next_line(),
            Some(place) => self.next_element(place),
        }
    }

    fn next_line(&mut self) -> io::Result<Option<SourceItem>> {
        loop {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            if line.is_blank() {
                continue;
            }
            let content = object_of(&line);
            let SourceLine { number, .. } = line;
            let content = content.map_err(|why| format!("line {number}: {why}"));
            return Ok(Some(SourceItem { line: number, raw: line.content().to_vec(), content }));
        }
    }

    fn next_element(&mut self, place: ArrayPosition) -> io::Result<Option<SourceItem>> {
        match (place, self.next_byte()?) {
            (ArrayPosition::Nothing, None | Some(0x1a)) => return Ok(None),
            (ArrayPosition::Nothing, _) => {
                return Err(self.broken("something follows the array's end"));
            }
            (_, Some(b']')) => {
                self.lines.text.take(1);
                self.array = Some(ArrayPosition::Nothing);
                return self.next_element(ArrayPosition::Nothing);
            }
            (ArrayPosition::Comma, Some(b',')) => {
                self.lines.text.take(1);
                if let Some(b']' | b',') = self.next_byte()? {
                    return Err(self.broken("an element of the array is missing"));
                }
            }
            (ArrayPosition::Comma, Some(_)) => {
                return Err(self.broken("a comma is missing in the array"));
            }
            (ArrayPosition::FirstElement, _) | (_, None) => {}
        }
        if self.next_byte()?.is_none() {
            return Err(self.broken("the array is not closed: is it cut off?"));
        }
        let line = self.lines.count + 1;
        self.array = Some(ArrayPosition::Comma);
        let (raw, too_long) = self.element()?;
        let content = if too_long {
            Err("the element is longer than 8 MiB".to_owned())
        } else {
            let refused = |why| refused(format!("line {line}: {why}"));
            let text = utf8(&raw).map_err(refused)?;
            match serde_json::from_str::<&RawValue>(text) {
                Ok(_) => object(text, "each element is one object"),
                Err(why) => return Err(refused(format!("it is no JSON: {}", without_place(&why)))),
            }
        };
        let content = content.map_err(|why| format!("line {line}: {why}"));
        Ok(Some(SourceItem { line, raw, content }))
    }

    fn broken(&self, why: &str) -> io::Error {
        refused(format!("line {}: {why}", self.lines.count + 1))
    }

    /// The bytes of the next element, on one line, and whether it has more than are kept.
    fn element(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let (mut raw, mut too_long) = (Vec::new(), false);
        let (mut depth, mut quoted, mut escaped) = (0_u64, false, false);
        loop {
            let there = self.lines.text.fill()?;
            let (mut used, mut ended) = (0, there.is_empty());
            for byte in there.iter().copied() {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if quoted => escaped = true,
                    b'"' => quoted = !quoted,
                    _ if quoted => {}
                    b'[' | b'{' => depth += 1,
                    b',' | b']' if depth == 0 => ended = true,
                    b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if ended {
                    break;
                }
                used += 1;
                self.lines.count += u64::from(byte == b'\n');
                // Between tokens every white space is the same.
                let byte = if matches!(byte, b'\n' | b'\r') && !quoted { b' ' } else { byte };
                if raw.len() < LONGEST { raw.push(byte) } else { too_long = true }
            }
            self.lines.text.take(used);
            if ended {
                raw.truncate(raw.trim_ascii_end().len());
                return Ok((raw, too_long));
            }
        }
    }

    /// The next byte that is no white space; it is not taken.
    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            let Some(byte) = self.lines.text.fill()?.first().copied() else { return Ok(None) };
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.lines.count += u64::from(byte == b'\n');
            self.lines.text.take(1);
        }
    }
}

fn object_of(line: &SourceLine) -> Result<String, String> {
    if line.too_long {
        return Err("the line is longer than 8 MiB".to_owned());
    }
    let text = utf8(line.content())?;
    object(text, "each line holds one object").map_err(|why| {
        match text.trim_start().chars().next() {
            Some('{' | '[') => why,
            _ if line.number == 1 => why + "; CSV has to be named as such",
            _ => why,
        }
    })
}

fn object(text: &str, rule: &str) -> Result<String, String> {
    match serde_json::from_str::<BTreeMap<String, &RawValue>>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) if serde_json::from_str::<&RawValue>(text).is_ok() => {
            Err(format!("it is JSON, and no object; {rule}"))
        }
        // The text of the error quotes nothing of the line.
        Err(why) => {
            Err(format!("it is no JSON object: {} at column {}", without_place(&why), why.column()))
        }
    }
}

/// What is wrong with a JSON text. Quotes nothing of it.
pub fn without_place(why: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", why.line(), why.column());
    why.to_string().replace(&place, "")
}
