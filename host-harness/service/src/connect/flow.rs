//! The two calls that make a connection, and what is kept between them.

use std::sync::Arc;

use connector_contract::auth::{BeginRequest, Redirect};
use connector_contract::types::Error;
use connector_runtime::{Authorizer, BeginOutcome, CallError, ReceivedGrant, Stop, Tokens};
use connector_state::{Change, ConnectionRow, Retry, SecretRow, SessionRow, StoreError};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::error::ConnectError;
use super::pkce::{challenge, digest, random};
use super::{LIFE_MINUTES, VERIFIER};
use crate::grants::protocol::{SealedGrant, first};
use crate::grants::seal;
use crate::vault::{Scrubber, SealContext, Secret, Vault, opened};

/// Times that a grant is put beside renewals of the one before.
const GRANT_TRIES: u32 = 8;

/// Makes connections. What [`ConnectRequest`] takes is one that is kept, or a new one of
/// [`Vault::new_connection`].
pub struct ConnectFlow {
    /// Where they are kept.
    pub vault: Arc<Vault>,
}

/// The connection to make.
pub struct ConnectRequest {
    /// The connection itself. With the `id` of one that is kept, that one is connected again: it
    /// keeps its name, its settings and everything else.
    pub connection: ConnectionRow,
    /// Secrets typed in, by their names. Those that are not given stay as they were.
    pub secrets: Tokens,
    /// Where the provider sends the customer back to; exact.
    pub callback_url: String,
    /// Scopes wished for; empty: all of the scheme.
    pub scopes: Vec<String>,
}

/// How it goes on.
pub enum Begun {
    /// The connection is made.
    Ready(ConnectionRow),
    /// Send the customer's browser to `url`, and call [`ConnectFlow::complete`] with what comes back.
    Redirect {
        /// The provider's page.
        url: String,
        /// In that browser's session, this proves that it is the same one that comes back.
        state: Secret,
    },
}

/// A browser that came back from the provider with an answer to us.
pub struct ReturnedBrowser {
    session: SessionRow,
    query: Zeroizing<String>,
}

impl ReturnedBrowser {
    /// The connection that is made.
    #[must_use]
    pub fn connection(&self) -> &ConnectionRow {
        &self.session.connection
    }

    /// Where the browser goes at the end.
    #[must_use]
    pub fn return_to(&self) -> Option<&str> {
        self.session.return_to.as_deref()
    }
}

impl ConnectFlow {
    /// Begins. Nothing is kept of a redirect but what [`ConnectFlow::complete`] needs, for ten minutes.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn begin(
        &self,
        scheme: &dyn Authorizer,
        request: ConnectRequest,
    ) -> Result<Begun, ConnectError> {
        self.begin_with(scheme, request, None).await
    }

    /// As [`ConnectFlow::begin`], and the browser that comes back goes on to `return_to`.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn begin_with(
        &self,
        scheme: &dyn Authorizer,
        request: ConnectRequest,
        return_to: Option<String>,
    ) -> Result<Begun, ConnectError> {
        let connection = request.connection;
        let kept = self.vault.open(&connection).await?;
        let mut rows = Vec::new();
        for (name, value) in &request.secrets {
            let newest = kept.iter().find(|(row, _)| row.name == *name);
            let version = newest.map_or(0, |(row, _)| row.version) + 1;
            rows.push(self.vault.seal(&connection, name, version, value)?);
        }
        let mut secrets = newest(kept);
        secrets.extend(request.secrets);
        let (state, verifier) = (random()?, random()?);
        let begin = BeginRequest {
            scheme: connection.scheme.clone(),
            callback_url: request.callback_url,
            scopes: request.scopes,
            state: String::from_utf8_lossy(state.expose()).into_owned(),
            code_challenge: challenge(&verifier),
        };
        match scheme.begin(begin, secrets).await? {
            BeginOutcome::Ready(received) => {
                Ok(Begun::Ready(self.keep(connection, &rows, &received).await?))
            }
            BeginOutcome::Redirect(Redirect { url, session }) => {
                let url = checked(&url)?;
                let made_ms = self.vault.now_ms();
                let key = self.vault.key(&connection)?;
                let sealed_verifier = key.seal(of_verifier(&connection.id), verifier.expose())?;
                let kept = SessionRow {
                    state: digest(state.expose()),
                    connection,
                    secrets: rows,
                    sealed_verifier,
                    session,
                    return_to,
                    made_ms,
                    ends_ms: made_ms.saturating_add(LIFE_MINUTES * 60_000),
                };
                self.vault.store().commit(vec![Change::PutSession(kept)]).await?;
                Ok(Begun::Redirect { url, state })
            }
        }
    }

    /// Completes with the raw query of a callback. `browser`: the `state` as the session of the
    /// browser that came has it.
    ///
    /// # Errors
    /// [`ConnectError`]; the customer then begins anew.
    pub async fn complete(
        &self,
        scheme: &dyn Authorizer,
        query: &str,
        browser: &Secret,
    ) -> Result<ConnectionRow, ConnectError> {
        self.finish(scheme, self.returned(query, Some(browser)).await?).await
    }

    /// As [`ConnectFlow::complete`], whichever browser came: only where no other can come, as on
    /// loopback.
    ///
    /// # Errors
    /// As [`ConnectFlow::complete`].
    pub async fn complete_on_loopback(
        &self,
        scheme: &dyn Authorizer,
        query: &str,
    ) -> Result<ConnectionRow, ConnectError> {
        let session = self.session(state(query)?).await?;
        self.finish(scheme, ReturnedBrowser { session, query: query.to_owned().into() }).await
    }

    /// What a browser came back to, by the raw query of the callback; nobody else can come back to it
    /// from then on. `browser`: as in [`ConnectFlow::complete`]; one that has none is another one.
    ///
    /// # Errors
    /// [`ConnectError`]; of a browser that is no answer to us, what was asked waits on.
    pub async fn returned(
        &self,
        query: &str,
        browser: Option<&Secret>,
    ) -> Result<ReturnedBrowser, ConnectError> {
        let state = state(query)?;
        // Digests are compared: what the comparison's time tells is of no use.
        if browser.is_none_or(|browser| digest(browser.expose()) != state) {
            return Err(ConnectError::OtherBrowser);
        }
        Ok(ReturnedBrowser { session: self.session(state).await?, query: query.to_owned().into() })
    }

    async fn session(&self, state: [u8; 32]) -> Result<SessionRow, ConnectError> {
        let session =
            self.vault.store().take_session(&state).await?.ok_or(ConnectError::UnknownState)?;
        if session.ends_ms <= self.vault.now_ms() {
            return Err(ConnectError::TooLate);
        }
        Ok(session)
    }

    /// Completes what a browser came back to. `scheme` is of [`ReturnedBrowser::connection`].
    ///
    /// # Errors
    /// As [`ConnectFlow::complete`].
    pub async fn finish(
        &self,
        scheme: &dyn Authorizer,
        returned: ReturnedBrowser,
    ) -> Result<ConnectionRow, ConnectError> {
        let ReturnedBrowser { session, query } = returned;
        let query = query.as_str();
        let mut secrets = newest(self.vault.open(&session.connection).await?);
        let key = self.vault.key(&session.connection)?;
        for row in &session.secrets {
            secrets.insert(row.name.clone(), opened(&key, row)?);
        }
        let verifier = key.open(of_verifier(&session.connection.id), &session.sealed_verifier)?;
        secrets.insert(VERIFIER.to_owned(), verifier);
        let completed = scheme.complete(session.session, query.to_owned(), secrets).await;
        // RFC 6749 section 4.1.2.1.
        let denied = parameter(query, "error").is_some_and(|error| *error == "access_denied");
        let received = completed.map_err(|why| without_code(why, query)).map_err(|why| {
            if denied { ConnectError::Denied(why) } else { ConnectError::Call(why) }
        })?;
        self.keep(session.connection, &session.secrets, &received).await
    }

    /// Keeps a connection that was made, with its secrets and what was granted to it; each secret
    /// takes the place of every older version.
    async fn keep(
        &self,
        made: ConnectionRow,
        secrets: &[SecretRow],
        received: &ReceivedGrant,
    ) -> Result<ConnectionRow, ConnectError> {
        // A renewal that goes on meanwhile takes the epoch of its tokens. Where an answer was lost,
        // the same is put once more, on top of what may have been kept.
        let mut failed = StoreError::NotNext(made.id.clone());
        for _ in 0..GRANT_TRIES {
            let connection = self.newest(made.clone()).await?;
            let id = connection.id.clone();
            let mut changes = vec![Change::PutConnection(connection.clone())];
            for row in secrets {
                let (connection, name) = (row.connection.clone(), row.name.clone());
                changes.push(Change::RemoveSecret { connection, name });
                changes.push(Change::PutSecret(row.clone()));
            }
            // A grant of another scheme ends with it.
            changes.push(match received.is_nothing() {
                true => Change::RemoveGrant { connection: id },
                false => Change::PutNextGrant(self.granted(&connection, received).await?),
            });
            match self.vault.store().commit(changes).await {
                Err(why) if why.retry() == Retry::Anew => failed = why,
                committed => return Ok(committed.map(|()| connection)?),
            }
        }
        Err(failed.into())
    }

    /// The grant's row, as successor of the one that there may be.
    async fn granted(
        &self,
        connection: &ConnectionRow,
        received: &ReceivedGrant,
    ) -> Result<connector_state::GrantRow, ConnectError> {
        let before = self.vault.store().grant(&connection.id).await?;
        let epoch = before.map_or(0, |before| before.epoch).saturating_add(1);
        let key = self.vault.key(connection)?;
        let sealed = seal(&key, &connection.id, epoch, &received.tokens)?;
        let (expires_ms, scopes) = (received.expires_ms, received.scopes.clone());
        let learned = received.learned.clone();
        let granted = SealedGrant { sealed, expires_ms, scopes, learned };
        Ok(first(&connection.id, epoch, granted, self.vault.now_ms()))
    }

    /// The connection as it is now, if it is kept: meanwhile it may have been renamed or set
    /// otherwise. Only the scheme is the one that was chosen, and settings that it has not are added.
    async fn newest(&self, connection: ConnectionRow) -> Result<ConnectionRow, ConnectError> {
        let mut all = self.vault.store().connections().await?.into_iter();
        Ok(match all.find(|kept| kept.id == connection.id) {
            Some(kept) => {
                let mut settings = connection.settings;
                settings.extend(kept.settings);
                ConnectionRow { scheme: connection.scheme, settings, ..kept }
            }
            None => connection,
        })
    }
}

/// Of each secret the newest version.
fn newest(kept: Vec<(SecretRow, Secret)>) -> Tokens {
    // Newest first, so that it comes last here.
    kept.into_iter().rev().map(|(row, value)| (row.name, value)).collect()
}

/// The digest of the query's `state`.
fn state(query: &str) -> Result<[u8; 32], ConnectError> {
    Ok(digest(parameter(query, "state").ok_or(ConnectError::NoState)?.as_bytes()))
}

/// The value of a parameter that the query has exactly once.
fn parameter(query: &str, name: &str) -> Option<Zeroizing<String>> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let value = values.next()?.1.into_owned();
    values.next().is_none().then(|| Zeroizing::new(value))
}

/// The error without the callback's code and `state`, which a provider may quote.
fn without_code(why: CallError, query: &str) -> CallError {
    let values = ["code", "state"].map(|name| parameter(query, name));
    let values = values.iter().flatten().map(|value| Secret::new(value.as_bytes()));
    let values: Vec<Secret> = values.collect();
    let scrubber = Scrubber::new(&values.iter().collect::<Vec<_>>());
    match why {
        CallError::Connector(error) => {
            let message = scrubber.text(&error.message);
            CallError::Connector(Error { message, ..error })
        }
        CallError::Stopped { reason: Stop::Trapped(text), wrote } => {
            CallError::Stopped { reason: Stop::Trapped(scrubber.text(&text)), wrote }
        }
        other => other,
    }
}

/// A browser may be sent to pages of the web, and nowhere else: not to files or programs.
fn checked(url: &str) -> Result<String, ConnectError> {
    let bad = |why: &str| ConnectError::BadRedirect(why.to_owned());
    let parsed = Url::parse(url).map_err(|why| bad(&why.to_string()))?;
    if !matches!(parsed.scheme(), "https" | "http") || parsed.host_str().is_none() {
        return Err(bad("it is no address of the web"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(bad("it names a user"));
    }
    Ok(parsed.into())
}

fn of_verifier(connection: &str) -> SealContext<'_> {
    SealContext { connection, kind: "verifier", name: "", version: 0 }
}
