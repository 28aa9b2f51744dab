//! Puts secrets into a request, and takes captured ones out of an answer.
//!
//! Both happen here so that the connector sees neither: it names a secret and a
//! place, and the manifest says whether the two belong together.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::call::Progress;
use super::policy::{Admitted, Policy, Refused};
use crate::runtime::bindings::http::{Place, Request};
use crate::vault::{Secret, Secrets};

/// Header map and body as they go on the wire.
pub struct Filled {
    /// With secrets, each marked sensitive.
    pub headers: HeaderMap,
    /// With secrets; empty when the request has no body.
    pub body: Zeroizing<Vec<u8>>,
}

/// Puts the secrets that `request` names into it.
///
/// # Errors
/// When a place is not declared for a secret, the connection has no such secret,
/// or the request already holds what only the host may fill.
pub fn fill(
    policy: &Policy,
    admitted: &Admitted<'_>,
    request: &Request,
    secrets: &Secrets,
) -> Result<Filled, Refused> {
    let mut headers = admitted.headers.clone();
    let mut body = Zeroizing::new(request.body.clone().unwrap_or_default());
    let path = admitted.url.path();
    let form = is_form(&headers);
    if form {
        for field in policy.secret_fields(admitted.origin, path) {
            if form_urlencoded::parse(&body).any(|(name, _)| name == field) {
                return Err(refused(format!(
                    "the form field {field} is declared for a secret; name the secret instead"
                )));
            }
        }
    }
    for part in &request.secrets {
        let name = &part.secret;
        if !policy.allows_secret(name, &part.place, admitted.origin, path) {
            let place = describe(&part.place);
            return Err(refused(format!(
                "the manifest does not declare the secret \"{name}\" as {place} of {path}"
            )));
        }
        let secret = secrets
            .get(name)
            .ok_or_else(|| refused(format!("the connection has no secret \"{name}\"")))?;
        match &part.place {
            Place::Header(place) => {
                let value = [place.prefix.as_bytes(), secret.expose()].concat();
                put_header(&mut headers, &place.name, &Zeroizing::new(value), name)?;
            }
            Place::Basic(user) => {
                let plain = Zeroizing::new([user.as_bytes(), b":", secret.expose()].concat());
                let value = format!("Basic {}", BASE64.encode(&*plain)).into_bytes();
                put_header(&mut headers, AUTHORIZATION.as_str(), &Zeroizing::new(value), name)?;
            }
            Place::FormField(field) => {
                if !form {
                    return Err(refused(format!(
                        "the form field {field} needs a form body (application/x-www-form-urlencoded)"
                    )));
                }
                append_field(&mut body, field, &secret);
            }
        }
    }
    Ok(Filled { headers, body })
}

/// Takes the secrets that the manifest captures out of a 2xx answer's JSON and keeps them. `null`
/// stays in the place of each; what stands at such a place and is no secret goes, so that `null`
/// there says one thing. Answers without captures stay untouched.
pub fn capture(
    policy: &Policy,
    admitted: &Admitted<'_>,
    secrets: &Secrets,
    body: Vec<u8>,
    progress: &Progress,
) -> Vec<u8> {
    let mut captures = policy.captures(admitted.origin, admitted.url.path()).peekable();
    if captures.peek().is_none() {
        return body;
    }
    let body = Zeroizing::new(body);
    // RFC 8259 section 8.1: a byte order mark may be ignored, and tokens are not lost to one.
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&body);
    let Ok(mut json) = serde_json::from_slice::<Value>(text) else {
        // An unreadable answer may hold a token anywhere, so none of it goes on.
        return Vec::new();
    };
    for rule in captures {
        match json.pointer_mut(&rule.pointer).map(Value::take) {
            // An empty text is no secret, and must not take the place of one.
            Some(Value::String(text)) if !text.is_empty() => {
                let secret = Secret::new(text);
                progress.capture(&rule.secret, secret.clone());
                secrets.succeed(rule.secret.clone(), secret);
            }
            Some(_) => remove(&mut json, &rule.pointer),
            None => {}
        }
    }
    json.to_string().into_bytes()
}

/// Takes the member at `pointer` (RFC 6901) out of its object.
fn remove(json: &mut Value, pointer: &str) {
    if let Some((holder, member)) = pointer.rsplit_once('/')
        && let Some(Value::Object(members)) = json.pointer_mut(holder)
    {
        members.shift_remove(&member.replace("~1", "/").replace("~0", "~"));
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
}

fn append_field(body: &mut Zeroizing<Vec<u8>>, field: &str, secret: &Secret) {
    let mut encoded = Zeroizing::new(String::new());
    encoded.extend(form_urlencoded::byte_serialize(field.as_bytes()));
    encoded.push('=');
    encoded.extend(form_urlencoded::byte_serialize(secret.expose()));
    if !body.is_empty() {
        body.push(b'&');
    }
    body.extend_from_slice(encoded.as_bytes());
}

fn put_header(
    headers: &mut HeaderMap,
    name: &str,
    value: &Zeroizing<Vec<u8>>,
    secret: &str,
) -> Result<(), Refused> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| refused(format!("\"{name}\" is no header name (RFC 9110 section 5.1)")))?;
    // The value itself never stands in the text: only that it cannot be sent.
    let mut value = HeaderValue::from_bytes(value).map_err(|_| {
        refused(format!("the secret \"{secret}\" holds characters that no header may hold"))
    })?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

fn describe(place: &Place) -> String {
    match place {
        Place::Header(place) => format!("header {}", place.name),
        Place::FormField(name) => format!("form field {name}"),
        Place::Basic(_) => "password of Basic authentication".to_owned(),
    }
}

fn refused(why: String) -> Refused {
    Refused(why)
}

#[cfg(test)]
mod tests;
