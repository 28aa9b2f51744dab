//! A registry's HTTP (OCI distribution specification 1.1): what it is asked for, how it wants to know who
//! asks, and where it sends one on to.

use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use connector_runtime::AddressSpace;
use connector_runtime::egress::{FilledRequest, HttpClient, HttpResponse, Origin, Progress};

use crate::challenge::Challenge;
use crate::credentials::Credentials;
use crate::error::PullError;

/// So often a registry may send one on for one file.
const MOST_REDIRECTS: usize = 3;

/// One pull's talk with one registry: what it is authorised by is asked for once.
pub struct Client<'a> {
    http: &'a HttpClient,
    credentials: &'a Credentials,
    registry: &'a str,
    base: Url,
    space: AddressSpace,
    authorization: Option<Zeroizing<String>>,
}

/// An answer to the question for a token. Registries use either name.
#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: Zeroizing<String>,
}

impl<'a> Client<'a> {
    /// A client of `registry`, HOST or HOST:PORT. It is spoken to by https, but by http where it is on
    /// this machine and the operator allows private addresses.
    ///
    /// # Errors
    /// [`PullError::Registry`] for what is no host, and for one that only the operator may allow.
    pub fn new(
        http: &'a HttpClient,
        credentials: &'a Credentials,
        registry: &'a str,
        space: AddressSpace,
    ) -> Result<Self, PullError> {
        let secure = format!("https://{registry}");
        let (origin, mut base) = Origin::of_url(&secure, space)?;
        if space == AddressSpace::Private && origin.is_loopback() {
            (_, base) = Origin::of_url(&format!("http://{registry}"), space)?;
        }
        Ok(Self { http, credentials, registry, base, space, authorization: None })
    }

    /// Fetches what is at `path` below `/v2/`.
    ///
    /// # Errors
    /// [`PullError`].
    pub async fn fetch(
        &mut self,
        path: &str,
        accept: &'static str,
        what: &'static str,
    ) -> Result<Vec<u8>, PullError> {
        let url = self.base.join(&format!("/v2/{path}"));
        let url = url.map_err(|why| self.unreachable(what, &why))?;
        let (mut answer, mut by) = self.ask(&url, accept, what).await?;
        // Only the registry itself is told who asks, and never a host to which it sends one on.
        if answer.status == 401 && self.authorization.is_none() && self.is_own(&by) {
            let challenge = answer.header("www-authenticate").unwrap_or_default().to_owned();
            self.authorization = self.authorize(&challenge, what).await?;
            (answer, by) = self.ask(&url, accept, what).await?;
        }
        let from = by.authority().to_owned();
        match answer.status {
            200 => Ok(answer.body),
            401 | 403 => {
                let why = format!("it answered {}", answer.status);
                Err(PullError::Denied { what, from, why })
            }
            404 => Err(PullError::NotFound { what, from }),
            status => Err(self.unreachable(what, &format!("it answered {status}"))),
        }
    }

    /// Asks, and follows where the registry sends one on to. Another host gets no credentials. Returns
    /// the last answer and whose it is.
    async fn ask(
        &self,
        first: &Url,
        accept: &'static str,
        what: &'static str,
    ) -> Result<(HttpResponse, Url), PullError> {
        let mut url = first.clone();
        for _ in 0..=MOST_REDIRECTS {
            let authorization = self.authorization.as_ref().filter(|_| self.is_own(&url));
            let answer = self.get(&url, accept, authorization, what).await?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return Ok((answer, url));
            }
            let location = answer.header("location").unwrap_or_default();
            url = url.join(location).map_err(|why| self.unreachable(what, &why))?;
        }
        Err(self.unreachable(what, &"it sends from one place to the next without end"))
    }

    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// What a challenge is answered with.
    async fn authorize(
        &self,
        challenge: &str,
        what: &'static str,
    ) -> Result<Option<Zeroizing<String>>, PullError> {
        let denied = |why: &str| PullError::Denied {
            what,
            from: self.registry.to_owned(),
            why: why.to_owned(),
        };
        let basic = self.credentials.basic(self.registry);
        match Challenge::read(challenge) {
            Some(Challenge::Basic) if basic.is_some() => Ok(basic),
            Some(Challenge::Basic) => Err(denied("it asks for a user and a password")),
            Some(Challenge::Bearer(url)) => {
                let answer = self.get(&url, "application/json", basic.as_ref(), "a token").await?;
                if answer.status != 200 {
                    let why = format!("it answered {} instead of a token", answer.status);
                    return Err(denied(&why));
                }
                let token: Token = serde_json::from_slice(&answer.body)
                    .map_err(|_| denied("what it sent as a token is none"))?;
                Ok(Some(Zeroizing::new(format!("Bearer {}", token.token.as_str()))))
            }
            None => Err(denied("it asks for what this program cannot give")),
        }
    }

    /// One request.
    async fn get(
        &self,
        url: &Url,
        accept: &'static str,
        authorization: Option<&Zeroizing<String>>,
        what: &'static str,
    ) -> Result<HttpResponse, PullError> {
        let from = url.host_str().unwrap_or_default();
        let failed = |why: String| PullError::Unreachable { what, from: from.to_owned(), why };
        let origin = Origin::read(&url.origin().ascii_serialization(), self.space)
            .map_err(|why| failed(why.to_string()))?;
        let agent = concat!("connector-host/", env!("CARGO_PKG_VERSION"));
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        if let Some(authorization) = authorization {
            let value = HeaderValue::from_str(authorization);
            let mut value = value.map_err(|_| failed("its token is no text".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = Zeroizing::new(format!("{}{query}", url.path()));
        let request = FilledRequest { target, headers, body: Zeroizing::default() };
        let answer = self.http.exchange(&origin, "GET", &request, &Progress::default()).await;
        answer.map_err(|why| failed(why.to_string()))
    }

    fn unreachable(&self, what: &'static str, why: &dyn std::fmt::Display) -> PullError {
        PullError::Unreachable { what, from: self.registry.to_owned(), why: why.to_string() }
    }
}
