//! AfterShip's tracking API, version 2026-07, on loopback: stateful, strict where the API is
//! strict, with a journal of every request.
//!
//! ```
//! use aftership_simulator::{Options, Simulator};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # fn main() -> std::io::Result<()> {
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let simulator = Simulator::new(Options::default());
//! simulator.seed(1, 3);
//! let server = simulator.listen().await?;
//!
//! let mut client = tokio::net::TcpStream::connect(server.address()).await?;
//! let request = "GET /tracking/2026-07/trackings?limit=2 HTTP/1.1\r\nhost: localhost\r\n\
//!                as-api-key: asat_simulator\r\nconnection: close\r\n\r\n";
//! client.write_all(request.as_bytes()).await?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).await?;
//!
//! assert!(answer.starts_with("HTTP/1.1 200 OK"));
//! assert!(answer.contains(r#""pagination":{"total":3,"#));
//! assert_eq!(simulator.journal()[0].path, "/tracking/2026-07/trackings");
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # What it serves
//!
//! All operations under `/tracking/2026-07`, and under the earlier versions that the service still
//! serves: trackings, couriers, courier connections and
//! predictions of delivery dates; and an authorization server under `/oauth`. Every other path is an unknown URI. Refusals carry the codes of the API. [`Options`] has a
//! switch wherever the API's behaviour depends on the account or is not documented; a key may be
//! limited to some [`Scope`]s.
//!
//! A [`Simulator`] is also the account itself: its trackings, couriers and connections can be read
//! and put in beside the requests. Credentials of connections are in what it hands out as JSON, and
//! in the body of a journal's [`Entry`], but in no debug output and in no journal that is written.
//!
//! # Keys, signatures and tokens
//!
//! [`Options::api_keys`] are plain. A [`SignedKey`] is good for signed requests only. An access
//! token comes from the authorization server, which [`OAuthOptions`] describe: an [`OAuthClient`]
//! sends a browser to `/oauth/authorize`, and a form to `/oauth/token` or `/oauth/revoke`.
//!
//! ```
//! use aftership_simulator::{OAuthClient, Options, Scope, Simulator};
//!
//! let simulator = Simulator::new(Options::default());
//! simulator.register_client(OAuthClient::new("app", "secret", "https://app.test/done"));
//! let tokens = simulator.grant("app", &[Scope::TrackingRead]).unwrap();
//! assert!(simulator.accepts_access_token(&tokens.access_token));
//! simulator.revoke_grant(&tokens.access_token);
//! assert!(!simulator.honours_refresh_token(&tokens.refresh_token.unwrap()));
//! ```
//!
//! [`Simulator::token_requests`] counts what the token endpoint met. Scripted answers work there
//! too: a rotation whose answer is lost is `Answer::reset().executed()`, an answer without a
//! refresh token is `Answer::real().without_member("refresh_token")`.
//!
//! # Time and faults
//!
//! All time comes from a [`Clock`]: with a [`ManualClock`] or a [`TokioClock`] no test sleeps.
//! [`Simulator::answer_next`] replaces the answer of a request that is to come, also after the
//! request was performed: a lost answer, a cut one, a closed or silent connection. Every [`Fault`]
//! is such an answer; a [`FaultPlan`] in the [`Options`] rolls those that pass by chance, and the
//! journal says which request met which. [`Answer::lasting`] is a wall: it stays until it is taken
//! away. [`Options`] has a [`DateSkew`], a cache on the way and a daily quota.
//! With an [`IndexLag`] lists show changes late, and [`Options::shuffle`] takes their order away;
//! [`Simulator::insert`], [`update`](Simulator::update) and [`remove`](Simulator::remove) change
//! trackings as a carrier or another program would; with
//! [`remove_in_part`](Simulator::remove_in_part) a tracking is gone from lists and not by its id, or
//! the other way round: a [`Ghost`].
//! [`Simulator::serve_stream`] serves a connection in memory.

//!
//! # Webhooks
//!
//! A [`Webhook`] is told what happens to trackings once it is [added](Simulator::add_webhook) and
//! somebody [sends](Simulator::send_webhooks) what is due: over TCP, or over streams of a
//! [`Dialer`] in memory. [`WebhookFault`]s happen on demand or by chance; the
//! [journal](Simulator::webhook_journal) holds every attempt.
//!
//! ```
//! use aftership_simulator::{Dialer, Options, Simulator, Webhook};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let simulator = Simulator::new(Options::default());
//! simulator.seed(1, 3);
//! simulator.add_webhook(Webhook::new("http://127.0.0.1:9/hooks", "secret"))?;
//! simulator.scan(&simulator.ids()[0], "Delivered", "Left at the door")?;
//! simulator.send_due_webhooks(&Dialer::loopback()).await;
//! let attempt = &simulator.webhook_journal()[0];
//! assert_eq!((attempt.event.as_str(), attempt.status), ("tracking_update", None));
//! assert_eq!(simulator.webhooks_open(), 1);
//! # Ok(())
//! # })
//! # }
//! ```

mod auth;
mod body;
mod cache;
mod clock;
mod connections;
mod couriers;
mod cursor;
mod data;
mod dates;
mod envelope;
mod errors;
mod faults;
mod handler;
mod journal;
mod limits;
mod members;
mod oauth;
mod older;
mod options;
mod predictions;
mod query;
mod router;
mod scopes;
mod script;
mod seed;
mod server;
mod signing;
mod simulator;
mod state;
mod store;
mod switches;
mod text;
mod trackings;
mod webhooks;

pub use clock::{Clock, ManualClock, ScaledClock, SystemClock, TokioClock};
pub use data::DataError;
pub use faults::{BadPlan, Fault, FaultPlan};
pub use handler::Outcome;
pub use journal::Entry;
pub use oauth::{
    ClientAuthentication, Consent, GrantType, LiveGrant, OAuthClient, OAuthOptions, Pkce, Rotation,
    TokenAnswer, TokenRequests, Tokens,
};
pub use options::Options;
pub use scopes::{Scope, UnknownScope};
pub use script::{Answer, Matcher};
pub use server::Server;
pub use signing::{BadPublicKey, SignedKey};
pub use simulator::Simulator;
pub use store::index::{BadLag, IndexLag};
pub use switches::{
    BadDateSkew, ConnectionAnswer, CredentialsUpdate, CustomFieldsUpdate, DateSkew,
    DuplicateAnswer, Ghost, LowerCaseNumbers, PredictAnswer, RetrackAnswer, Unrecognized,
};
pub use webhooks::{
    BadWebhook, Dialer, UnknownWebhookEvent, UnknownWebhookVersion, Webhook, WebhookAttempt,
    WebhookCounts, WebhookEvent, WebhookFault, WebhookFaultPlan, WebhookId, WebhookOptions,
    WebhookVersion, webhook_signature,
};
