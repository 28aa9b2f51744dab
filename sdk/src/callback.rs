//! The query with which a provider sends a browser back.
//!
//! Anybody can call the host's callback URL with anything, so nothing here is believed before it
//! is checked. The host has checked `state`.

use crate::contract::Error;
use crate::signing::decode_hex_byte;

/// More parameters than any provider sends.
const MOST_PARAMETERS: usize = 100;

/// Decoded parameters, each of which comes once (RFC 6749 section 3.1).
#[derive(Debug)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a raw query string.
    ///
    /// # Errors
    /// Invalid-input for one that is not encoded as a form, with a parameter that comes twice, or
    /// with more than 100.
    pub fn read(query: &str) -> Result<Self, Error> {
        let mut read: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = split(pair);
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(unusable("is not encoded as a form is"));
            };
            if read.len() == MOST_PARAMETERS {
                return Err(unusable("holds too many parameters"));
            }
            if read.iter().any(|(known, _)| *known == name) {
                return Err(unusable("holds a parameter twice"));
            }
            read.push((name, value));
        }
        Ok(Self(read))
    }

    /// The value of this parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Refuses a callback that is forged or broken; `why` completes "The callback ...".
#[must_use]
pub fn unusable(why: &str) -> Error {
    Error::invalid(format!("The callback {why}. Nothing was sent; connect again."), Vec::new())
}

/// Name and value of a pair, as they stand.
#[must_use]
pub fn split(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

/// As HTML forms encode: `+` is a space, `%XX` a byte of UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => decode_hex_byte(rest.next()?, rest.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_comes_once_and_decoded() {
        let read = Parameters::read("code=a%2Bb+c&&state=&shop").unwrap();
        assert_eq!(read.get("code"), Some("a+b c"));
        assert_eq!(
            (read.get("state"), read.get("shop"), read.get("x")),
            (Some(""), Some(""), None)
        );
        for query in ["a=1&a=2", "a=%f", "a=%ff", "%=1"] {
            assert!(
                matches!(Parameters::read(query), Err(error) if error.message.contains("callback"))
            );
        }
    }
}
