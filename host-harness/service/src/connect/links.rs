//! Links by which a customer's browser connects: single use, ten minutes, a digest in the state.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_contract::catalog::Manifest;
use connector_contract::setup::{Scheme, Setter};
use connector_runtime::{AddressSpace, BuildError, Builder, Connector, SCHEME, Tokens};
use connector_state::access::{LinkRow, NewLink};
use connector_state::{Change, ConnectionRow, Database, GrantRow, SecretRow, StoreError};
use thiserror::Error;
use url::Url;

use super::LIFE_MINUTES;
use super::pkce::{digest, random};
use crate::vault::{SealError, Secret, Vault, VaultError};

/// Where providers send browsers back to, below the public URL.
pub const CALLBACK_PATH: &str = "/connect/callback";
/// Bytes of an address at most.
const ADDRESS_BYTES: usize = 2_000;
/// Characters of a label, and scopes, at most.
const LABEL: usize = 80;
const SCOPES: usize = 100;

/// Why there is no link.
#[derive(Debug, Error)]
pub enum LinkError {
    /// What was asked cannot be.
    #[error("{0}")]
    Invalid(String),
    /// It does not fit to what is kept.
    #[error("{0}")]
    Conflict(String),
    /// A setting or a secret cannot have its value.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A value cannot be sealed or kept.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The state cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no randomness.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What a link is to be for.
#[derive(Default)]
pub struct LinkRequest {
    /// Name of the connection; one that is not there is made, and is not connected yet.
    pub name: String,
    /// Authentication scheme; `None`: the connection's, else the connector's first.
    pub scheme: Option<String>,
    /// Settings of a new connection; of one that is there, as it has them.
    pub settings: BTreeMap<String, String>,
    /// Secrets that the operator gives, by their names.
    pub secrets: Tokens,
    /// Scopes wished for; empty: all of the scheme.
    pub scopes: Vec<String>,
    /// What the page calls whoever asks.
    pub label: Option<String>,
    /// Where the browser goes at the end: an address of one of [`ConnectLinks::returns`].
    pub return_to: Option<String>,
    /// Who asks.
    pub caller: String,
}

/// A link that was made.
pub struct ConnectLink {
    /// The address for the customer's browser. Whoever has it may connect.
    pub url: String,
    /// Until when it is good, at most.
    pub expires_ms: u64,
    /// The connection.
    pub connection: ConnectionRow,
}

/// Makes links, and knows what they are for.
pub struct ConnectLinks {
    /// The connector whose connections are made.
    pub connector: Connector,
    /// What is kept.
    pub database: Arc<dyn Database>,
    /// Seals what is typed in.
    pub vault: Arc<Vault>,
    /// The address by which browsers reach the pages, without a slash at its end.
    pub public_url: String,
    /// Origins to which a browser may be sent at the end ([`ConnectLinks::origin`]).
    pub returns: Vec<String>,
    /// Which addresses the operator lets connections reach.
    pub space: AddressSpace,
    /// A connection as the program surrounds it, without settings and secrets.
    pub surroundings: Arc<dyn Fn() -> Builder + Send + Sync>,
}

impl ConnectLinks {
    /// The origin that an operator allows as the end of the way.
    ///
    /// # Errors
    /// [`LinkError::Invalid`] for an address that is no origin, or would be read on the way.
    pub fn origin(text: &str) -> Result<String, LinkError> {
        let url = web_address(text)?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(LinkError::Invalid(format!("{text} is more than an origin")));
        }
        Ok(url.origin().ascii_serialization())
    }

    /// Where providers send browsers back to.
    #[must_use]
    pub fn callback_url(&self) -> String {
        format!("{}{CALLBACK_PATH}", self.public_url)
    }

    /// Makes a link. A new connection is kept from then on, and is not connected.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn offer(&self, request: LinkRequest) -> Result<ConnectLink, LinkError> {
        let LinkRequest { name, scheme, settings, secrets, scopes, label, return_to, caller } =
            request;
        check_words(&scopes, label.as_deref())?;
        let return_to = return_to.map(|text| self.return_to(&text)).transpose()?;
        let manifest = self.connector.manifest();
        let kept = self.database.connection(&name).await?;
        let (connection, is_new) = match kept {
            Some(row) if row.connector != manifest.name => {
                let text =
                    format!("the connection \"{name}\" is of the connector {}", row.connector);
                return Err(LinkError::Conflict(text));
            }
            Some(row) => {
                let differs =
                    |(name, value): (&String, &String)| row.settings.get(name) != Some(value);
                if settings.iter().any(differs) {
                    let text = format!(
                        "the connection \"{name}\" is there already, with its settings; leave settings out"
                    );
                    return Err(LinkError::Conflict(text));
                }
                let scheme = chosen(manifest, Some(scheme.as_deref().unwrap_or(&row.scheme)))?;
                (ConnectionRow { scheme: scheme.name.clone(), ..row }, false)
            }
            None => {
                let scheme = chosen(manifest, scheme.as_deref())?;
                for (name, value) in &settings {
                    if name == SCHEME {
                        return Err(LinkError::Invalid("the scheme is no setting".to_owned()));
                    }
                    self.connector.check_setting(name, value, self.space)?;
                }
                let new =
                    self.vault.new_connection(&name, &manifest.name, &scheme.name, settings)?;
                (new, true)
            }
        };
        let scheme = chosen(manifest, Some(&connection.scheme))?;
        self.check_secrets(scheme, &connection, is_new, &secrets).await?;
        if is_new {
            let mut changes = vec![Change::PutConnection(connection.clone())];
            for (name, value) in &secrets {
                changes.push(Change::PutSecret(self.vault.seal(&connection, name, 1, value)?));
            }
            self.database.commit(changes).await?;
        } else {
            for (name, value) in &secrets {
                self.vault.put(&connection, name, value, std::time::Duration::ZERO).await?;
            }
        }
        let token = random()?;
        let for_ms = LIFE_MINUTES * 60_000;
        let expires_ms = self.vault.now_ms().saturating_add(for_ms);
        let link = NewLink {
            digest: digest(token.expose()),
            connection: connection.id.clone(),
            scheme: scheme.name.clone(),
            scopes,
            label,
            caller,
            return_to,
            for_ms,
        };
        self.database.put_link(link).await?;
        let token = String::from_utf8_lossy(token.expose()).into_owned();
        let url = format!("{}/connect/{token}", self.public_url);
        Ok(ConnectLink { url, expires_ms, connection })
    }

    /// The link of an address, and its connection by the link's scheme; it stays good.
    pub(super) async fn find(
        &self,
        token: &str,
    ) -> Result<Option<(LinkRow, ConnectionRow)>, StoreError> {
        let Some(link) = self.database.find_link(digest(token.as_bytes())).await? else {
            return Ok(None);
        };
        let rows = self.database.connections().await?;
        let own = rows.into_iter().find(|row| row.id == link.connection);
        Ok(own.map(|row| {
            let row = ConnectionRow { scheme: link.scheme.clone(), ..row };
            (link, row)
        }))
    }

    /// Uses a link up; false: somebody has.
    pub(super) async fn take(&self, link: &LinkRow) -> Result<bool, StoreError> {
        Ok(self.database.take_link(link.digest).await?.is_some())
    }

    async fn check_secrets(
        &self,
        scheme: &Scheme,
        connection: &ConnectionRow,
        is_new: bool,
        secrets: &Tokens,
    ) -> Result<(), LinkError> {
        for (name, value) in secrets {
            self.connector.check_secret(name)?;
            self.connector.check_secret_value(name, value)?;
            let of_customer = |field: &&connector_contract::setup::SecretField| {
                field.name == *name && field.setter == Setter::Customer
            };
            if let Some(field) = scheme.secrets.iter().find(of_customer) {
                let text =
                    format!("the secret \"{name}\" ({}) is typed in on the page", field.title);
                return Err(LinkError::Invalid(text));
            }
        }
        let kept = if is_new { vec![] } else { self.vault.list(connection).await? };
        let there =
            |name: &str| secrets.contains_key(name) || kept.iter().any(|row| row.name == name);
        let own = |field: &&connector_contract::setup::SecretField| {
            field.required && field.setter == Setter::Operator && !there(&field.name)
        };
        if let Some(field) = scheme.secrets.iter().find(own) {
            let text = format!(
                "the secret \"{}\" ({}) is needed; give it in secrets",
                field.name, field.title
            );
            return Err(LinkError::Invalid(text));
        }
        let manifest = self.connector.manifest();
        let lacks = |setting: &&connector_contract::setup::Setting| {
            setting.setter == Setter::Operator
                && setting.default.is_none()
                && setting.required_by.contains(&scheme.name)
                && !connection.settings.contains_key(&setting.name)
        };
        if let Some(setting) = manifest.settings.iter().find(lacks) {
            let text = format!(
                "the setting \"{}\" ({}) is needed; give it in settings",
                setting.name, setting.title
            );
            return Err(LinkError::Invalid(text));
        }
        Ok(())
    }

    fn return_to(&self, text: &str) -> Result<String, LinkError> {
        if text.len() > ADDRESS_BYTES {
            let text = format!("return_to has more than {ADDRESS_BYTES} bytes");
            return Err(LinkError::Invalid(text));
        }
        let url = web_address(text)?;
        if self.returns.contains(&url.origin().ascii_serialization()) {
            return Ok(url.into());
        }
        let known =
            if self.returns.is_empty() { "none".to_owned() } else { self.returns.join(", ") };
        Err(LinkError::Invalid(format!(
            "return_to leads to {}, which is none of the allowed origins ({known}); serve \
             --connect-return ORIGIN allows one",
            url.origin().ascii_serialization()
        )))
    }
}

/// Whether a connection of `scheme` has what it needs: a grant that lives, or every secret that is required.
#[must_use]
pub fn is_connected(scheme: &Scheme, secrets: &[SecretRow], grant: Option<&GrantRow>) -> bool {
    if scheme.interactive {
        return grant.is_some_and(|grant| grant.state != connector_state::GrantState::Ended);
    }
    let has = |name: &str| secrets.iter().any(|row| row.name == name);
    scheme.secrets.iter().all(|field| !field.required || has(&field.name))
}

/// The scheme of this name; the connector's first without.
fn chosen<'m>(manifest: &'m Manifest, name: Option<&str>) -> Result<&'m Scheme, LinkError> {
    let mut all = manifest.schemes.iter();
    all.find(|scheme| name.is_none_or(|name| scheme.name == name)).ok_or_else(|| {
        let names: Vec<&str> = manifest.schemes.iter().map(|scheme| scheme.name.as_str()).collect();
        let name = name.unwrap_or_default();
        LinkError::Invalid(format!("unknown scheme \"{name}\"; known: {}", names.join(", ")))
    })
}

fn check_words(scopes: &[String], label: Option<&str>) -> Result<(), LinkError> {
    let odd = |text: &str| text.is_empty() || text.chars().any(char::is_control);
    if scopes.len() > SCOPES || scopes.iter().any(|scope| odd(scope) || scope.len() > 200) {
        return Err(LinkError::Invalid(format!(
            "scopes are at most {SCOPES}, each of 1 to 200 bytes without control characters"
        )));
    }
    if label.is_some_and(|label| odd(label) || label.chars().count() > LABEL) {
        return Err(LinkError::Invalid(format!(
            "a label has 1 to {LABEL} characters and no control characters"
        )));
    }
    Ok(())
}

/// An address that a browser may be sent to with what it carries: by https, or on this machine.
fn web_address(text: &str) -> Result<Url, LinkError> {
    let bad = |why: &str| LinkError::Invalid(format!("the address {text} {why}"));
    let url = Url::parse(text).map_err(|why| bad(&format!("is none: {why}")))?;
    let is_own = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => {}
        "http" if is_own => {}
        _ => return Err(bad("is neither https nor on this machine")),
    }
    if url.host_str().is_none() || !url.username().is_empty() || url.password().is_some() {
        return Err(bad("names a user, or no host"));
    }
    Ok(url)
}

/// Of a secret in an address: what a browser's request is told apart by.
pub(super) fn secret_of(text: &str) -> Option<Secret> {
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (text.len() == 43 && text.bytes().all(is_ours)).then(|| Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_of_the_way_is_an_origin_that_nobody_can_read() {
        for (given, origin) in [
            ("https://shop.example", Some("https://shop.example")),
            ("https://SHOP.example:443/", Some("https://shop.example")),
            ("https://shop.example:8443", Some("https://shop.example:8443")),
            ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000")),
            ("http://shop.example", None),
            ("https://shop.example/app", None),
            ("https://user@shop.example", None),
            ("javascript:alert(1)", None),
            ("shop.example", None),
        ] {
            assert_eq!(ConnectLinks::origin(given).ok().as_deref(), origin, "{given}");
        }
    }
}
