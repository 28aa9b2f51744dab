//! The steps by which a person makes AfterShip send events.
//!
//! AfterShip API 2026-07, "Webhooks": there is no endpoint for them. Its admin takes up to ten
//! URLs, http or https, at the ports 80, 443 and 8080, each with a version and events of its own.

use crate::api::client::DEFAULT_API_VERSION;
use connector_sdk::{
    Error, ManualSteps, Setter, SubscriptionRequest, Violation,
    contract::KeyRole,
    declare::{KeyUse, SecretField},
    text::{join, split_once},
};

/// The secret with which AfterShip signs deliveries.
pub const SECRET: &str = "webhook-secret";

/// The keys that deliveries are verified with.
pub const KEY_USES: &[KeyUse] =
    &[KeyUse { secret: SECRET, algorithm: "hmac-sha256", role: KeyRole::Verify }];

/// Every event that AfterShip sends.
pub const EVENTS: &[&str] = &[MEANINGS[0].0, MEANINGS[1].0, MEANINGS[2].0];

/// Each event, and when it comes.
const MEANINGS: [(&str, &str); 3] = [
    ("tracking_update", "a shipment's status changes, though not to Pending"),
    ("edd_revise", "an estimated delivery date changes"),
    ("tracking_pending_time", "a shipment stays Pending longer than a time that you set there"),
];

const SECRETS: &[SecretField] = &[SecretField {
    name: SECRET,
    title: "Webhook secret, from the webhooks page of the AfterShip admin",
    required: true,
    setter: Setter::Customer,
}];

const PORTS: [&str; 3] = ["80", "443", "8080"];

/// What to do in AfterShip's admin so that these events come to this URL.
///
/// # Errors
/// `invalid-input` for a URL or an event that AfterShip does not take.
pub fn manual(request: &SubscriptionRequest) -> Result<ManualSteps, Error> {
    if request.renews.is_some() {
        let text = "AfterShip's webhooks do not expire: there is nothing to renew.";
        return Err(Error::unsupported(text));
    }
    let violations = violations(request);
    if let Some(first) = violations.first() {
        let text = format!(
            "The subscription is not possible: {} {}. Correct it and ask again.",
            first.pointer, first.message
        );
        return Err(Error::invalid(text, violations));
    }
    let is_wanted =
        |name: &str| request.events.is_empty() || request.events.iter().any(|event| event == name);
    let wanted = MEANINGS.iter().filter(|(name, _)| is_wanted(name));
    let events: Vec<_> = wanted.map(|(name, when)| format!("{name} ({when})")).collect();
    let steps = vec![
        "Open https://admin.aftership.com and go to Webhooks, under Settings or Notifications. If \
         it is not there, the account's plan has no webhooks."
            .to_owned(),
        format!("Add a webhook URL, exactly this one: {}", request.target_url),
        format!("Choose version {DEFAULT_API_VERSION} for it."),
        format!("Choose these events and no others: {}.", join(&events, "; ")),
        format!(
            "Copy the webhook secret that this page shows and give it to the host as `{SECRET}`: \
             without it no delivery is trusted."
        ),
        "Send a test webhook from this page; it must end well. The first delivery proves the rest."
            .to_owned(),
    ];
    Ok(ManualSteps { steps, secrets: SECRETS.iter().map(Into::into).collect() })
}

fn violations(request: &SubscriptionRequest) -> Vec<Violation> {
    let target = refused(&request.target_url);
    let target = target.map(|why| ("/target_url".to_owned(), why.to_owned()));
    let events = request.events.iter().enumerate().filter_map(|(index, event)| {
        let message = || format!("must be one of {}", join(EVENTS, ", "));
        (!EVENTS.contains(&event.as_str())).then(|| (format!("/events/{index}"), message()))
    });
    let all = target.into_iter().chain(events);
    all.map(|(pointer, message)| Violation { pointer, message }).collect()
}

/// Why AfterShip cannot deliver to this URL (RFC 3986 names its parts).
fn refused(url: &str) -> Option<&'static str> {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    if !url.bytes().all(is_allowed) {
        return Some("must hold no character that has to be percent-encoded in a URL");
    }
    let (scheme, rest) = split_once(url, "://").unwrap_or_default();
    if !["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Some("must begin with https:// or http://");
    }
    if rest.contains('#') {
        return Some("must have no fragment: what follows `#` is never sent");
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Some("must hold no user name or password");
    }
    // Colons within brackets are of an IPv6 address.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_bracketed = host.len() > 2 && host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || !is_bracketed && host.contains([':', '[', ']']) {
        return Some("must name a host");
    }
    match port {
        Some(port) if !PORTS.contains(&port) => {
            Some("must use port 80, 443 or 8080: AfterShip sends to no other")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_sdk::ErrorKind;

    fn request(target_url: &str, events: &[&str]) -> SubscriptionRequest {
        SubscriptionRequest {
            object: "webhooks".into(),
            events: events.iter().map(|&event| event.into()).collect(),
            target_url: target_url.into(),
            renews: None,
            attempt: crate::testing::attempt(false),
        }
    }

    fn refusals(target_url: &str, events: &[&str]) -> Vec<(String, String)> {
        match manual(&request(target_url, events)) {
            Err(Error { kind: ErrorKind::InvalidInput(violations), .. }) => {
                violations.into_iter().map(|v| (v.pointer, v.message)).collect()
            }
            other => panic!("{target_url} {other:?}"),
        }
    }

    #[test]
    fn the_steps_name_url_version_events_and_secret() {
        let url = "https://host.example:8080/hooks/k3?x=%20";
        let manual = manual(&request(url, &["edd_revise"])).unwrap();
        let all = manual.steps.join("\n");
        for said in
            ["admin.aftership.com", url, "2026-07", "edd_revise (", "`webhook-secret`", "test"]
        {
            assert!(all.contains(said), "{said} in {all}");
        }
        assert!(!all.contains("tracking_update"), "{all}");
        assert_eq!(manual.steps.iter().find(|step| step.contains('\n')), None);
        let [secret] = manual.secrets.as_slice() else { panic!() };
        assert_eq!((secret.name.as_str(), secret.required), ("webhook-secret", true));
    }

    #[test]
    fn without_events_all_are_meant() {
        let manual = manual(&request("https://host.example", &[])).unwrap();
        let all = manual.steps.join(" ");
        assert!(EVENTS.iter().all(|event| all.contains(event)), "{all}");
        assert_eq!(EVENTS, ["tracking_update", "edd_revise", "tracking_pending_time"]);
    }

    #[test]
    fn urls_that_aftership_can_reach() {
        for url in [
            "https://host.example/hooks",
            "HTTP://host.example",
            "http://host.example:80?a=b:c@d",
            "https://host.example:443/a@b:99",
            "https://[2001:db8::1]:8080/x",
            "https://[2001:db8::1]",
        ] {
            assert!(manual(&request(url, &[])).is_ok(), "{url}");
        }
    }

    #[test]
    fn urls_that_it_cannot() {
        for (url, why) in [
            ("", "https://"),
            ("host.example/hooks", "https://"),
            ("/hooks", "https://"),
            ("ftp://host.example", "https://"),
            ("https:/host.example", "https://"),
            ("https://", "host"),
            ("https:///hooks", "host"),
            ("https://:443/hooks", "host"),
            ("https://a:b:443/hooks", "host"),
            ("https://[]:443/hooks", "host"),
            ("https://host.example:8443/hooks", "8080"),
            ("https://host.example:/hooks", "8080"),
            ("https://host.example:0443", "8080"),
            ("https://user:word@host.example/hooks", "user name"),
            ("https://key@host.example", "user name"),
            ("https://host.example/hooks#part", "fragment"),
            ("https://host.example/a b", "percent-encoded"),
            ("https://host.example/a\nb", "percent-encoded"),
            ("https://host.example\\@evil.example", "percent-encoded"),
            ("https://h\u{f6}st.example", "percent-encoded"),
        ] {
            let [(pointer, message)] = &refusals(url, &[])[..] else { panic!("{url}") };
            assert_eq!(pointer, "/target_url");
            assert!(message.contains(why), "{url} {message}");
        }
    }

    #[test]
    fn every_unknown_event_is_told() {
        let found = refusals("ftp://x", &["tracking_update", "tracking_deleted", "EDD_REVISE"]);
        let pointers: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/target_url", "/events/1", "/events/2"]);
        assert!(found[1].1.contains("tracking_pending_time"), "{found:?}");
    }
}
