//! Puts secrets into a request, and takes captured ones out of an answer.
//!
//! Both happen here so that the connector sees neither: it names a secret use, and the manifest
//! says which secret stands where. Nothing but the secret ever stands there: a connector that
//! could put its own value beside it could have somebody else's account used.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use connector_contract::http::Request;
use connector_contract::permissions::{Place, SecretUse};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::client::Answer;
use super::place::{self, At};
use super::policy::{Admitted, Refused, Rule};
use super::template::Template;
use crate::Settings;
use crate::secrets::{Secret, Secrets};

/// A request as it goes on the wire.
pub struct Filled {
    /// Path and query, with secrets.
    pub target: Zeroizing<String>,
    /// With secrets, each marked sensitive.
    pub headers: HeaderMap,
    /// With secrets; empty when the request has no body.
    pub body: Zeroizing<Vec<u8>>,
}

/// Why secrets cannot be put in.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfilled {
    /// The manifest does not allow it, or the request has no place for them.
    Refused(Refused),
    /// The connection has no such secret.
    NoSecret(String),
}

/// Puts the secret uses that `request` names into it.
///
/// # Errors
/// [`Unfilled`].
pub fn fill(
    admitted: &Admitted<'_>,
    request: &Request,
    settings: &Settings,
    secrets: &Secrets,
) -> Result<Filled, Unfilled> {
    let rule = admitted.rule;
    let body = request.body.clone().unwrap_or_default();
    nothing_of_its_own(admitted, &body).map_err(Unfilled::Refused)?;
    let mut filling = Filling {
        headers: admitted.headers.clone(),
        path: Zeroizing::new(admitted.path.clone()),
        query: admitted.query.clone().map(Zeroizing::new),
        body: Zeroizing::new(body),
    };
    let mut asked: Vec<&String> = request.secret_uses.iter().collect();
    asked.sort_unstable();
    asked.dedup();
    for name in asked {
        let one = rule.uses.iter().find(|one| one.name == *name).ok_or_else(|| {
            let endpoint = &rule.endpoint.name;
            refused(format!("the endpoint \"{endpoint}\" has no secret use \"{name}\""))
        })?;
        let secret =
            secrets.get(&one.secret).ok_or_else(|| Unfilled::NoSecret(one.secret.clone()))?;
        filling.put(one, settings, &secret).map_err(Unfilled::Refused)?;
    }
    if filling.path.contains(['{', '}']) {
        let text = "its path holds the place of a secret use that it does not ask for";
        return Err(refused(text.to_owned()));
    }
    let mut target = filling.path;
    if let Some(query) = &filling.query {
        target.push('?');
        target.push_str(query);
    }
    Ok(Filled { target, headers: filling.headers, body: filling.body })
}

/// Refuses what a connector put itself where a secret use of the endpoint stands. (Headers were
/// looked at before, and a path's place matches nothing but itself.)
fn nothing_of_its_own(admitted: &Admitted<'_>, body: &[u8]) -> Result<(), Refused> {
    let uses = &admitted.rule.uses;
    let own = |what: &str, name: &str| {
        Refused(format!(
            "the {what} {name} is declared for a secret; name the secret's use instead"
        ))
    };
    let mut form = false;
    let mut json = false;
    for one in uses {
        match &one.place {
            Place::Query(name) => {
                let query = admitted.query.as_deref().unwrap_or_default();
                if place::has_field(query.as_bytes(), name) {
                    return Err(own("query parameter", name));
                }
            }
            Place::FormField(name) => {
                form = true;
                if is_form(&admitted.headers) && place::has_field(body, name) {
                    return Err(own("form field", name));
                }
            }
            Place::Json(pointer) => {
                json = true;
                if !is_form(&admitted.headers)
                    && let Ok(At::Value(at)) = place::find(body, pointer)
                    && body.get(at) != Some(b"null")
                {
                    return Err(own("JSON member", pointer));
                }
            }
            _ => {}
        }
    }
    // What cannot be read cannot be judged.
    let readable = match is_form(&admitted.headers) {
        true => form,
        false => {
            json && uses.iter().all(|one| match &one.place {
                Place::Json(pointer) => place::find(body, pointer).is_ok(),
                _ => true,
            })
        }
    };
    if (form || json) && !body.is_empty() && !readable {
        let kinds = match (form, json) {
            (true, true) => "a form or JSON",
            (true, false) => "a form (application/x-www-form-urlencoded)",
            _ => "JSON",
        };
        let endpoint = &admitted.rule.endpoint.name;
        return Err(Refused(format!(
            "a body of the endpoint \"{endpoint}\" is {kinds}, since a secret has its place in it"
        )));
    }
    Ok(())
}

struct Filling {
    headers: HeaderMap,
    path: Zeroizing<String>,
    query: Option<Zeroizing<String>>,
    body: Zeroizing<Vec<u8>>,
}

impl Filling {
    fn put(
        &mut self,
        one: &SecretUse,
        settings: &Settings,
        secret: &Secret,
    ) -> Result<(), Refused> {
        match &one.place {
            Place::Header(place) => {
                let value = [place.prefix.as_bytes(), secret.expose()].concat();
                self.header(&place.name, &Zeroizing::new(value), one)
            }
            Place::BasicPassword(user) => {
                let user = Template::read(user).map_err(Refused)?;
                let user = user.fill(settings).map_err(|name| {
                    Refused(format!(
                        "the user name needs the setting \"{name}\", which has no value"
                    ))
                })?;
                if user.contains(':') {
                    return Err(Refused(
                        "a user name with a colon cannot be sent (RFC 7617)".to_owned(),
                    ));
                }
                self.basic(user.as_bytes(), secret.expose(), one)
            }
            Place::BasicUser(password) => {
                if secret.expose().contains(&b':') {
                    let name = &one.secret;
                    return Err(Refused(format!(
                        "the secret \"{name}\" holds a colon, so it cannot be a user name (RFC 7617)"
                    )));
                }
                self.basic(secret.expose(), password.as_bytes(), one)
            }
            Place::FormField(field) => {
                if !is_form(&self.headers) {
                    return Err(Refused(format!(
                        "the form field {field} needs a form body (application/x-www-form-urlencoded)"
                    )));
                }
                let mut body = Zeroizing::new(String::new());
                body.extend(url::form_urlencoded::byte_serialize(field.as_bytes()));
                body.push('=');
                body.extend(url::form_urlencoded::byte_serialize(secret.expose()));
                if !self.body.is_empty() {
                    self.body.push(b'&');
                }
                self.body.extend_from_slice(body.as_bytes());
                Ok(())
            }
            Place::Query(name) => {
                let query = self.query.get_or_insert_default();
                place::append_to_query(query, name, secret.expose());
                Ok(())
            }
            Place::Json(pointer) => {
                let at = match place::find(&self.body, pointer) {
                    Ok(At::Value(at)) if self.body.get(at.clone()) == Some(b"null") => at,
                    _ => {
                        return Err(Refused(format!(
                            "null must stand at {pointer} of the JSON body, where the secret goes"
                        )));
                    }
                };
                let text = std::str::from_utf8(secret.expose()).map_err(|_| {
                    Refused(format!(
                        "the secret \"{}\" is no text, so no JSON holds it",
                        one.secret
                    ))
                })?;
                let value = Zeroizing::new(serde_json::Value::from(text).to_string());
                self.body.splice(at, value.bytes());
                Ok(())
            }
            Place::Path(before) => self.path(before, one, secret),
            Place::Other(name) => {
                Err(Refused(format!("the host does not know the place \"{name}\"")))
            }
        }
    }

    fn path(&mut self, before: &str, one: &SecretUse, secret: &Secret) -> Result<(), Refused> {
        let own = format!("{{{}}}", one.name);
        let mut places = self.path.split('/').filter(|segment| **segment == own);
        if places.next().is_none() || places.next().is_some() {
            return Err(Refused(format!("{own} must be exactly one segment of the path")));
        }
        let segment =
            place::segment(before, secret.expose()).map(Zeroizing::new).ok_or_else(|| {
                Refused(format!("the secret \"{}\" cannot be a segment of a path", one.secret))
            })?;
        let filled: Vec<&str> =
            self.path.split('/').map(|given| if given == own { &segment } else { given }).collect();
        self.path = Zeroizing::new(filled.join("/"));
        Ok(())
    }

    fn basic(&mut self, user: &[u8], password: &[u8], one: &SecretUse) -> Result<(), Refused> {
        let plain = Zeroizing::new([user, b":", password].concat());
        let value = format!("Basic {}", BASE64.encode(&*plain)).into_bytes();
        self.header(AUTHORIZATION.as_str(), &Zeroizing::new(value), one)
    }

    fn header(
        &mut self,
        name: &str,
        value: &Zeroizing<Vec<u8>>,
        one: &SecretUse,
    ) -> Result<(), Refused> {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Refused(format!("\"{name}\" is no header name (RFC 9110 section 5.1)")))?;
        // The value itself never stands in the text: only that it cannot be sent.
        let mut value = HeaderValue::from_bytes(value).map_err(|_| {
            let secret = &one.secret;
            Refused(format!("the secret \"{secret}\" holds characters that no header may hold"))
        })?;
        value.set_sensitive(true);
        match self.headers.insert(&name, value) {
            None => Ok(()),
            Some(_) => Err(Refused(format!("two secret uses stand in the header {name}"))),
        }
    }
}

/// Takes the secrets that an endpoint captures out of a 2xx answer. Where they stood is `null`, or
/// no header; all other bytes stay as they came. Answers what was taken, by name.
pub fn capture(rule: &Rule, answer: &mut Answer) -> Vec<(String, Secret)> {
    let mut taken = Vec::new();
    for one in &rule.endpoint.captures {
        let value = match &one.place {
            Place::Header(place) => take_header(answer, &place.name, &place.prefix),
            Place::Json(pointer) => take_member(&mut answer.body, pointer),
            _ => None,
        };
        // An empty text is no secret, and must not take the place of one.
        if let Some(value) = value.filter(|value| !value.expose().is_empty()) {
            taken.push((one.secret.clone(), value));
        }
    }
    taken
}

fn take_header(answer: &mut Answer, name: &str, prefix: &str) -> Option<Secret> {
    let is_it = |given: &str| given.eq_ignore_ascii_case(name);
    let found = answer.headers.iter().find(|(given, _)| is_it(given));
    let value = found.and_then(|(_, value)| value.strip_prefix(prefix)).map(Secret::new);
    answer.headers.retain(|(given, _)| !is_it(given));
    value
}

fn take_member(body: &mut Vec<u8>, pointer: &str) -> Option<Secret> {
    // RFC 8259 section 8.1: a byte order mark may be ignored, and tokens are not lost to one.
    if body.starts_with(b"\xEF\xBB\xBF") {
        body.drain(..3);
    }
    let at = match place::find(body, pointer) {
        Ok(At::Value(at)) => at,
        Ok(At::Nothing) => return None,
        Err(_) => {
            // An unreadable answer may hold a token anywhere, so none of it goes on.
            zeroize::Zeroize::zeroize(body);
            return None;
        }
    };
    let raw: Zeroizing<Vec<u8>> = Zeroizing::new(body.splice(at, *b"null").collect());
    match serde_json::from_slice(&raw) {
        Ok(serde_json::Value::String(text)) => Some(Secret::new(text)),
        Ok(serde_json::Value::Number(_)) => Some(Secret::new(raw.to_vec())),
        _ => None,
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_TYPE).iter().any(|value| {
        let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
        value.starts_with("application/x-www-form-urlencoded")
    })
}

fn refused(why: String) -> Unfilled {
    Unfilled::Refused(Refused(why))
}

#[cfg(test)]
mod tests;
