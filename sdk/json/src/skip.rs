//! Passing over values, checking all of them: where nearly all bytes of a page go.

use super::reader::{Kind, Malformed, Reader};
use super::stops::plain_run_end;

impl Reader<'_> {
    /// Passes over one value without recursion: one bit a level tells objects from arrays.
    pub(super) fn skip_value(&mut self) -> Result<(), Malformed> {
        let outer = self.depth;
        let mut objects = 0_u128;
        loop {
            match self.kind()? {
                Kind::Text => {
                    self.skip_string()?;
                }
                Kind::Number => self.skip_number()?,
                Kind::Bool | Kind::Null => self.skip_literal()?,
                Kind::Object => {
                    self.at += 1;
                    self.enter()?;
                    objects = objects << 1 | 1;
                    self.space();
                    if self.byte() != b'}' {
                        self.name()?;
                        continue;
                    }
                    self.leave();
                    objects >>= 1;
                }
                Kind::List => {
                    self.at += 1;
                    self.enter()?;
                    objects <<= 1;
                    self.space();
                    if self.byte() != b']' {
                        continue;
                    }
                    self.leave();
                    objects >>= 1;
                }
            }
            // A value is complete: leave what ends here, until something else follows or all
            // that was entered is left.
            loop {
                if self.depth == outer {
                    self.fresh = false;
                    return Ok(());
                }
                self.space();
                let in_object = objects & 1 == 1;
                match (self.byte(), in_object) {
                    (b',', true) => {
                        self.at += 1;
                        self.name()?;
                        break;
                    }
                    (b',', false) => {
                        self.at += 1;
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.leave();
                        objects >>= 1;
                    }
                    _ => return Err(self.malformed("a comma or the end of this list")),
                }
            }
        }
    }

    /// Passes over a string; answers whether it holds an escape.
    pub(super) fn skip_string(&mut self) -> Result<bool, Malformed> {
        self.expect(b'"', "a string")?;
        let mut escaped = false;
        loop {
            self.at = plain_run_end(self.text.as_bytes(), self.at);
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    return Ok(escaped);
                }
                b'\\' => {
                    escaped = true;
                    self.skip_escape()?;
                }
                _ => return Err(self.malformed("the end of a string")),
            }
        }
    }

    fn skip_escape(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        match self.byte() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.byte().is_ascii_hexdigit() {
                        return Err(self.malformed("four hexadecimal digits"));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.malformed("an escape")),
        }
        Ok(())
    }

    fn skip_number(&mut self) -> Result<(), Malformed> {
        if self.byte() == b'-' {
            self.at += 1;
        }
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        if !self.byte().is_ascii_digit() {
            return Err(self.malformed("a digit"));
        }
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn skip_literal(&mut self) -> Result<(), Malformed> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        for literal in ["true", "false", "null"] {
            if rest.starts_with(literal.as_bytes()) {
                self.at += literal.len();
                return Ok(());
            }
        }
        Err(self.malformed("true, false or null"))
    }
}
