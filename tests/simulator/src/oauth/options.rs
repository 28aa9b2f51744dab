//! What the authorization server is told, and the switches where AfterShip's is not documented.

use std::fmt;
use std::str::FromStr;

use clap::ArgAction::SetFalse;
use clap::{Args, ValueEnum};

use crate::scopes::Scope;

/// The settings of the authorization server.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct OAuthOptions {
    /// The apps that it knows. Default: none.
    #[arg(skip)]
    pub clients: Vec<OAuthClient>,
    /// Who answers the question for consent.
    #[arg(long, default_value = "ask")]
    pub consent: Consent,
    /// Consent is given to this scope only, whatever an app asks for; may be repeated. `None`: to
    /// all that it asks for.
    #[arg(long, value_name = "SCOPE")]
    pub consent_to: Option<Vec<Scope>>,
    /// What proof keys (RFC 7636) are worth.
    #[arg(long, default_value = "required")]
    pub pkce: Pkce,
    /// What stands between two scopes. Default: a space (RFC 6749, 3.3).
    #[arg(long, value_name = "CHARACTER", default_value_t = ' ')]
    pub scope_separator: char,
    /// How an app shows its secret.
    #[arg(long, default_value = "any")]
    pub client_authentication: ClientAuthentication,
    /// How long an access token lives, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    pub access_token_seconds: u64,
    /// How long a refresh token lives, in seconds from its issue. Default: a year.
    #[arg(long, value_name = "SECONDS", default_value_t = 31_536_000)]
    pub refresh_token_seconds: u64,
    /// What becomes of a refresh token that was used: for so many seconds it is given the same
    /// again, or it stays good if `never`.
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    pub rotation: Rotation,
    /// The issuer in the parameter `iss` of every callback (RFC 9207). Default: no such parameter.
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// Whether a callback ends with the parameter `hmac`: the HMAC-SHA256, in lower-case
    /// hexadecimal, of the whole query before it under the secret of the app.
    #[arg(long)]
    pub callback_hmac: bool,
    /// How answers with tokens differ from the standard.
    #[arg(long, default_value = "regular")]
    pub token_answer: TokenAnswer,
    /// Whether there is a revocation endpoint; the flag takes it away.
    #[arg(long = "no-revocation", action = SetFalse)]
    pub revocation: bool,
}

impl Default for OAuthOptions {
    fn default() -> Self {
        Self {
            clients: Vec::new(),
            consent: Consent::default(),
            consent_to: None,
            pkce: Pkce::default(),
            scope_separator: ' ',
            client_authentication: ClientAuthentication::default(),
            access_token_seconds: 3_600,
            refresh_token_seconds: 365 * 86_400,
            rotation: Rotation::default(),
            issuer: None,
            callback_hmac: false,
            token_answer: TokenAnswer::default(),
            revocation: true,
        }
    }
}

/// An app that is registered.
#[derive(Clone, PartialEq, Eq)]
pub struct OAuthClient {
    /// Its `client_id`.
    pub id: String,
    /// Its `client_secret`.
    pub secret: String,
    /// What the page for consent calls it.
    pub name: String,
    /// Where answers may go, compared exactly; the port of `http://127.0.0.1` and `http://[::1]`
    /// does not matter (RFC 8252, 7.3).
    pub redirect_uris: Vec<String>,
    /// The scopes that it may ask for.
    pub scopes: Vec<Scope>,
    /// The ways in which it may have tokens. Without
    /// [`RefreshToken`](GrantType::RefreshToken) it is given no refresh token.
    pub grant_types: Vec<GrantType>,
}

impl OAuthClient {
    /// An app with one redirect URI, named like its id, that may have every scope in every way.
    pub fn new(id: &str, secret: &str, redirect_uri: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            name: id.to_owned(),
            redirect_uris: vec![redirect_uri.to_owned()],
            scopes: Scope::ALL.to_vec(),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        }
    }
}

/// The secret stays out of debug output.
impl fmt::Debug for OAuthClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OAuthClient")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("redirect_uris", &self.redirect_uris)
            .field("scopes", &self.scopes)
            .field("grant_types", &self.grant_types)
            .finish_non_exhaustive()
    }
}

/// A way to have tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantType {
    /// With a code from the authorization endpoint (RFC 6749, 4.1).
    AuthorizationCode,
    /// With a refresh token (RFC 6749, 6).
    RefreshToken,
}

impl GrantType {
    /// What `grant_type` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
        }
    }
}

/// Who answers the question for consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Consent {
    /// A page asks, and a person presses Allow or Deny.
    #[default]
    Ask,
    /// The page presses Allow itself, by a line of script: for browsers without a person.
    AskAndPress,
    /// The request is answered with the redirect at once; for clients without a browser.
    Allow,
    /// The request is refused at once.
    Deny,
}

/// What proof keys (RFC 7636) are worth; undocumented. The only method is S256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Pkce {
    /// A request without one is refused.
    #[default]
    Required,
    /// A request may come without one; one that is sent is checked.
    Optional,
    /// They are not looked at, as by a server that does not know them.
    Ignored,
}

/// How an app shows its secret; undocumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ClientAuthentication {
    /// In either way.
    #[default]
    Any,
    /// As `client_id` and `client_secret` in the body.
    Body,
    /// With HTTP Basic.
    Basic,
}

/// How answers with tokens differ from the standard (RFC 6749, 5.1); undocumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TokenAnswer {
    /// Not at all.
    #[default]
    Regular,
    /// `token_type` is missing.
    WithoutType,
    /// `token_type` is null.
    NullType,
    /// `token_type` is another word.
    OddType,
    /// A refresh answers the same two tokens again, and the access token lives longer.
    SameTokens,
    /// `access_token` is null.
    NullToken,
}

/// What becomes of a refresh token that was used; undocumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It stays good, and answers hold no new one.
    Never,
    /// A new one takes its place. The used one is given the same new tokens again for this long, as
    /// long as the new refresh token was not used itself; after that its use looks like theft and
    /// revokes the whole grant.
    Rotate {
        /// How long, in seconds; 0: never again.
        grace_seconds: u64,
    },
}

/// Rotation with a grace of 5 seconds: the shortest of those that are known from other servers.
impl Default for Rotation {
    fn default() -> Self {
        Self::Rotate { grace_seconds: 5 }
    }
}

/// A number of seconds, or `never`.
impl FromStr for Rotation {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "never" => Ok(Self::Never),
            seconds => Ok(Self::Rotate { grace_seconds: seconds.parse()? }),
        }
    }
}
