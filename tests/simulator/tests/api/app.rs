//! An app that a merchant lets into the account.

use aftership_simulator::{Consent, OAuthClient, OAuthOptions, Scope};
use bytes::Bytes;
use http::Request;

use crate::client::{Answer, Client, TRACKINGS};

pub(crate) const ID: &str = "app";
pub(crate) const SECRET: &str = "client-s3cret";
pub(crate) const REDIRECT: &str = "https://app.test/done";

/// A pair of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The query that asks for two scopes.
pub(crate) fn query() -> String {
    format!(
        "response_type=code&client_id={ID}&redirect_uri=https%3A%2F%2Fapp.test%2Fdone&\
         scope=aftership:tracking:read+aftership:courier:read&state=st%2Fate&\
         code_challenge={CHALLENGE}&code_challenge_method=S256"
    )
}

/// The form that turns a code into tokens.
pub(crate) fn redeem(code: &str) -> String {
    format!(
        "grant_type=authorization_code&code={code}&redirect_uri={REDIRECT}&\
         code_verifier={VERIFIER}&client_id={ID}&client_secret={SECRET}"
    )
}

/// The form that asks for new tokens.
pub(crate) fn refresh(token: &str) -> String {
    format!("grant_type=refresh_token&refresh_token={token}&client_id={ID}&client_secret={SECRET}")
}

impl Client {
    /// A simulator that knows the app and gives consent at once.
    pub(crate) fn with_app(change: impl FnOnce(&mut OAuthOptions)) -> Self {
        Self::with(|options| {
            options.oauth.clients = vec![OAuthClient::new(ID, SECRET, REDIRECT)];
            options.oauth.consent = Consent::Allow;
            change(&mut options.oauth);
        })
    }

    /// What a browser is answered.
    pub(crate) async fn authorize(&self, query: &str) -> Answer {
        let request = Request::get(format!("/oauth/authorize?{query}"));
        self.raw(request.body(Bytes::new()).unwrap()).await
    }

    /// A code, fresh from the redirect.
    pub(crate) async fn code(&self) -> String {
        let answer = self.authorize(&query()).await;
        answer.parameter("code").unwrap_or_else(|| panic!("{answer:?}"))
    }

    /// A form for one of the endpoints that apps call.
    pub(crate) async fn form(&self, path: &str, form: &str) -> Answer {
        self.form_with(path, form, &[]).await
    }

    /// The same with more headers.
    pub(crate) async fn form_with(
        &self,
        path: &str,
        form: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::post(path);
        request = request.header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.raw(request.body(Bytes::from(form.to_owned())).unwrap()).await
    }

    /// A form for the token endpoint.
    pub(crate) async fn token(&self, form: &str) -> Answer {
        self.form("/oauth/token", form).await
    }

    /// A pair of access and refresh token of a fresh grant.
    pub(crate) fn granted(&self, scopes: &[Scope]) -> (String, String) {
        let tokens = self.simulator.grant(ID, scopes).unwrap();
        (tokens.access_token, tokens.refresh_token.unwrap())
    }

    /// A request to the API with an access token.
    pub(crate) async fn bear(&self, token: &str, method: &str, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {token}"));
        self.raw(request.body(Bytes::new()).unwrap()).await
    }

    /// The status of a list with an access token.
    pub(crate) async fn list_status(&self, token: &str) -> u16 {
        self.bear(token, "GET", TRACKINGS).await.status
    }
}

impl Answer {
    /// A parameter of the redirect, as it stands.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.header("location").split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }

    /// A text of the token endpoint's answer.
    pub(crate) fn text_of(&self, name: &str) -> String {
        self.json[name].as_str().unwrap_or_else(|| panic!("{name}: {}", self.text)).to_owned()
    }

    /// The code of the token endpoint's refusal.
    pub(crate) fn error(&self) -> &str {
        self.json["error"].as_str().unwrap_or_default()
    }
}
