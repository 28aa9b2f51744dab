//! A grant's tokens, in memory and at rest.
//!
//! At rest they are one sealed JSON object: names of the manifest to values in base64, since a
//! token is bytes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use connector_runtime::Tokens;
use connector_state::Sealed;
use zeroize::Zeroizing;

use crate::vault::{Key, SealContext, SealError, Secret};

/// Seals the tokens that begin `epoch`.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn seal(key: &Key, connection: &str, epoch: u64, tokens: &Tokens) -> Result<Sealed, SealError> {
    let mut json = Zeroizing::new(String::from("{"));
    for (name, token) in tokens {
        if json.len() > 1 {
            json.push(',');
        }
        let value = Zeroizing::new(BASE64.encode(token.expose()));
        json.push_str(&serde_json::Value::from(name.as_str()).to_string());
        json.push_str(":\"");
        json.push_str(&value);
        json.push('"');
    }
    json.push('}');
    key.seal(place(connection, epoch), json.as_bytes())
}

/// Opens what [`seal`] made for the same connection and epoch.
///
/// # Errors
/// [`SealError::NotOurs`].
pub fn open(key: &Key, connection: &str, epoch: u64, sealed: &Sealed) -> Result<Tokens, SealError> {
    let json = key.open(place(connection, epoch), sealed)?;
    // Base64 needs no escapes, so the values are borrowed and nothing is left behind.
    let values: BTreeMap<String, &str> =
        serde_json::from_slice(json.expose()).map_err(|_| SealError::NotOurs)?;
    let decoded = values.into_iter().map(|(name, value)| {
        let token = BASE64.decode(value).map_err(|_| SealError::NotOurs)?;
        Ok((name, Secret::new(token)))
    });
    decoded.collect()
}

fn place(connection: &str, epoch: u64) -> SealContext<'_> {
    SealContext { connection, kind: "grant", name: "", version: epoch }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_as_they_were_and_only_to_their_epoch() {
        let key = Key::random().unwrap();
        let mut tokens = Tokens::new();
        tokens.insert("access-token".to_owned(), Secret::new("a\"t"));
        tokens.insert("odd \"name\"\n".to_owned(), Secret::new(vec![0, 255, 128]));
        let sealed = seal(&key, "c1", 2, &tokens).unwrap();
        let opened = open(&key, "c1", 2, &sealed).unwrap();
        let pairs = |tokens: &Tokens| -> Vec<(String, Vec<u8>)> {
            let pairs = tokens.iter();
            pairs.map(|(name, token)| (name.clone(), token.expose().to_vec())).collect()
        };
        assert_eq!(pairs(&opened), pairs(&tokens));
        assert!(open(&key, "c1", 3, &sealed).is_err());
        assert!(open(&key, "c2", 2, &sealed).is_err());
        let none = seal(&key, "c1", 2, &Tokens::new()).unwrap();
        assert!(open(&key, "c1", 2, &none).unwrap().is_empty());
    }
}
