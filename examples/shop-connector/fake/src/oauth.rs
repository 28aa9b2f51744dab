//! The authorization code grant, and tokens that end.

use http::StatusCode;
use serde_json::{Map, Value, json};
use url::form_urlencoded::{Serializer, parse};

use crate::webhooks::hmac;
use crate::{Shop, Told};

/// An access token lives so long.
const LIFE_S: u64 = 3_600;

/// What a customer granted.
#[derive(Debug)]
pub(crate) struct Token {
    access: String,
    refresh: String,
    scopes: String,
    ends_ms: u64,
}

impl Shop {
    /// What a token allows.
    pub(crate) fn scopes(&self, token: Option<&str>) -> Option<String> {
        let live = self.tokens.iter().filter(|one| one.ends_ms > self.now_ms);
        live.filter(|one| Some(one.access.as_str()) == token).map(|one| one.scopes.clone()).next()
    }

    /// Grants these scopes, as the token endpoint answers.
    pub fn grant(&mut self, scopes: &str) -> Value {
        let number = self.next();
        let (access, refresh) = (format!("shpat_{number:032x}"), format!("shprt_{number:032x}"));
        let answer = json!({
            "access_token": access, "scope": scopes, "expires_in": LIFE_S,
            "refresh_token": refresh, "refresh_token_expires_in": 7_776_000,
        });
        let ends_ms = self.now_ms + LIFE_S * 1_000;
        self.tokens.push(Token { access, refresh, scopes: scopes.to_owned(), ends_ms });
        answer
    }

    /// The customer removes the app: its tokens end, and it is told.
    pub fn uninstall(&mut self) {
        self.tokens.clear();
        let body = json!({ "id": 1, "myshopify_domain": self.domain() });
        self.publish("app/uninstalled", &body);
    }

    /// Sends the customer, who always allows, back to the app.
    pub(crate) fn authorize(&mut self, query: &str) -> Told {
        let mut given: Vec<(String, String)> = parse(query.as_bytes()).into_owned().collect();
        given.sort();
        let names = ["client_id", "redirect_uri", "scope", "state"];
        if given.iter().map(|(name, _)| name).ne(names) {
            return refused("invalid_request");
        }
        let [(_, client), (_, redirect), (_, scopes), state] = given.as_slice() else {
            return refused("invalid_request");
        };
        if *client != self.client_id {
            return refused("invalid_client");
        }
        let code = format!("{:032x}", self.next());
        self.codes.push((code.clone(), scopes.clone()));
        let shop = self.callback_shop.as_ref().unwrap_or(&self.name);
        let shop = format!("{shop}.myshopify.com");
        let timestamp = (self.now_ms / 1_000).to_string();
        // In the order of their names, as they are signed.
        let mut pairs = Serializer::new(String::new());
        pairs.append_pair("code", &code).append_pair("shop", &shop);
        pairs.append_pair("state", &state.1).append_pair("timestamp", &timestamp);
        let signed = pairs.finish();
        let digest = hmac(&self.client_secret, signed.as_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        (StatusCode::FOUND, Value::Null, Some(format!("{redirect}?hmac={hex}&{signed}")))
    }

    /// Codes and refresh tokens become access tokens, each once.
    pub(crate) fn access_token(&mut self, body: &[u8]) -> Told {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        if body["client_id"] != self.client_id || body["client_secret"] != self.client_secret {
            return refused("invalid_client");
        }
        let code = self.codes.iter().position(|(code, _)| body["code"] == *code);
        let token = self.tokens.iter().position(|one| body["refresh_token"] == one.refresh);
        let scopes = match (code, token, body.as_object().map_or(0, Map::len)) {
            (Some(code), None, 4) if body["expiring"] == "1" => self.codes.swap_remove(code).1,
            (None, Some(token), 4) if body["grant_type"] == "refresh_token" => {
                self.tokens.swap_remove(token).scopes
            }
            _ => return refused("invalid_request"),
        };
        (StatusCode::OK, self.grant(&scopes), None)
    }
}

fn refused(error: &str) -> Told {
    let words = "A parameter is missing, unknown or wrong, or was used before.";
    (StatusCode::BAD_REQUEST, json!({ "error": error, "error_description": words }), None)
}
