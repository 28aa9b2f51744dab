//! Who is let in, what a stranger's page can do, and what a provider's text can do: nothing.

use super::world::{Desk, encoded, hostile};
use crate::webhooks::shop::{KEY, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_in_once_and_its_cookie_is_for_this_console_alone() {
    let mut desk = Desk::unsigned(Shop::new("console-login").await, &[]);
    let asked = desk.page("/").await;
    assert_eq!((asked.status, asked.header("location")), (303, "/login"));
    let program = desk.send("GET /", &[("accept", "application/json")], b"").await;
    program.problem(401, "unauthenticated");
    // A program that looks at links does not use it up.
    for _ in 0..2 {
        let page = desk.text(&desk.link.clone()).await;
        assert!(page.contains("with all rights"), "{page}");
    }
    let key = desk.link.split_once("t=").unwrap().1.to_owned();
    let reply = desk.post("/login", &[("t", &key)]).await;
    let cookie = reply.header("set-cookie");
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    desk.cookie = super::world::cookie_of(&reply);
    assert!(desk.text("/").await.contains("<h1>"));
    assert_eq!(desk.post("/login", &[("t", &key)]).await.status, 403);
    assert_eq!(desk.post("/login", &[("token", "connhost_none")]).await.status, 403);
    // Signing out ends the session, not the cookie alone.
    assert_eq!(desk.post("/logout", &[]).await.header("location"), "/login");
    assert_eq!(desk.page("/").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_page_can_do_nothing() {
    let desk = Desk::new("strangers", 0).await;
    let own = format!("http://{}", desk.authority);
    let form =
        [("content-type", "application/x-www-form-urlencoded"), ("cookie", desk.cookie.as_str())];
    let body = encoded(&[("typed", "default")]);
    let send = async |more: &[(&str, &str)]| {
        let headers = [&form[..], more].concat();
        desk.send("POST /c/default/disconnect", &headers, body.as_bytes()).await
    };
    assert_eq!(send(&[]).await.status, 403, "no browser sends a form without saying where from");
    assert_eq!(send(&[("origin", "http://evil.example")]).await.status, 403);
    assert_eq!(send(&[("origin", "null")]).await.status, 403);
    assert_eq!(
        send(&[("origin", own.as_str()), ("sec-fetch-site", "cross-site")]).await.status,
        403
    );
    assert_eq!(
        send(&[("origin", own.as_str()), ("sec-fetch-site", "same-site")]).await.status,
        403
    );
    // A name that leads here is no name of ours.
    let called = [("host", "evil.example"), ("cookie", desk.cookie.as_str())];
    assert_eq!(desk.send("GET /", &called, b"").await.status, 421);
    for line in ["PUT /", "DELETE /c/default", "OPTIONS /"] {
        assert_eq!(desk.send(line, &form[1..], b"").await.status, 405, "{line}");
    }
    assert_eq!(desk.json("/").await["items"][0]["name"], "default", "it is there as before");
    // And ours can.
    assert_eq!(send(&[("origin", own.as_str())]).await.status, 303);
    assert_eq!(desk.json("/").await["items"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_read_alone_changes_nothing() {
    let mut desk = Desk::new("readers", 1).await;
    desk.cookie = desk.with_token("read").await;
    let page = desk.text("/c/default").await;
    assert!(page.contains("aria-disabled=\"true\"") && page.contains("read only"), "{page}");
    let said = desk.act("/c/default/sync", &[]).await;
    assert!(said.contains("may read"), "{said}");
    let said = desk.act("/c/default/rename", &[("name", "other")]).await;
    assert!(said.contains("may read"), "{said}");
    assert_eq!(desk.post("/c/default/disconnect", &[("typed", "default")]).await.status, 422);
    let put = desk.act("/c/default/credentials", &[("secret", "api-key"), ("value", "x")]).await;
    assert!(put.contains("may read"), "{put}");
    assert_eq!(desk.json("/c/default/credentials").await["items"].as_array().unwrap().len(), 0);
    assert_eq!(desk.json("/").await["items"][0]["name"], "default");
    // A token that is revoked ends its session at once.
    desk.shop.run(&["tokens", "revoke", "read"]);
    assert_eq!(desk.page("/").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_is_asked_first_done_once_and_noted() {
    let desk = Desk::new("noted", 1).await;
    let page = desk.text("/c/default/rename").await;
    let key =
        page.split_once("name=\"key\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let said = desk.act("/c/default/rename", &[("key", &key), ("name", "shop-7")]).await;
    assert!(said.contains("is called shop-7"), "{said}");
    let asked = desk.text("/c/shop-7/disconnect").await;
    assert!(asked.contains("cannot be brought back") && asked.contains("Keep it"), "{asked}");
    let wrong = desk.post("/c/shop-7/disconnect", &[("typed", "shop-8")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("Nothing was done"), "{}", wrong.body);
    let said = desk.act("/c/shop-7/disconnect", &[("typed", "shop-7")]).await;
    assert!(said.contains("is disconnected") && said.contains("No connection yet"), "{said}");
    let noted = desk.shop.rows(&["tokens", "writes", "--output", "ndjson"]);
    let actions: Vec<_> = noted.iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        ["DELETE /v1/connections/{connection}", "PATCH /v1/connections/{connection}"]
    );
    assert!(
        noted.iter().all(|row| row["caller"].as_str().unwrap().starts_with("console ")),
        "{noted:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_writes_is_text() {
    let shop = Shop::new("console-hostile").await;
    let title = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>\u{202e}javascript:";
    let id = format!("{:032x}", 1);
    shop.simulator.insert(&hostile(&id, title)).unwrap();
    let desk = Desk::of(shop, &[]).await;
    let record = format!("/c/default/records/trackings/{id}");
    for path in [
        "/",
        "/c/default",
        "/c/default/records/trackings",
        "/c/default/records/checkpoints",
        &record,
        "/live",
    ] {
        let page = desk.text(path).await;
        for never in
            ["<script>alert", "<img", "href=\"javascript:", "\u{202e}", "onerror=alert(2)>"]
        {
            assert!(!page.contains(never), "{path} holds {never}");
        }
    }
    let page = desk.text(&record).await;
    assert!(page.contains("&#60;script&#62;alert(1)"), "it is shown as it was written");
    // An unknown page repeats what it was asked for, as text.
    let lost = desk.page("/%3Cimg%20src=x%3E").await;
    assert_eq!(lost.status, 404);
    assert!(!lost.body.contains("<img"), "{}", lost.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_data_is_hidden_where_that_is_asked_for() {
    let shop = Shop::new("console-personal").await;
    let id = format!("{:032x}", 1);
    shop.simulator.insert(&hostile(&id, "Canary Lane 7")).unwrap();
    let desk = Desk::of(shop, &[]).await;
    let paths = [
        "/c/default/records/trackings".to_owned(),
        "/c/default/records/trackings?format=csv".to_owned(),
        "/c/default/records/checkpoints".to_owned(),
        format!("/c/default/records/trackings/{id}"),
        format!("/c/default/records/trackings/{id}/raw"),
        "/live".to_owned(),
    ];
    let holds = async |path: &str| {
        let accept = ["text/html", "application/json"];
        let mut found = vec![];
        for accept in accept {
            let headers = [("accept", accept), ("cookie", desk.cookie.as_str())];
            let reply = desk.send(&format!("GET {path}"), &headers, b"").await;
            assert_eq!(reply.status, 200, "{path}");
            found.push(reply.body.contains("Canary") || reply.body.contains("canary"));
        }
        found
    };
    assert!(holds(&paths[3]).await.iter().all(|found| *found), "it is there to be hidden");
    assert_eq!(
        desk.post("/hide", &[("hide", "true"), ("to", "/live")]).await.header("location"),
        "/live"
    );
    for path in &paths {
        assert_eq!(holds(path).await, [false, false], "{path}");
    }
    desk.post("/hide", &[("hide", "false"), ("to", "/")]).await;
    assert!(holds(&paths[4]).await.iter().all(|found| *found));
}

/// Every page that links lead to, without a secret in it.
#[tokio::test(flavor = "multi_thread")]
async fn no_page_holds_a_secret() {
    let desk = Desk::new("secrets", 2).await;
    let path = desk.shop.subscribe();
    let token = path.trim_start_matches("/hooks/").to_owned();
    let mut todo = vec!["/".to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = todo.pop() {
        if seen.len() > 150 || !seen.insert(path.clone()) {
            continue;
        }
        let reply = desk.page(&path).await;
        assert!([200, 303].contains(&reply.status), "{path}: {}", reply.status);
        for secret in [KEY, token.as_str(), desk.cookie.split_once('=').unwrap().1] {
            assert!(!reply.body.contains(secret), "{path} holds a secret");
        }
        let links = reply.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        for link in links.filter(|link| link.starts_with('/') && !link.starts_with("/assets/")) {
            todo.push(link.replace("&#38;", "&"));
        }
        todo.extend(Some(reply.header("location").to_owned()).filter(|to| to.starts_with('/')));
    }
    assert!(seen.len() > 20, "{seen:?}");
}
