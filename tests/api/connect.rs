//! Links by which customers connect in a browser: the real program, pages and all, a browser that keeps cookies, and
//! the provider's own page.

use std::collections::BTreeMap;

use aftership_simulator::{Consent, OAuthClient};
use serde_json::{Value, json};

use super::world::{Host, Reply};
use crate::connecting::world::{CLIENT_SECRET, settings};
use crate::support::listener::{Listener, exchange};
use crate::webhooks::shop::{KEY, Shop};

const PUBLIC: &str = "https://connect.example";
const SHOP: &str = "https://shop.example";
const RETURN: &str = "https://shop.example/done?x=1";

async fn host(name: &str, consent: Consent) -> Host {
    let name = format!("api-connect-{name}");
    let shop = Shop::with(&name, |options| {
        let callback = format!("{PUBLIC}/connect/callback");
        options.oauth.clients = vec![OAuthClient::new("app-7", CLIENT_SECRET, &callback)];
        options.oauth.consent = consent;
    });
    Host::of(shop.await, &["--public-url", PUBLIC, "--connect-return", SHOP])
}

/// What a link for a key is asked with.
fn by_key(host: &Host) -> Value {
    json!({"settings": {"base-url": host.shop.url()}, "label": "Acme <b>\"' Ltd", "return_to": RETURN})
}

/// What a link for the app is asked with.
fn by_app(host: &Host) -> Value {
    json!({
        "scheme": "oauth2", "settings": settings(&host.shop.url()), "return_to": RETURN,
        "secrets": {"client-secret": CLIENT_SECRET},
    })
}

async fn link(host: &Host, name: &str, body: &Value) -> String {
    let made = host.call(&format!("POST /v1/connections/{name}/connect"), body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert!(made["expires_at"].as_str().unwrap().ends_with('Z'));
    let url = made["url"].as_str().unwrap();
    url.strip_prefix(PUBLIC).unwrap().to_owned()
}

async fn state(host: &Host, name: &str) -> Value {
    host.get(&format!("/v1/connections/{name}")).await["state"].clone()
}

/// A browser that keeps cookies, as the public address' proxy lets it through to a host.
#[derive(Default)]
pub struct Browser(BTreeMap<String, String>);

impl Browser {
    async fn send(&mut self, to: &str, line: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request =
            format!("{line} HTTP/1.1\r\nhost: connect.example\r\nconnection: close\r\n");
        for (name, value) in &self.0 {
            request += &format!("cookie: {name}={value}\r\n");
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("content-length: {}\r\n\r\n{body}", body.len());
        let reply = read(&exchange(to, &request).await.unwrap());
        for cookie in reply.headers.get_all("set-cookie") {
            let mut parts = cookie.to_str().unwrap().split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let flags: Vec<&str> = parts.collect();
            assert!(name.starts_with("__Host-connect-"), "{cookie:?}");
            for flag in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
                assert!(flags.contains(&flag), "{cookie:?}");
            }
            match value.is_empty() {
                true => self.0.remove(name),
                false => self.0.insert(name.to_owned(), value.to_owned()),
            };
        }
        reply
    }

    pub async fn get(&mut self, to: &str, path: &str) -> Reply {
        let reply = self.send(to, &format!("GET {path}"), &[], "").await;
        let policy = reply.header("content-security-policy");
        if reply.status != 404 || !policy.is_empty() {
            assert!(
                policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'")
            );
            assert!(!policy.contains("unsafe") && !reply.body.contains("<script"), "{policy}");
            assert_eq!(reply.header("referrer-policy"), "no-referrer");
            assert_eq!(reply.header("cache-control"), "no-store");
        }
        reply
    }

    /// Sends the form of a page.
    pub async fn submit(
        &mut self,
        to: &str,
        path: &str,
        page: &Reply,
        fields: &[(&str, &str)],
    ) -> Reply {
        let (_, rest) = page.body.split_once("name=\"proof\" value=\"").unwrap();
        let proof = rest.split('"').next().unwrap();
        let fields = [fields, &[("proof", proof)]].concat();
        // As browsers tell it under this policy.
        let headers = [FORM, ("origin", "null"), ("sec-fetch-site", "same-origin")];
        self.send(to, &format!("POST {path}"), &headers, &encoded(&fields)).await
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn read(answer: &str) -> Reply {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = hyper::HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name: hyper::header::HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    Reply { status, headers, body: body.to_owned() }
}

/// What the provider's page answers to a decision: where the browser is sent.
async fn decide(authorize: &str, decision: &str) -> String {
    let (authority, path) = authorize.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut browser = Browser::default();
    let page = browser.send(authority, &format!("GET /{path}"), &[], "").await;
    assert!(page.body.contains("asks for access"), "{page:?}");
    let body = encoded(&[("decision", decision)]);
    let reply = browser.send(authority, &format!("POST /{path}"), &[FORM], &body).await;
    reply.header("location").strip_prefix(PUBLIC).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_connects_with_a_key_that_is_tried_first() {
    let host = host("key", Consent::Allow).await;
    let (to, mut browser) = (host.listener.authority.clone(), Browser::default());
    let path = link(&host, "shop-7", &by_key(&host)).await;
    assert_eq!(state(&host, "shop-7").await, "not-connected");
    let page = browser.get(&to, &path).await;
    assert_eq!(page.status, 200);
    for text in [
        "Acme &#60;b&#62;&#34;&#39; Ltd",
        "Trackings: read, create, change, delete, be told of changes",
        "API key, from Settings &#62; API keys",
        "type=\"password\"",
    ] {
        assert!(page.body.contains(text), "no {text} in {}", page.body);
    }
    // Previews look, and nothing is used up.
    assert_eq!(Browser::default().get(&to, &path).await.status, 200);
    let refused = browser.submit(&to, &path, &page, &[("secret.api-key", "asat_wrong_0123")]).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("The provider refused it") && !refused.body.contains("asat_wrong")
    );
    let empty = browser.submit(&to, &path, &page, &[]).await;
    assert!(empty.status == 422 && empty.body.contains("is needed."), "{empty:?}");
    assert_eq!(state(&host, "shop-7").await, "not-connected");

    let done = browser.submit(&to, &path, &page, &[("secret.api-key", KEY)]).await;
    assert_eq!(done.status, 303, "{done:?}");
    assert_eq!(done.header("location"), format!("{RETURN}&connection=shop-7&result=connected"));
    assert!(browser.0.is_empty(), "cookies are forgotten: {:?}", browser.0);
    assert_eq!(state(&host, "shop-7").await, "connected");
    let checked = host.call("POST /v1/connections/shop-7/check?object=trackings", &json!({})).await;
    assert_eq!(checked.json()["items"][0]["result"], "usable");

    let used = browser.get(&to, &path).await;
    assert!(used.status == 404 && used.body.contains("was used already"), "{used:?}");
    let again = browser.submit(&to, &path, &page, &[("secret.api-key", KEY)]).await;
    assert_eq!(again.status, 404);
    let (_, said) = host.listener.end("-TERM");
    assert!(!said.contains(KEY), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_connects_at_the_provider_and_any_host_goes_on() {
    let host = host("provider", Consent::Ask).await;
    let second: Listener = host.shop.listen("listen", &["--public-url", PUBLIC]);
    let (one, two) = (host.listener.authority.clone(), second.authority.clone());
    let mut asked = by_app(&host);
    asked["scopes"] = json!(["aftership:tracking:read", "aftership:courier:read"]);
    let path = link(&host, "app", &asked).await;
    let mut browser = Browser::default();
    let page = browser.get(&two, &path).await;
    assert!(page.body.contains("See your shipments"), "{}", page.body);
    assert!(
        page.body.contains("Continue to AfterShip") && !page.body.contains("type=\"password\"")
    );
    let sent = browser.submit(&one, &path, &page, &[("do", "connect")]).await;
    assert_eq!(sent.status, 303, "{sent:?}");
    let back = decide(sent.header("location"), "allow").await;
    assert!(back.starts_with("/connect/callback?"), "{back}");

    // Whoever else comes with the answer gets nothing, and the right browser still may.
    let other = Browser::default().get(&two, &back).await;
    assert!(other.status == 400 && other.body.contains("another browser"), "{other:?}");
    let tokens = host.shop.simulator.token_requests().authorization_code;
    assert_eq!(tokens, 0, "nothing was sent for it");
    let state_of = back.split('&').find(|pair| pair.contains("state=")).unwrap();
    let foreign = back.replace(state_of, "state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    for strange in ["/connect/callback", "/connect/callback?code=x", &foreign] {
        let refused = browser.get(&two, strange).await;
        assert!(refused.status == 400 && refused.body.contains("Not connected"), "{refused:?}");
    }
    let done = browser.get(&two, &back).await;
    assert_eq!(done.header("location"), format!("{RETURN}&connection=app&result=connected"));
    assert_eq!(state(&host, "app").await, "connected");
    let replayed = browser.get(&one, &back).await;
    assert_eq!(replayed.status, 400, "{replayed:?}");
    assert_eq!(host.shop.simulator.live_grants().len(), 1);
    for said in [host.listener.end("-TERM").1, second.end("-TERM").1] {
        assert!(!said.contains("state=") && !said.contains(CLIENT_SECRET), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_does_not_want_to_is_sent_back_without_a_connection() {
    let host = host("denied", Consent::Ask).await;
    let to = host.listener.authority.clone();
    let mut asked = by_app(&host);
    for return_to in [json!(RETURN), json!(null)] {
        asked["return_to"] = return_to.clone();
        let ended = |reply: &Reply, words: &str| match return_to.is_null() {
            true => assert!(reply.status == 200 && reply.body.contains(words), "{reply:?}"),
            false => {
                let place = format!("{RETURN}&connection=no&result=denied");
                assert_eq!(reply.header("location"), place);
            }
        };
        let mut browser = Browser::default();
        let path = link(&host, "no", &asked).await;
        let page = browser.get(&to, &path).await;
        let sent = browser.submit(&to, &path, &page, &[("do", "connect")]).await;
        let back = decide(sent.header("location"), "deny").await;
        ended(&browser.get(&to, &back).await, "access was denied");

        let path = link(&host, "no", &asked).await;
        let page = browser.get(&to, &path).await;
        ended(&browser.submit(&to, &path, &page, &[("do", "cancel")]).await, "nothing was kept");
        assert_eq!(browser.get(&to, &path).await.status, 404);
    }
    assert_eq!(state(&host, "no").await, "not-connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_sent_by_the_browser_that_was_shown_it() {
    let host = host("forms", Consent::Allow).await;
    let (to, mut browser) = (host.listener.authority.clone(), Browser::default());
    let path = link(&host, "shop-7", &by_key(&host)).await;
    let page = browser.get(&to, &path).await;
    let key = [("secret.api-key", KEY)];
    let other = Browser::default().submit(&to, &path, &page, &key).await;
    assert!(other.status == 403 && other.body.contains("not opened by this browser"), "{other:?}");
    let mut third = Browser::default();
    third.get(&to, &path).await;
    assert_eq!(
        third.submit(&to, &path, &page, &key).await.status,
        403,
        "its own cookie, another's form"
    );

    let (line, body) = (format!("POST {path}"), encoded(&key));
    for (headers, status) in [
        (vec![FORM], 403),
        (vec![FORM, ("sec-fetch-site", "cross-site")], 403),
        (vec![FORM, ("origin", "https://evil.example")], 403),
        (vec![("content-type", "text/plain")], 400),
        (vec![FORM, ("content-encoding", "gzip")], 415),
    ] {
        let refused = browser.send(&to, &line, &headers, &body).await;
        assert_eq!(refused.status, status, "{headers:?}: {refused:?}");
    }
    let unknown = browser.submit(&to, &path, &page, &[("secret.client-secret", "x")]).await;
    assert_eq!(unknown.status, 400);
    let large = "x".repeat(65 * 1024);
    let refused = browser.submit(&to, &path, &page, &[("secret.api-key", &large)]).await;
    assert_eq!(refused.status, 413);
    assert_eq!(browser.send(&to, &format!("PUT {path}"), &[], "").await.status, 405);
    for nothing in
        ["/connect/short", "/connect/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/connect"]
    {
        assert_eq!(browser.get(&to, nothing).await.status, 404, "{nothing}");
    }
    assert_eq!(state(&host, "shop-7").await, "not-connected");
    // Of two that are sent at once, one connects.
    let (mut first, mut second) = (Browser(browser.0.clone()), Browser(browser.0.clone()));
    let both =
        tokio::join!(first.submit(&to, &path, &page, &key), second.submit(&to, &path, &page, &key));
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_asked_for_with_what_fits() {
    let host = host("asked", Consent::Allow).await;
    let base = host.shop.url();
    for (body, status, words) in [
        (json!({"return_to": "https://evil.example/"}), 422, "https://evil.example"),
        (json!({"return_to": "https://shop.example.evil.example/"}), 422, "none of the allowed"),
        (json!({"return_to": "https://shop.example:8443/"}), 422, "none of the allowed"),
        (json!({"return_to": "http://shop.example/"}), 422, "neither https"),
        (json!({"return_to": "javascript:alert(1)"}), 422, "neither https"),
        (json!({"return_to": "https://a@shop.example/"}), 422, "user"),
        (json!({"label": "a\nb"}), 422, "label"),
        (json!({"scheme": "api-kez"}), 422, "unknown scheme"),
        (json!({"connector": "other"}), 422, "other"),
        (json!({"scopes": [""]}), 422, "scopes"),
        (json!({"secrets": {"api-key": KEY}}), 422, "typed in on the page"),
        (json!({"secrets": {"nothing": "x"}}), 422, "nothing"),
        (json!({"settings": {"nothing": "x"}}), 422, "nothing"),
        (json!({"scheme": "oauth2", "settings": {"client-id": "a"}}), 422, "client-secret"),
        (json!({"scheme": "oauth2", "secrets": {"client-secret": "abcdefgh"}}), 422, "client-id"),
        (json!({"unknown": 1}), 422, "unknown"),
    ] {
        let refused = host.call("POST /v1/connections/new/connect", &body).await;
        let kind = if status == 422 { "invalid-input" } else { "conflict" };
        let problem = refused.problem(status, kind);
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
        assert!(!refused.body.contains(KEY));
    }
    host.ask("/v1/connections/new").await.problem(404, "not-found");
    let path = link(&host, "new", &json!({"settings": {"base-url": base}})).await;
    let other = json!({"settings": {"base-url": "https://other.example"}});
    let refused = host.call("POST /v1/connections/new/connect", &other).await;
    refused.problem(409, "conflict");
    // The same once more is another link, and what is removed has none.
    assert_ne!(link(&host, "new", &json!({"settings": {"base-url": base}})).await, path);
    assert_eq!(host.send("DELETE /v1/connections/new", &[], b"").await.status, 204);
    assert_eq!(Browser::default().get(&host.listener.authority, &path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_address_for_browsers_there_are_no_links() {
    let host = Host::with("connect-nowhere", &["--public-url", "http://hooks.example"]).await;
    let refused = host.call("POST /v1/connections/a/connect", &json!({})).await;
    let problem = refused.problem(501, "unsupported");
    assert!(problem["next"].as_str().unwrap().contains("--public-url https://"), "{problem}");
    let path = "/connect/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let reply =
        Browser::default().send(&host.listener.authority, &format!("GET {path}"), &[], "").await;
    assert_eq!((reply.status, reply.body.as_str()), (404, "nothing is here\n"));
    let useless = [
        "serve",
        "--address",
        "0.0.0.0:0",
        "--public-url",
        "https://a.example",
        "--api",
        "127.0.0.1:0",
        "--connect-return",
        SHOP,
    ];
    let refused = host.shop.output(&useless);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && said.contains("--trusted-proxy"), "{said}");
}
