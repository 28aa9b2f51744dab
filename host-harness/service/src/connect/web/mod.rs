//! Connecting in a customer's browser, at the paths below `/connect/` of the public listener.
//!
//! | request | what becomes of it |
//! |---|---|
//! | `GET TOKEN` | the page of a link: who asks, for what, and which keys are typed in; nothing is used up |
//! | `POST TOKEN` | keys are tried and kept, or the browser goes on to the provider; the link is used up |
//! | `GET callback` | the provider's answer is taken, from the browser that was sent there alone |
//!
//! At the end the browser goes to the link's `return_to`, with `connection` and `result` (`connected`,
//! `denied`, `failed`) in its query, or is told how it went. All that is between two steps is in the state, so
//! any host of it takes any step, and in two cookies: one ties the form to the browser that opened the link,
//! the other holds the `state` of the one that was sent to the provider.

mod browser;
mod form;

use std::sync::Arc;
use std::time::Duration;

use connector_contract::types::ErrorKind;
use connector_runtime::egress::Pending;
use connector_runtime::{Connection, SCHEME, Tokens};
use connector_state::ConnectionRow;
use connector_state::access::LinkRow;
use http::header::{ALLOW, HeaderValue, LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{Method, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use self::browser::Browser;
use self::form::{Filled, Form};
use super::links::secret_of;
use super::page::{LinkPage, outcome, shown};
use super::pkce::{digest, random};
use super::{Begun, ConnectError, ConnectFlow, ConnectLinks, ConnectRequest, texts};
use crate::listener::{Page, PageRequest, Pages};
use crate::vault::Secret;

/// Browsers that are served at the same time; each may wait for the provider.
const BROWSERS: usize = 32;
/// Keys are tried within this time.
const TRY_WITHIN: Duration = Duration::from_secs(20);

/// The pages.
#[derive(Clone)]
pub struct ConnectPages {
    links: Arc<ConnectLinks>,
    browsers: Arc<Semaphore>,
}

impl ConnectPages {
    /// The pages of these links.
    pub fn new(links: Arc<ConnectLinks>) -> Arc<Self> {
        Arc::new(Self { links, browsers: Arc::new(Semaphore::new(BROWSERS)) })
    }

    fn flow(&self) -> ConnectFlow {
        ConnectFlow { vault: Arc::clone(&self.links.vault) }
    }
}

impl Pages for ConnectPages {
    fn answer(&self, request: PageRequest) -> Pending<'_, Page> {
        Box::pin(async move {
            if !request.is_private {
                return told(StatusCode::FORBIDDEN, texts::NOT_PRIVATE);
            }
            let Ok(place) = Arc::clone(&self.browsers).try_acquire_owned() else {
                return later(texts::BUSY);
            };
            let pages = self.clone();
            // A browser that goes away in the middle does not stop what was begun: the provider's answer to a
            // code comes once.
            let task = tokio::spawn(async move {
                let _place = place;
                pages.step(&request).await.unwrap_or_else(|page| *page)
            });
            task.await.unwrap_or_else(|_| later(texts::LATER))
        })
    }
}

/// A page that ends a step.
type Ended = Result<Page, Box<Page>>;

/// A link that is good, and its connection as it is to be connected.
struct OpenLink {
    link: LinkRow,
    connection: ConnectionRow,
    form: Form,
}

/// How a way ends.
#[derive(Clone, Copy)]
enum ConnectResult {
    Connected,
    Denied,
    Failed,
}

impl ConnectPages {
    async fn step(&self, request: &PageRequest) -> Ended {
        match (&request.method, request.path.as_str()) {
            (&Method::GET, "callback") => self.come_back(request).await,
            (&Method::GET | &Method::HEAD, token) => self.show(token, request).await,
            (&Method::POST, token) => self.take(token, request).await,
            _ => {
                let mut page = told(StatusCode::METHOD_NOT_ALLOWED, texts::NO_FORM);
                page.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
                Ok(page)
            }
        }
    }

    async fn show(&self, token: &str, request: &PageRequest) -> Ended {
        let open = self.open(token).await?;
        let browser = Browser::of(request, &self.links.public_url);
        let name = browser.form_cookie(&open.link.digest);
        let known = browser.cookie(&name).filter(|value| secret_of(value).is_some());
        let (value, is_new) = match known {
            Some(value) => (Secret::new(value), false),
            None => (random().map_err(|_| Box::new(later(texts::LATER)))?, true),
        };
        let page = self.link_page(&open, &value, &Filled::default(), None);
        let mut page = page.page(StatusCode::OK);
        if is_new && let Some(cookie) = browser.set_cookie(&name, &value) {
            page.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(page)
    }

    async fn take(&self, token: &str, request: &PageRequest) -> Ended {
        let browser = Browser::of(request, &self.links.public_url);
        if !browser.is_own_form() {
            return Err(Box::new(told(StatusCode::FORBIDDEN, texts::FOREIGN_FORM)));
        }
        let open = self.open(token).await?;
        let Some(mut filled) = open.form.read(request) else {
            return Err(Box::new(told(StatusCode::BAD_REQUEST, texts::NO_FORM)));
        };
        let name = browser.form_cookie(&open.link.digest);
        let own = browser.cookie(&name).and_then(secret_of);
        let Some(own) = own.filter(|own| browser::proof(own, &open.link.digest) == filled.proof)
        else {
            return Err(Box::new(told(StatusCode::FORBIDDEN, texts::NO_COOKIE)));
        };
        let forget = browser.forget_cookie(&name);
        if filled.is_cancelled {
            self.use_up(&open.link).await?;
            return Ok(with_cookie(
                self.ended(&open, ConnectResult::Denied, texts::CANCELLED),
                forget,
            ));
        }
        let again = |fault: String, status| {
            let filled = Filled {
                secrets: Tokens::new(),
                settings: filled.settings.clone(),
                ..Filled::default()
            };
            Err(Box::new(self.link_page(&open, &own, &filled, Some(fault)).page(status)))
        };
        if let Some(fault) = open.form.fault(&filled, &self.links.connector) {
            return again(fault, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let mut connection = open.connection.clone();
        connection.settings.extend(filled.settings.clone());
        let secrets = std::mem::take(&mut filled.secrets);
        let built = match self.build(&connection, &filled, &secrets).await {
            Ok(built) => built,
            Err(why) => return again(shown(&why), StatusCode::UNPROCESSABLE_ENTITY),
        };
        if !open.form.goes_on
            && let Err((why, status)) = tried(&built).await
        {
            return again(why.to_owned(), status);
        }
        let request = ConnectRequest {
            connection,
            secrets,
            callback_url: self.links.callback_url(),
            scopes: open.link.scopes.clone(),
        };
        // Of two that try at once, one goes on.
        self.use_up(&open.link).await?;
        let return_to = open.link.return_to.clone();
        match self.flow().begin_with(&built.authority(), request, return_to).await {
            Ok(Begun::Ready(_)) => {
                Ok(with_cookie(self.ended(&open, ConnectResult::Connected, texts::CLOSE), forget))
            }
            Ok(Begun::Redirect { url, state }) => {
                let mut page = see_other(&url)?;
                let name = browser.state_cookie(&digest(state.expose()));
                let cookies = [forget, browser.set_cookie(&name, &state)];
                for cookie in cookies.into_iter().flatten() {
                    page.headers_mut().append(SET_COOKIE, cookie);
                }
                Ok(page)
            }
            Err(why) => {
                Ok(with_cookie(self.ended(&open, ConnectResult::Failed, &why.to_string()), forget))
            }
        }
    }

    async fn come_back(&self, request: &PageRequest) -> Ended {
        let browser = Browser::of(request, &self.links.public_url);
        let query = request.query.as_deref().unwrap_or_default();
        let name =
            browser::state_of(query).map(|state| browser.state_cookie(&digest(state.as_bytes())));
        let own = name.as_deref().and_then(|name| browser.cookie(name)).map(Secret::new);
        let failed = |why: &ConnectError| {
            Box::new(outcome(StatusCode::BAD_REQUEST, texts::NOT_CONNECTED, &why.to_string()))
        };
        let returned =
            self.flow().returned(query, own.as_ref()).await.map_err(|why| failed(&why))?;
        let connection = returned.connection().clone();
        let return_to = returned.return_to().map(str::to_owned);
        let end = |result, text: &str| ended(return_to.as_deref(), &connection.name, result, text);
        let forget = name.and_then(|name| browser.forget_cookie(&name));
        let built = match self.build(&connection, &Filled::default(), &Tokens::new()).await {
            Ok(built) => built,
            Err(why) => return Ok(with_cookie(end(ConnectResult::Failed, &why), forget)),
        };
        let page = match self.flow().finish(&built.authority(), returned).await {
            Ok(_) => end(ConnectResult::Connected, texts::CLOSE),
            Err(why @ ConnectError::Denied(_)) => end(ConnectResult::Denied, &why.to_string()),
            Err(why) => end(ConnectResult::Failed, &why.to_string()),
        };
        Ok(with_cookie(page, forget))
    }

    /// The link of an address, while it is good.
    async fn open(&self, token: &str) -> Result<OpenLink, Box<Page>> {
        let gone =
            || Box::new(outcome(StatusCode::NOT_FOUND, texts::NOT_CONNECTED, texts::LINK_GONE));
        if secret_of(token).is_none() {
            return Err(gone());
        }
        let found = self.links.find(token).await.map_err(|_| Box::new(later(texts::LATER)))?;
        let (link, connection) = found.ok_or_else(gone)?;
        let manifest = self.links.connector.manifest();
        let form = Form::of(manifest, &connection).ok_or_else(gone)?;
        Ok(OpenLink { link, connection, form })
    }

    async fn use_up(&self, link: &LinkRow) -> Result<(), Box<Page>> {
        match self.links.take(link).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Box::new(outcome(
                StatusCode::NOT_FOUND,
                texts::NOT_CONNECTED,
                texts::LINK_GONE,
            ))),
            Err(_) => Err(Box::new(later(texts::LATER))),
        }
    }

    fn link_page(
        &self,
        open: &OpenLink,
        own: &Secret,
        filled: &Filled,
        fault: Option<String>,
    ) -> LinkPage {
        let manifest = self.links.connector.manifest();
        LinkPage {
            provider: shown(&manifest.title),
            label: open.link.label.as_deref().map(shown),
            shared: form::shared(manifest, &open.link.scopes),
            fields: open.form.fields(filled),
            fault,
            goes_on: open.form.goes_on,
            proof: browser::proof(own, &open.link.digest),
        }
    }

    /// The connection with what was typed in. What a customer may not set fails.
    async fn build(
        &self,
        connection: &ConnectionRow,
        filled: &Filled,
        secrets: &Tokens,
    ) -> Result<Connection, String> {
        let mut builder = (self.links.surroundings)().setting(SCHEME, &connection.scheme);
        for (name, value) in &connection.settings {
            builder = match filled.settings.contains_key(name) {
                true => builder.customer_setting(name, value),
                false => builder.setting(name, value),
            };
        }
        let kept = self.links.vault.open(connection).await.map_err(|why| why.to_string())?;
        for (row, value) in kept {
            if !secrets.contains_key(&row.name) && row.ends_ms.is_none() {
                builder = builder.secret(&row.name, value);
            }
        }
        for (name, value) in secrets {
            builder = builder.secret(name, value.clone());
        }
        builder.build().await.map_err(|why| why.to_string())
    }

    fn ended(&self, open: &OpenLink, result: ConnectResult, text: &str) -> Page {
        ended(open.link.return_to.as_deref(), &open.connection.name, result, text)
    }
}

/// Whether the provider takes these keys: one cheap request for the first object that can be tried. An account
/// that has no right to it has good keys.
async fn tried(connection: &Connection) -> Result<(), (&'static str, StatusCode)> {
    let untried = (texts::UNTRIED, StatusCode::SERVICE_UNAVAILABLE);
    for object in &connection.connector().manifest().objects {
        let answer = timeout(TRY_WITHIN, connection.check(&object.name)).await;
        let Err(why) = answer.map_err(|_| untried)? else { return Ok(()) };
        match why.error().map(|error| &error.kind) {
            Some(ErrorKind::Unsupported) => {}
            Some(ErrorKind::Forbidden | ErrorKind::QuotaExhausted(_)) => return Ok(()),
            Some(ErrorKind::Unauthenticated | ErrorKind::InvalidInput(_)) => {
                return Err((texts::REFUSED, StatusCode::UNPROCESSABLE_ENTITY));
            }
            _ => return Err(untried),
        }
    }
    Ok(())
}

/// On to where the link's maker wants the browser, or a page that says how it went.
fn ended(return_to: Option<&str>, connection: &str, result: ConnectResult, text: &str) -> Page {
    let (word, title, status) = match result {
        ConnectResult::Connected => ("connected", texts::CONNECTED, StatusCode::OK),
        ConnectResult::Denied => ("denied", texts::DENIED, StatusCode::OK),
        ConnectResult::Failed => ("failed", texts::NOT_CONNECTED, StatusCode::BAD_GATEWAY),
    };
    let on = return_to.and_then(|address| {
        let mut url = Url::parse(address).ok()?;
        url.query_pairs_mut().append_pair("connection", connection).append_pair("result", word);
        see_other(url.as_str()).ok()
    });
    on.unwrap_or_else(|| outcome(status, title, text))
}

fn see_other(url: &str) -> Result<Page, Box<Page>> {
    let Ok(place) = HeaderValue::try_from(url) else {
        return Err(Box::new(told(StatusCode::BAD_GATEWAY, texts::ASK_AGAIN)));
    };
    let mut page = outcome(StatusCode::SEE_OTHER, texts::GO_ON, "");
    page.headers_mut().insert(LOCATION, place);
    Ok(page)
}

fn with_cookie(mut page: Page, cookie: Option<HeaderValue>) -> Page {
    if let Some(cookie) = cookie {
        page.headers_mut().append(SET_COOKIE, cookie);
    }
    page
}

fn told(status: StatusCode, text: &str) -> Page {
    outcome(status, texts::NOT_CONNECTED, text)
}

fn later(text: &str) -> Page {
    let mut page = told(StatusCode::SERVICE_UNAVAILABLE, text);
    page.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    page
}
