//! What `complete` needs to know of `begin`. The host keeps it meanwhile; no secret is in it.

use connector_sdk::{
    Error,
    json::{self, Writer},
    text::join,
};

/// Told apart from what later versions of this connector may write.
const VERSION: &str = "1";

/// One attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// Sent again with the code (RFC 6749 section 4.1.3).
    pub redirect_uri: String,
    /// What was asked for: granted, unless the answer says otherwise.
    pub scopes: Vec<String>,
}

impl Session {
    /// As JSON.
    pub(super) fn write(&self) -> String {
        let mut writer = Writer::new();
        writer.raw("v", VERSION);
        writer.text("redirect_uri", &self.redirect_uri);
        writer.text("scopes", &join(&self.scopes, " "));
        writer.finish()
    }

    /// Reads what [`Session::write`] wrote.
    ///
    /// # Errors
    /// `invalid-input` for anything else.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let known = json::member(text, "v") == Some(VERSION);
        match (known, json::text_member(text, "redirect_uri"), json::text_member(text, "scopes")) {
            (true, Some(redirect_uri), Some(scopes)) => {
                let scopes = scopes.split_whitespace().map(str::to_owned).collect();
                Ok(Self { redirect_uri, scopes })
            }
            _ => {
                let text = "The session is not one that this connector began. Connect again.";
                Err(Error::invalid(text, Vec::new()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_sdk::ErrorKind;

    #[test]
    fn a_session_reads_back_and_nothing_else_does() {
        let session = Session {
            redirect_uri: "https://host.example/\"callback\"?a=1".into(),
            scopes: vec!["a:read".into(), "b:write".into()],
        };
        let text = session.write();
        assert_eq!(Session::read(&text), Ok(session));
        let later = text.replace("\"v\":1", "\"v\":2");
        for other in ["", "v1", "{}", "{\"v\":1}", &later] {
            let error = Session::read(other).unwrap_err();
            assert!(
                matches!(error, Error { kind: ErrorKind::InvalidInput(_), .. }),
                "{other}: {error:?}"
            );
        }
    }
}
