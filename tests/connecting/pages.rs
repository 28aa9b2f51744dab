//! The pages of links, while time passes.

use std::sync::Arc;
use std::time::Duration;

use host_harness::connect::web::ConnectPages;
use host_harness::connect::{ConnectLinks, LinkRequest};
use host_harness::runtime::{AddressSpace, Connection};
use host_harness::service::listener::{Page, PageRequest, Pages as _};
use host_harness::store::Sqlite;
use host_harness::vault::Secret;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt as _;

use super::world::{CLIENT_SECRET, World, location, settings};

const PUBLIC: &str = "https://platform.example";

/// The pages of a world, and one browser.
struct Visit {
    world: World,
    links: Arc<ConnectLinks>,
    pages: Arc<ConnectPages>,
    cookies: Vec<String>,
}

impl Visit {
    async fn new() -> Self {
        let world = World::new(|options| {
            let callback = format!("{PUBLIC}/connect/callback");
            options.oauth.clients[0].redirect_uris.push(callback);
        })
        .await;
        let clock = world.clock.clone();
        let database = Arc::new(Sqlite::open(&world.base.join("state.db"), clock.clone()).unwrap());
        let connector = world.connection.connector().clone();
        let (of, watch) = (connector.clone(), world.watch.clone());
        let links = Arc::new(ConnectLinks {
            connector,
            database,
            vault: Arc::clone(&world.desk.vault),
            public_url: PUBLIC.to_owned(),
            returns: vec![],
            space: AddressSpace::Private,
            surroundings: Arc::new(move || {
                let builder = Connection::builder(&of).allow_private();
                builder.clock(clock.clone()).observer(watch.clone())
            }),
        });
        let pages = ConnectPages::new(Arc::clone(&links));
        Self { world, links, pages, cookies: vec![] }
    }

    async fn link(&self, name: &str) -> String {
        let request = LinkRequest {
            name: name.to_owned(),
            scheme: Some("oauth2".to_owned()),
            settings: settings(&self.world.row.settings["base-url"]),
            secrets: [("client-secret".to_owned(), Secret::new(CLIENT_SECRET))].into(),
            ..LinkRequest::default()
        };
        let url = self.links.offer(request).await.unwrap().url;
        url.strip_prefix("https://platform.example/connect/").unwrap().to_owned()
    }

    async fn ask(&mut self, method: Method, path: &str, body: &str) -> (u16, String, String) {
        let (path, query) =
            path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut headers = HeaderMap::new();
        for cookie in &self.cookies {
            headers.append("cookie", cookie.parse().unwrap());
        }
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert("content-type", form);
        let page: Page = self
            .pages
            .answer(PageRequest {
                method,
                path: path.to_owned(),
                query: query.map(str::to_owned),
                headers,
                body: body.as_bytes().to_vec(),
                is_private: true,
            })
            .await;
        let (head, body) = page.into_parts();
        for cookie in head.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookies.push(pair.to_owned());
        }
        let location =
            head.headers.get("location").map_or("", |it| it.to_str().unwrap()).to_owned();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), location, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Opens a link, and goes on to the provider; answers what the provider sends back.
    async fn go(&mut self, token: &str) -> String {
        let (status, _, page) = self.ask(Method::GET, token, "").await;
        assert_eq!(status, 200, "{page}");
        let proof =
            page.split("name=\"proof\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let (status, on, page) = self.ask(Method::POST, token, &format!("proof={proof}")).await;
        assert_eq!(status, 303, "{page}");
        let back = location(&on).await;
        back.strip_prefix("https://platform.example/connect/").unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_and_the_way_back_have_ten_minutes_each() {
    let mut visit = Visit::new().await;
    let (late, used) = (visit.link("late").await, visit.link("used").await);
    visit.world.clock.forward(Duration::from_secs(599));
    let back = visit.go(&used).await;
    visit.world.clock.forward(Duration::from_secs(2));
    let (status, _, page) = visit.ask(Method::GET, &late, "").await;
    assert!(status == 404 && page.contains("older than ten minutes"), "{page}");
    // The customer is still at the provider.
    visit.world.clock.forward(Duration::from_secs(590));
    let (status, _, page) = visit.ask(Method::GET, &back, "").await;
    assert!(status == 200 && page.contains("<h1>Connected</h1>"), "{page}");

    let link = visit.link("slow").await;
    let back = visit.go(&link).await;
    visit.world.clock.forward(Duration::from_secs(601));
    let (status, _, page) = visit.ask(Method::GET, &back, "").await;
    assert!(status == 400 && page.contains("came after more than 10 minutes"), "{page}");
    assert_eq!(visit.world.simulator.token_requests().authorization_code, 2);
}

/// Whoever reads the state cannot use a link, nor what it was made with.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_nowhere_in_the_state() {
    let visit = Visit::new().await;
    let token = visit.link("shop").await;
    let files = visit.world.files();
    for canary in [token.as_bytes(), CLIENT_SECRET.as_bytes()] {
        assert!(!files.windows(canary.len()).any(|window| window == canary));
    }
}
