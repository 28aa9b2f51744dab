//! Connecting without a terminal: what is kept, and what is refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use connector_contract::auth::{BeginRequest, Learned, Redirect};
use connector_contract::clock::TokioClock;
use connector_contract::types::ErrorKind;
use connector_runtime::egress::Pending;
use connector_runtime::{Authorizer, BeginOutcome, CallError, ReceivedGrant, Tokens, error};
use connector_state::memory::{Halt, Memory, Rows, StoreTables};
use connector_state::{Change, ConnectionRow, Store};
use tokio::time::advance;

use super::*;
use crate::grants::open;
use crate::vault::{Key, MasterKey, Secret, Vault};

/// A connector: remembers what it was asked, and answers with numbered tokens.
#[derive(Default)]
struct Script {
    ready: bool,
    url: Option<&'static str>,
    asked: Mutex<Vec<(BeginRequest, Vec<String>)>>,
    completed: Mutex<Vec<(String, String, Tokens)>>,
}

impl Authorizer for Script {
    fn begin(
        &self,
        request: BeginRequest,
        secrets: Tokens,
    ) -> Pending<'_, Result<BeginOutcome, CallError>> {
        Box::pin(async move {
            let url = self.url.map_or_else(
                || format!("https://provider.example/authorize?state={}", request.state),
                str::to_owned,
            );
            self.asked.lock().unwrap().push((request, secrets.into_keys().collect()));
            let session = "s1".to_owned();
            let nothing = || ReceivedGrant {
                tokens: Tokens::new(),
                expires_ms: None,
                scopes: vec![],
                learned: Learned::default(),
            };
            Ok(match self.ready {
                true => BeginOutcome::Ready(nothing()),
                false => BeginOutcome::Redirect(Redirect { url, session }),
            })
        })
    }

    fn complete(
        &self,
        session: String,
        query: String,
        secrets: Tokens,
    ) -> Pending<'_, Result<ReceivedGrant, CallError>> {
        Box::pin(async move {
            if query.contains("error=") || query.contains("code=bad") {
                let said = format!("the provider says: {query}");
                return Err(error(ErrorKind::Forbidden, said).into());
            }
            let mut completed = self.completed.lock().unwrap();
            completed.push((session, query, secrets));
            let token = Secret::new(format!("token-{}", completed.len()));
            let tokens = [("access-token".to_owned(), token)].into();
            let (scopes, learned) = (vec!["read".to_owned()], Learned::default());
            Ok(ReceivedGrant { tokens, expires_ms: Some(5), scopes, learned })
        })
    }
}

struct World {
    rows: Arc<Mutex<Rows>>,
    store: Arc<Memory>,
    master: Arc<Key>,
    desk: ConnectFlow,
    script: Script,
}

impl World {
    fn new(script: Script) -> Self {
        let rows = Arc::<Mutex<Rows>>::default();
        let master = Arc::new(Key::new([9; 32]));
        let clock = TokioClock::starting_at(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let store = Memory::open(&rows, &Halt::at(None), Arc::new(clock));
        let (kept, key) = (Arc::clone(&store) as _, MasterKey::from(Key::new([9; 32])));
        let desk = ConnectFlow { vault: Vault::new(kept, Arc::new(clock), key).into() };
        Self { rows, store, master, desk, script }
    }

    fn draft(&self) -> ConnectionRow {
        let vault = &self.desk.vault;
        vault.new_connection("shop", "example", "oauth2", BTreeMap::new()).unwrap()
    }

    async fn begin(&self, connection: ConnectionRow, secrets: &[(&str, &str)]) -> Begun {
        let secrets = secrets.iter();
        let secrets = secrets.map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
        let callback_url = "https://host.example/callback".to_owned();
        let (secrets, scopes) = (secrets.collect(), vec!["read".to_owned()]);
        let whom = ConnectRequest { connection, secrets, callback_url, scopes };
        self.desk.begin(&self.script, whom).await.unwrap()
    }

    /// Begins, and answers the `state` of the redirect.
    async fn redirected(&self, connection: ConnectionRow, secrets: &[(&str, &str)]) -> Secret {
        match self.begin(connection, secrets).await {
            Begun::Redirect { state, .. } => state,
            Begun::Ready(_) => panic!("no redirect"),
        }
    }

    async fn come_back(&self, query: &str) -> Result<ConnectionRow, ConnectError> {
        self.desk.complete_on_loopback(&self.script, query).await
    }

    fn rows(&self) -> StoreTables {
        self.rows.lock().unwrap().store.clone()
    }
}

fn answer(state: &Secret) -> String {
    format!("code=SplxlOBeZQQ&state={}", std::str::from_utf8(state.expose()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_redirect_makes_a_connection_with_its_secrets_and_its_grant() {
    let world = World::new(Script::default());
    let draft = world.draft();
    let state = world.redirected(draft.clone(), &[("client-secret", "hush-hush")]).await;
    assert!(world.rows().connections.is_empty());
    let kept = format!("{:?}", world.rows());
    assert!(!kept.contains(std::str::from_utf8(state.expose()).unwrap()));
    let made = world.come_back(&answer(&state)).await.unwrap();
    assert_eq!(made, draft);

    let (request, known) = world.script.asked.lock().unwrap().remove(0);
    assert_eq!(request.callback_url, "https://host.example/callback");
    assert_eq!((request.scheme.as_str(), &*request.scopes), ("oauth2", &["read".to_owned()][..]));
    assert_eq!(known, ["client-secret"]);
    let (session, query, secrets) = world.script.completed.lock().unwrap().remove(0);
    assert_eq!((session.as_str(), query), ("s1", answer(&state)));
    assert_eq!(secrets["client-secret"].expose(), b"hush-hush");
    assert_eq!(pkce::challenge(&secrets[VERIFIER]), request.code_challenge);

    let rows = world.rows();
    assert!(rows.sessions.is_empty() && rows.secrets.len() == 1);
    let grant = &rows.grants[&made.id];
    let key = Key::opened(&world.master, &made.id, &made.sealed_key).unwrap();
    let tokens = open(&key, &made.id, 1, &grant.sealed_tokens).unwrap();
    assert_eq!(tokens["access-token"].expose(), b"token-1");
    assert!(!tokens.contains_key(VERIFIER));
    assert_eq!(
        (grant.epoch, grant.expires_ms, &*grant.scopes),
        (1, Some(5), &["read".to_owned()][..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_reconnect_keeps_everything_but_what_it_brings() {
    let world = World::new(Script::default());
    let first = world.redirected(world.draft(), &[("client-secret", "one"), ("other", "o")]).await;
    let made = world.come_back(&answer(&first)).await.unwrap();
    let again = world.redirected(made.clone(), &[("client-secret", "two")]).await;
    // Renamed while its customer was at the provider.
    let mut renamed = ConnectionRow { name: "boutique".to_owned(), ..made.clone() };
    renamed.settings.insert("size".to_owned(), "5".to_owned());
    world.store.commit(vec![Change::PutConnection(renamed.clone())]).await.unwrap();
    assert_eq!(world.come_back(&answer(&again)).await.unwrap(), renamed);
    let rows = world.rows();
    assert_eq!(rows.connections.len(), 1);
    assert_eq!(rows.grants[&made.id].epoch, 2);
    let versions: Vec<_> = rows.secrets.keys().map(|(_, name, at)| (name.as_str(), *at)).collect();
    assert_eq!(versions, [("client-secret", 2), ("other", 1)]);
    let (_, _, secrets) = world.script.completed.lock().unwrap().remove(1);
    assert_eq!(secrets["client-secret"].expose(), b"two");
    assert_eq!(secrets["other"].expose(), b"o");
}

#[tokio::test(start_paused = true)]
async fn a_scheme_without_a_redirect_keeps_its_secrets_and_no_grant() {
    let world = World::new(Script { ready: true, ..Script::default() });
    let begun = world.begin(world.draft(), &[("api-key", "k-123456")]).await;
    let Begun::Ready(made) = begun else { panic!("a redirect") };
    let rows = world.rows();
    assert_eq!(rows.connections[&made.id], made);
    assert_eq!((rows.secrets.len(), rows.grants.len(), rows.sessions.len()), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_state_serves_once_in_time_and_in_its_own_browser() {
    let world = World::new(Script::default());
    let state = world.redirected(world.draft(), &[]).await;
    let foreign = world.redirected(world.draft(), &[]).await;
    for query in ["", "code=x", "state=a&state=b"] {
        let refused = world.come_back(query).await;
        assert!(matches!(refused, Err(ConnectError::NoState)), "{query}");
    }
    let forged = world.come_back("code=x&state=forged").await;
    assert!(matches!(forged, Err(ConnectError::UnknownState)));
    let query = answer(&state);
    let other = world.desk.complete(&world.script, &query, &foreign).await;
    assert!(matches!(other, Err(ConnectError::OtherBrowser)));
    // None of them has used it up.
    world.desk.complete(&world.script, &query, &state).await.unwrap();
    assert!(matches!(world.come_back(&query).await, Err(ConnectError::UnknownState)));
    advance(Duration::from_secs(600)).await;
    let late = world.come_back(&answer(&foreign)).await;
    assert!(matches!(late, Err(ConnectError::TooLate)));
    assert_eq!(world.script.completed.lock().unwrap().len(), 1);
    assert!(ConnectError::UnknownState.to_string().ends_with("connect again"));
}

#[tokio::test(start_paused = true)]
async fn a_denial_and_a_failure_keep_nothing_and_name_no_code() {
    let world = World::new(Script::default());
    let state = world.redirected(world.draft(), &[]).await;
    let state = std::str::from_utf8(state.expose()).unwrap().to_owned();
    let denied = world.come_back(&format!("error=access_denied&state={state}")).await;
    assert!(matches!(denied, Err(ConnectError::Denied(_))));
    let again = world.redirected(world.draft(), &[]).await;
    let query = answer(&again).replace("SplxlOBeZQQ", "bad-SplxlOBeZQQ");
    let failed = world.come_back(&query).await.unwrap_err();
    let text = failed.to_string();
    assert!(matches!(failed, ConnectError::Call(_)) && !text.contains("SplxlOBeZQQ"), "{text}");
    assert!(world.rows().connections.is_empty() && world.rows().grants.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_browser_is_sent_to_the_web_only() {
    for url in ["file:///etc/passwd", "javascript:alert(1)", "x", "https://a:b@provider.example/"] {
        let world = World::new(Script { url: Some(url), ..Script::default() });
        let (connection, callback_url) = (world.draft(), "https://host.example/".to_owned());
        let (secrets, scopes) = (Tokens::new(), Vec::new());
        let whom = ConnectRequest { connection, secrets, callback_url, scopes };
        let refused = world.desk.begin(&world.script, whom).await;
        assert!(matches!(refused, Err(ConnectError::BadRedirect(_))), "{url}");
        assert!(world.rows().sessions.is_empty());
    }
}

/// Renewals and other browsers may get there first; no two sets of tokens have one number.
#[tokio::test(start_paused = true)]
async fn grants_that_are_made_side_by_side_follow_each_other() {
    let folder = connector_state::scratch::Scratch::new();
    let clock = Arc::new(TokioClock::starting_at(UNIX_EPOCH + Duration::from_secs(1_800_000_000)));
    let store =
        connector_state_sqlite::Sqlite::open(&folder.path().join("state.db"), clock.clone())
            .unwrap();
    let store = Arc::new(store);
    let desk = ConnectFlow {
        vault: Vault::new(store.clone(), clock, MasterKey::from(Key::new([9; 32]))).into(),
    };
    let world = World { desk, ..World::new(Script::default()) };
    let connection = world.draft();
    let mut states = Vec::new();
    for _ in 0..6 {
        states.push(world.redirected(connection.clone(), &[]).await);
    }
    let queries = states.iter().map(|state| {
        format!("code=c&state={}", String::from_utf8(state.expose().to_vec()).unwrap())
    });
    let queries: Vec<String> = queries.collect();
    let [one, two, three, four, five, six] =
        std::array::from_fn(|index| world.come_back(&queries[index]));
    let all = tokio::join!(one, two, three, four, five, six);
    for made in [all.0, all.1, all.2, all.3, all.4, all.5] {
        made.unwrap();
    }
    assert_eq!(store.grant(&connection.id).await.unwrap().unwrap().epoch, 6);
}
