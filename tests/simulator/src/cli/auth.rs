//! The flags of signed keys and of the authorization server.

use std::path::PathBuf;

use aftership_simulator::{
    ClientAuthentication, Consent, OAuthClient, OAuthOptions, Pkce, Rotation, Scope, SignedKey,
    TokenAnswer,
};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

/// Who may send requests, besides the holders of plain keys.
#[derive(Debug, Args)]
pub struct AuthFlags {
    /// A key whose requests must be signed with HMAC-SHA256 (AES); may be repeated
    #[arg(
        long = "hmac-key",
        value_name = "KEY:SECRET",
        env = "AFTERSHIP_SIMULATOR_HMAC_KEY",
        hide_env_values = true
    )]
    pub hmac_keys: Vec<Hidden>,

    /// A key whose requests must be signed with RSA, and the file of its public key, PEM or DER;
    /// may be repeated
    #[arg(long = "rsa-key", value_name = "KEY:FILE", value_parser = rsa_key)]
    pub rsa_keys: Vec<RsaKey>,

    /// An app at /oauth/authorize, /oauth/token and /oauth/revoke; repeated with the same id and
    /// secret, one more redirect URI of it
    #[arg(
        long = "oauth-client",
        value_name = "ID:SECRET:REDIRECT_URI",
        env = "AFTERSHIP_SIMULATOR_OAUTH_CLIENT",
        hide_env_values = true
    )]
    pub oauth_clients: Vec<Hidden>,

    /// Who answers the question for consent
    #[arg(long, value_name = "WHO", default_value = "ask")]
    pub consent: ConsentBy,

    /// Give consent to this scope only; may be repeated
    #[arg(long = "consent-to", value_name = "SCOPE")]
    pub consent_to: Vec<Scope>,

    /// How long an access token lives
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    pub access_token_seconds: u64,

    /// How long a used refresh token is given the same again, or `never` for one that stays good
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = grace)]
    pub rotate_grace: Rotation,

    /// What proof keys for codes (PKCE) are worth
    #[arg(long, value_name = "WORTH", default_value = "required")]
    pub pkce: PkceWorth,

    /// How an app shows its secret
    #[arg(long, value_name = "WAY", default_value = "any")]
    pub client_authentication: ClientWay,

    /// What stands between two scopes
    #[arg(long, value_name = "CHARACTER", default_value_t = ' ')]
    pub scope_separator: char,

    /// The issuer in the parameter `iss` of callbacks
    #[arg(long, value_name = "URL")]
    pub oauth_issuer: Option<String>,

    /// End callbacks with the parameter `hmac`
    #[arg(long)]
    pub callback_hmac: bool,

    /// How answers with tokens differ from the standard
    #[arg(long, value_name = "WAY", default_value = "regular")]
    pub token_answer: TokenAnswer,

    /// Have no revocation endpoint
    #[arg(long)]
    pub no_revocation: bool,
}

/// A value with a secret in it: neither debug output nor an error about flags shows it.
#[derive(Clone)]
pub struct Hidden(String);

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("hidden")
    }
}

/// A key and the file of its public key.
#[derive(Debug, Clone)]
pub struct RsaKey {
    key: String,
    file: PathBuf,
}

/// Who answers the question for consent.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ConsentBy {
    /// A person, on a page
    Ask,
    /// A page that presses Allow itself
    AskAndPress,
    /// Nobody: it is given at once
    Allow,
    /// Nobody: it is refused at once
    Deny,
}

/// What proof keys are worth.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PkceWorth {
    /// A request without one is refused
    Required,
    /// One that is sent is checked
    Optional,
    /// They are not looked at
    Ignored,
}

/// How an app shows its secret.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ClientWay {
    /// As it likes
    Any,
    /// In the body
    Body,
    /// With HTTP Basic
    Basic,
}

impl AuthFlags {
    /// The keys whose requests must be signed.
    ///
    /// # Errors
    /// A key without a secret; a file that cannot be read or holds no public key.
    pub fn signed_keys(&self) -> Result<Vec<SignedKey>> {
        let mut keys: Vec<_> = self.hmac_keys.iter().map(hmac_key).collect::<Result<_>>()?;
        for RsaKey { key, file } in &self.rsa_keys {
            let read = || format!("--rsa-key: cannot use {}", file.display());
            let bytes = std::fs::read(file).with_context(read)?;
            keys.push(SignedKey::rsa(key, &bytes).with_context(read)?);
        }
        Ok(keys)
    }

    /// The settings of the authorization server.
    ///
    /// # Errors
    /// An app without a secret or a redirect URI; one id with two secrets.
    pub fn oauth(&self) -> Result<OAuthOptions> {
        Ok(OAuthOptions {
            clients: self.clients()?,
            consent: match self.consent {
                ConsentBy::Ask => Consent::Ask,
                ConsentBy::AskAndPress => Consent::AskAndPress,
                ConsentBy::Allow => Consent::Allow,
                ConsentBy::Deny => Consent::Deny,
            },
            consent_to: Some(self.consent_to.clone()).filter(|scopes| !scopes.is_empty()),
            pkce: match self.pkce {
                PkceWorth::Required => Pkce::Required,
                PkceWorth::Optional => Pkce::Optional,
                PkceWorth::Ignored => Pkce::Ignored,
            },
            scope_separator: self.scope_separator,
            client_authentication: match self.client_authentication {
                ClientWay::Any => ClientAuthentication::Any,
                ClientWay::Body => ClientAuthentication::Body,
                ClientWay::Basic => ClientAuthentication::Basic,
            },
            access_token_seconds: self.access_token_seconds,
            rotation: self.rotate_grace,
            issuer: self.oauth_issuer.clone(),
            callback_hmac: self.callback_hmac,
            token_answer: self.token_answer,
            revocation: !self.no_revocation,
            ..OAuthOptions::default()
        })
    }

    fn clients(&self) -> Result<Vec<OAuthClient>> {
        let mut clients: Vec<OAuthClient> = Vec::new();
        for given in &self.oauth_clients {
            let given = oauth_client(given)?;
            match clients.iter_mut().find(|known| known.id == given.id) {
                Some(known) if known.secret == given.secret => {
                    known.redirect_uris.extend(given.redirect_uris);
                }
                Some(known) => bail!("--oauth-client: {} comes with two secrets", known.id),
                None => clients.push(given),
            }
        }
        Ok(clients)
    }
}

fn hmac_key(given: &Hidden) -> Result<SignedKey> {
    let (key, secret) = pair(&given.0).context("--hmac-key wants KEY:SECRET")?;
    Ok(SignedKey::hmac(key, secret))
}

fn rsa_key(text: &str) -> Result<RsaKey, String> {
    let (key, file) = pair(text).ok_or("a key and a file, as KEY:FILE")?;
    Ok(RsaKey { key: key.to_owned(), file: file.into() })
}

fn oauth_client(given: &Hidden) -> Result<OAuthClient> {
    let parts = pair(&given.0).and_then(|(id, rest)| Some((id, pair(rest)?)));
    let (id, (secret, uri)) = parts.context("--oauth-client wants ID:SECRET:REDIRECT_URI")?;
    Ok(OAuthClient::new(id, secret, uri))
}

fn pair(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(one, other)| !one.is_empty() && !other.is_empty())
}

fn grace(text: &str) -> Result<Rotation, String> {
    if text == "never" {
        return Ok(Rotation::Never);
    }
    let seconds = text.parse().map_err(|_| "a number of seconds, or `never`")?;
    Ok(Rotation::Rotate { grace_seconds: seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    fn parse(flags: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(["aftership-simulator"].iter().chain(flags))
    }

    #[test]
    fn apps_gather_their_redirect_uris() {
        let cli = parse(&[
            "--oauth-client",
            "a:s:http://127.0.0.1/x",
            "--oauth-client",
            "a:s:https://app.test:8443/y",
            "--oauth-client",
            "b:t:https://b.test/",
            "--consent-to",
            "aftership:tracking:read",
            "--rotate-grace",
            "never",
        ]);
        let options = cli.unwrap().options().unwrap().oauth;
        assert_eq!(
            options.clients[0].redirect_uris,
            ["http://127.0.0.1/x", "https://app.test:8443/y"]
        );
        assert_eq!((options.clients[1].id.as_str(), options.clients.len()), ("b", 2));
        assert_eq!(options.consent_to, Some(vec![Scope::TrackingRead]));
        assert_eq!(options.rotation, Rotation::Never);
        let plain = parse(&[]).unwrap().options().unwrap().oauth;
        assert_eq!(plain.rotation, Rotation::default());
        assert_eq!(plain.consent_to, None);
    }

    #[test]
    fn senseless_flags_are_refused_and_secrets_are_not_shown() {
        for flags in [["--hmac-key", "s3cret"], ["--oauth-client", "a:s3cret"]] {
            let error = parse(&flags).unwrap().options().map(|_| ()).unwrap_err();
            assert!(!format!("{error:#}").contains("s3cret"), "{error:#}");
        }
        for flags in
            [["--rsa-key", "no-file:"], ["--rotate-grace", "soon"], ["--consent-to", "tracking"]]
        {
            assert!(parse(&flags).is_err(), "{flags:?}");
        }
        let twice = parse(&["--oauth-client", "a:s3:u", "--oauth-client", "a:s4:u"]).unwrap();
        assert!(twice.options().is_err());
        let key = parse(&["--rsa-key", "k:/nowhere/at/all"]).unwrap();
        let error = key.options().map(|_| ()).unwrap_err();
        assert!(format!("{error:#}").contains("/nowhere/at/all"));
        let shown = format!("{:?}", parse(&["--hmac-key", "k:s3cret", "--oauth-client", "a:s3:u"]));
        assert!(!shown.contains("s3"), "{shown}");
    }
}
