//! Puts secrets into a request, and takes captured ones out of an answer.
//!
//! Both happen here so that the connector sees neither: it names a secret use, and the manifest
//! says which secret stands where. Nothing but the secret ever stands there: a connector that
//! could put its own value beside it could have somebody else's account used.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use connector_contract::http::{Request, SendError};
use connector_contract::permissions::{Place, SecretUse};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::policy::{AdmittedRequest, EndpointRule, header_name};
use crate::secret::{Secret, Secrets};
use crate::setting::Settings;
use crate::template::Template;
use crate::{place, refused};

/// A request as it goes on the wire.
pub struct FilledRequest {
    /// Path and query, with secrets.
    pub target: Zeroizing<String>,
    /// With secrets, each marked sensitive.
    pub headers: HeaderMap,
    /// With secrets; empty when the request has no body.
    pub body: Zeroizing<Vec<u8>>,
}

/// Puts the secret uses that `request` names into it.
///
/// # Errors
/// [`SendError::Refused`] when the manifest does not allow it, or the request has no place for them;
/// [`SendError::NoSecret`] when the connection has none.
pub fn fill(
    admitted: &AdmittedRequest<'_>,
    request: &Request,
    settings: &Settings,
    secrets: &Secrets,
) -> Result<FilledRequest, SendError> {
    refuse_own_values(admitted)?;
    let mut filling = admitted.clone();
    let mut asked: Vec<&String> = request.secret_uses.iter().collect();
    asked.sort_unstable();
    asked.dedup();
    for name in asked {
        let one = admitted.rule.uses.iter().find(|one| one.name == *name).ok_or_else(|| {
            let endpoint = &admitted.rule.endpoint.name;
            refused("H-13", format!("the endpoint \"{endpoint}\" has no secret use \"{name}\""))
        })?;
        let secret = secrets.get(&one.secret).ok_or_else(|| {
            SendError::NoSecret(format!("H-15: the connection has no secret \"{}\"", one.secret))
        })?;
        filling.put(one, settings, &secret).map_err(|why| refused("H-13", why))?;
    }
    if filling.path.contains(['{', '}']) {
        return Err(refused(
            "H-13",
            "its path holds the place of a secret use that it does not ask for",
        ));
    }
    let target = filling.path_with_query();
    Ok(FilledRequest { target, headers: filling.headers, body: filling.body })
}

/// Refuses what a connector put itself where a secret use of the endpoint stands. (Headers were
/// looked at before, and a path's place matches nothing but itself.)
fn refuse_own_values(admitted: &AdmittedRequest<'_>) -> Result<(), SendError> {
    let (body, is_form) = (admitted.body.as_slice(), is_form(&admitted.headers));
    let query = admitted.query.as_ref().map_or("", |query| query.as_str());
    let (mut form, mut json, mut is_json) = (false, false, true);
    for one in &admitted.rule.uses {
        let own = match &one.place {
            Place::Query(name) => {
                place::has_field(query.as_bytes(), name).then(|| format!("query parameter {name}"))
            }
            Place::FormField(name) => {
                form = true;
                (is_form && place::has_field(body, name)).then(|| format!("form field {name}"))
            }
            Place::Json(pointer) => {
                json = true;
                let found = place::find_member(body, pointer);
                is_json &= found.is_ok();
                let own = found.ok().flatten().filter(|_| !is_form);
                own.filter(|at| body.get(at.clone()) != Some(b"null"))
                    .map(|_| format!("JSON member {pointer}"))
            }
            _ => None,
        };
        if let Some(own) = own {
            return Err(refused(
                "H-12",
                format!("the {own} is declared for a secret; name the secret's use instead"),
            ));
        }
    }
    // What cannot be read cannot be judged.
    let is_readable = if is_form { form } else { json && is_json };
    if (form || json) && !body.is_empty() && !is_readable {
        let kinds = match (form, json) {
            (true, true) => "a form or JSON",
            (true, false) => "a form (application/x-www-form-urlencoded)",
            _ => "JSON",
        };
        let endpoint = &admitted.rule.endpoint.name;
        return Err(refused(
            "H-12",
            format!(
                "a body of the endpoint \"{endpoint}\" is {kinds}, since a secret has its place in it"
            ),
        ));
    }
    Ok(())
}

impl AdmittedRequest<'_> {
    fn put(&mut self, one: &SecretUse, settings: &Settings, secret: &Secret) -> Result<(), String> {
        let (name, value) = (&one.secret, secret.expose());
        match &one.place {
            Place::Header(place) => {
                let value = Zeroizing::new([place.prefix.as_bytes(), value].concat());
                self.put_header(&place.name, &value, name)
            }
            Place::BasicPassword(user) => {
                let user = Template::read(user)?.fill(settings).map_err(|name| {
                    format!("the user name needs the setting \"{name}\", which has no value")
                })?;
                if user.contains(':') {
                    return Err("a user name with a colon cannot be sent (RFC 7617)".to_owned());
                }
                self.put_basic(user.as_bytes(), value, name)
            }
            Place::BasicUser(_) if value.contains(&b':') => Err(format!(
                "the secret \"{name}\" holds a colon, so it cannot be a user name (RFC 7617)"
            )),
            Place::BasicUser(password) => self.put_basic(value, password.as_bytes(), name),
            Place::FormField(field) if !is_form(&self.headers) => Err(format!(
                "the form field {field} needs a form body (application/x-www-form-urlencoded)"
            )),
            Place::FormField(field) => {
                let mut member = Zeroizing::new(String::new());
                member.extend(byte_serialize(field.as_bytes()).chain(["="]));
                member.extend(byte_serialize(value));
                if !self.body.is_empty() {
                    self.body.push(b'&');
                }
                self.body.extend_from_slice(member.as_bytes());
                Ok(())
            }
            Place::Query(parameter) => {
                place::append_to_query(self.query.get_or_insert_default(), parameter, value);
                Ok(())
            }
            Place::Json(pointer) => {
                let at = place::find_member(&self.body, pointer).ok().flatten();
                let at = at.filter(|at| self.body.get(at.clone()) == Some(b"null"));
                let at = at.ok_or_else(|| {
                    format!("null must stand at {pointer} of the JSON body, where the secret goes")
                })?;
                let text = std::str::from_utf8(value).map_err(|_| {
                    format!("the secret \"{name}\" is no text, so no JSON holds it")
                })?;
                let quoted = Zeroizing::new(serde_json::Value::from(text).to_string());
                self.body.splice(at, quoted.bytes());
                Ok(())
            }
            Place::Path(before) => {
                let own = format!("{{{}}}", one.name);
                if self.path.split('/').filter(|segment| *segment == own).count() != 1 {
                    return Err(format!("{own} must be exactly one segment of the path"));
                }
                let segment = place::encode_segment(before, value).map(Zeroizing::new);
                let segment = segment.ok_or_else(|| {
                    format!("the secret \"{name}\" cannot be a segment of a path")
                })?;
                self.path = Zeroizing::new(self.path.replace(&own, &segment));
                Ok(())
            }
            Place::Other(place) => Err(format!("the host does not know the place \"{place}\"")),
        }
    }

    fn put_basic(&mut self, user: &[u8], password: &[u8], secret: &str) -> Result<(), String> {
        let plain = Zeroizing::new([user, b":", password].concat());
        let value = Zeroizing::new(format!("Basic {}", BASE64.encode(&*plain)));
        self.put_header(AUTHORIZATION.as_str(), value.as_bytes(), secret)
    }

    fn put_header(&mut self, name: &str, value: &[u8], secret: &str) -> Result<(), String> {
        let name = header_name(name)?;
        // The value itself never stands in the text: only that it cannot be sent.
        let mut value = HeaderValue::from_bytes(value).map_err(|_| {
            format!("the secret \"{secret}\" holds characters that no header may hold")
        })?;
        value.set_sensitive(true);
        match self.headers.insert(&name, value) {
            None => Ok(()),
            Some(_) => Err(format!("two secret uses stand in the header {name}")),
        }
    }
}

/// Takes the secrets that an endpoint captures out of a 2xx answer. Where they stood is `null`, or
/// no header; all other bytes stay as they came. Answers what was taken, by name.
pub fn capture(
    rule: &EndpointRule,
    headers: &mut Vec<(String, String)>,
    body: &mut Vec<u8>,
) -> Vec<(String, Secret)> {
    let mut taken = Vec::new();
    for one in &rule.endpoint.captures {
        let value = match &one.place {
            Place::Header(place) => take_header(headers, &place.name, &place.prefix),
            Place::Json(pointer) => take_member(body, pointer),
            _ => None,
        };
        // An empty text is no secret, and must not take the place of one.
        if let Some(value) = value.filter(|value| !value.expose().is_empty()) {
            taken.push((one.secret.clone(), value));
        }
    }
    taken
}

fn take_header(headers: &mut Vec<(String, String)>, name: &str, prefix: &str) -> Option<Secret> {
    let is_it = |given: &str| given.eq_ignore_ascii_case(name);
    let found = headers.iter().find(|(given, _)| is_it(given));
    let value = found.and_then(|(_, value)| value.strip_prefix(prefix)).map(Secret::new);
    headers.retain(|(given, _)| !is_it(given));
    value
}

fn take_member(body: &mut Vec<u8>, pointer: &str) -> Option<Secret> {
    // RFC 8259 section 8.1: a byte order mark may be ignored, and tokens are not lost to one.
    if body.starts_with(b"\xEF\xBB\xBF") {
        body.drain(..3);
    }
    let at = match place::find_member(body, pointer) {
        Ok(Some(at)) => at,
        Ok(None) => return None,
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

#[cfg(test)]
mod tests;
