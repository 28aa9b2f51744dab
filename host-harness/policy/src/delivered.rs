//! Secrets that stand in a delivery: compared and taken out, so that neither the connector nor the
//! disk has them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use connector_contract::permissions::{Place, SecretUse};
use connector_contract::subscriptions::Delivery;
use zeroize::Zeroizing;

use crate::place::find_member;
use crate::same;
use crate::secret::Secrets;
use crate::setting::Settings;
use crate::template::Template;

/// Marks, among the headers of a delivery that is kept, a secret use by which it proved itself. No
/// HTTP header has this name, so nobody can send it.
const PROVEN: &str = ":carried";
/// Headers that hold credentials. They are for whoever stands before us.
const CREDENTIALS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// By what the deliveries of a connection may prove themselves.
#[derive(Clone, Copy)]
pub struct Proofs<'a> {
    /// The manifest's `delivery-secrets`.
    pub uses: &'a [SecretUse],
    /// The connection's.
    pub secrets: &'a Secrets,
    /// The connection's, which stand in user names.
    pub settings: &'a Settings,
}

/// What is known of one secret use of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// The connection has no such secret.
    Unknown,
    /// Whether a live version of the secret stood in its place.
    Told(bool),
}

/// Takes the secrets out of a delivery, of which some may have been taken out before: the delivery as
/// the connector sees it, and what is known of each of the manifest's `delivery-secrets`.
pub fn read(
    delivery: Delivery,
    proofs: Proofs<'_>,
    now_ms: u64,
) -> (Delivery, BTreeMap<String, Carried>) {
    let mut delivery = take_out(delivery, proofs, now_ms);
    let proven = |name: &str| {
        let mut proofs = delivery.headers.iter().filter(|(name, _)| name == PROVEN);
        proofs.any(|(_, value)| value == name.as_bytes())
    };
    let carried = proofs.uses.iter().map(|one| {
        let carried = match proofs.secrets.live_anywhere(&one.secret, now_ms).is_empty() {
            _ if proven(&one.name) => Carried::Told(true),
            false => Carried::Told(false),
            true => Carried::Unknown,
        };
        (one.name.clone(), carried)
    });
    let carried = carried.collect();
    delivery.headers.retain(|(name, _)| name != PROVEN);
    (delivery, carried)
}

/// The delivery without credentials and without what stands in the places of the manifest's
/// `delivery-secrets`. Which of them it proved is marked among its headers.
pub fn take_out(mut delivery: Delivery, proofs: Proofs<'_>, now_ms: u64) -> Delivery {
    let proves = |one: &&SecretUse| {
        let live = proofs.secrets.live_anywhere(&one.secret, now_ms);
        stands(&delivery, one, proofs).is_some_and(|found| {
            live.iter().fold(false, |fits, it| fits | same(it.expose(), &found))
        })
    };
    let proven = proofs.uses.iter().filter(proves);
    let proven = proven.map(|one| (PROVEN.to_owned(), one.name.clone().into_bytes()));
    let proven: Vec<_> = proven.collect();
    proofs.uses.iter().for_each(|one| remove(&mut delivery, &one.place));
    let is_credential = |name: &str| CREDENTIALS.iter().any(|it| name.eq_ignore_ascii_case(it));
    delivery.headers.retain(|(name, _)| !is_credential(name));
    delivery.headers.extend(proven);
    delivery
}

/// What stands in the place of a secret use; `None` when nothing does, or several.
fn stands(delivery: &Delivery, one: &SecretUse, proofs: Proofs<'_>) -> Option<Zeroizing<Vec<u8>>> {
    match &one.place {
        Place::Header(place) => {
            let value = header(delivery, &place.name)?;
            value.strip_prefix(place.prefix.as_bytes()).map(|it| it.to_vec().into())
        }
        Place::BasicPassword(user) => {
            let user = Template::read(user).ok()?.fill(proofs.settings).ok()?;
            let (given, password) = basic(delivery)?;
            (given == user.as_bytes()).then_some(password)
        }
        Place::BasicUser(password) => {
            let (user, given) = basic(delivery)?;
            (*given == password.as_bytes()).then(|| user.into())
        }
        Place::Query(name) => {
            let (_, query) = delivery.url.split_once('?')?;
            let values = url::form_urlencoded::parse(query.as_bytes());
            let value = only(values.filter(|(given, _)| given == name))?.1;
            Some(value.into_owned().into_bytes().into())
        }
        Place::Json(pointer) => match find_member(&delivery.body, pointer) {
            Ok(Some(at)) => {
                let raw = delivery.body.get(at)?;
                let text: String = serde_json::from_slice(raw).ok()?;
                Some(text.into_bytes().into())
            }
            _ => None,
        },
        Place::FormField(_) | Place::Path(_) | Place::Other(_) => None,
    }
}

fn remove(delivery: &mut Delivery, place: &Place) {
    match place {
        Place::Header(place) => {
            delivery.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(&place.name));
        }
        Place::Query(name) => {
            if let Some((path, query)) = delivery.url.split_once('?') {
                let is_it = |pair: &&str| {
                    url::form_urlencoded::parse(pair.as_bytes()).any(|(given, _)| given == *name)
                };
                let kept: Vec<&str> = query.split('&').filter(|pair| !is_it(pair)).collect();
                let mark = if kept.is_empty() { "" } else { "?" };
                delivery.url = format!("{path}{mark}{}", kept.join("&"));
            }
        }
        Place::Json(pointer) => {
            if let Ok(Some(at)) = find_member(&delivery.body, pointer) {
                delivery.body.splice(at, *b"null");
            }
        }
        _ => {}
    }
}

/// The one item that there is; `None` of several.
fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    items.next().filter(|_| items.next().is_none())
}

/// The value of a header that is there once.
fn header<'a>(delivery: &'a Delivery, name: &str) -> Option<&'a [u8]> {
    let headers = delivery.headers.iter();
    only(headers.filter(|(given, _)| given.eq_ignore_ascii_case(name))).map(|(_, value)| &value[..])
}

/// User and password of HTTP Basic (RFC 7617).
fn basic(delivery: &Delivery) -> Option<(Vec<u8>, Zeroizing<Vec<u8>>)> {
    let value = std::str::from_utf8(header(delivery, "authorization")?).ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = Zeroizing::new(BASE64.decode(encoded.trim()).ok()?);
    let colon = plain.iter().position(|byte| *byte == b':')?;
    let password = plain.get(colon + 1..)?.to_vec();
    Some((plain.get(..colon)?.to_vec(), password.into()))
}

#[cfg(test)]
mod tests {
    use connector_contract::permissions::HeaderPlace;

    use super::*;
    use crate::secret::Secret;

    fn delivery(url: &str, headers: &[(&str, &str)], body: &str) -> Delivery {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        Delivery {
            subscription: None,
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: headers.collect(),
            body: body.as_bytes().to_vec(),
            received_at: String::new(),
        }
    }

    fn taken(place: Place, delivery: Delivery) -> (Carried, Delivery) {
        let (secrets, settings) = (Secrets::default(), Settings::default());
        secrets.set("hook", Secret::new("s3cret-value"));
        let name = "proof".to_owned();
        let uses = [SecretUse { name, secret: "hook".to_owned(), place }];
        let proofs = Proofs { uses: &uses, secrets: &secrets, settings: &settings };
        // As it is kept, and then received: what was proven stays proven.
        let kept = take_out(delivery, proofs, 0);
        assert!(!format!("{kept:?}").contains("s3cret-value"));
        assert!(!String::from_utf8_lossy(&kept.body).contains("s3cret-value"));
        let (delivery, carried) = read(kept, proofs, 0);
        (carried["proof"], delivery)
    }

    #[test]
    fn a_secret_proves_a_delivery_and_never_goes_on() {
        let header = |name: &str, prefix: &str| {
            Place::Header(HeaderPlace { name: name.to_owned(), prefix: prefix.to_owned() })
        };
        let bearer = || header("authorization", "Bearer ");
        let with = |headers: &[(&str, &str)]| delivery("https://h/x", headers, "{}");
        let url = |url: &str| delivery(url, &[], "{}");
        let body = |body: &str| delivery("https://h/x", &[], body);
        let query = || Place::Query("token".to_owned());
        let json = || Place::Json("/auth/token".to_owned());
        let basic = |user: &str| Place::BasicPassword(user.to_owned());
        let me = "Basic bWU6czNjcmV0LXZhbHVl";
        for (place, delivery, proven) in [
            (bearer(), with(&[("Authorization", "Bearer s3cret-value")]), true),
            (bearer(), with(&[("authorization", "s3cret-value")]), false),
            (bearer(), with(&[("authorization", "Bearer s3cret-valuE")]), false),
            (bearer(), with(&[]), false),
            (header("x-token", ""), with(&[("x-token", "s3cret-value")]), true),
            (
                header("x-token", ""),
                with(&[("x-token", "s3cret-value"), ("X-Token", "s3cret-value")]),
                false,
            ),
            (basic("me"), with(&[("authorization", me)]), true),
            (basic("you"), with(&[("authorization", me)]), false),
            (
                Place::BasicUser(String::new()),
                with(&[("authorization", "Basic czNjcmV0LXZhbHVlOg==")]),
                true,
            ),
            (query(), url("https://h/x?a=1&token=s3cret%2Dvalue&b=2"), true),
            (query(), url("https://h/x?token=s3cret-value&token=other"), false),
            (json(), body(r#"{"n":1.50,"auth":{"token":"s3cret-value"}}"#), true),
            (json(), body(r#"{"auth":{"token":"other"}}"#), false),
        ] {
            let text = format!("{place:?} {delivery:?}");
            assert_eq!(taken(place, delivery).0, Carried::Told(proven), "{text}");
        }
        let (_, left) = taken(query(), url("https://h/x?a=1&token=s3cret-value&b=2"));
        assert_eq!(left.url, "https://h/x?a=1&b=2");
        let (_, left) = taken(json(), body(r#"{"n":1.50,"auth":{"token":"s3cret-value"}}"#));
        assert_eq!(left.body, br#"{"n":1.50,"auth":{"token":null}}"#);
        assert!(left.headers.is_empty(), "no mark goes on");
    }
}
