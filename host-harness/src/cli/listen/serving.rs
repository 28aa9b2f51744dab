//! Which connections `listen` serves: those with a path, also ones that are made while it runs.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use host_harness::clock::unix_ms;
use host_harness::runtime::Connection;
use host_harness::runtime::Connector;
use host_harness::store::{Sqlite, Store as _};
use host_harness::vault::Vault;
use host_harness::webhooks::{
    ConnectionDecode, ConnectionReads, Decode, Hook, HookRow, Inbox as _, Note, Notes as _,
    Receiver, SubscriptionRow, Worker, WorkerConnection,
};

use super::notes::Shown;
use super::reconcile::Reconcile;
use super::renewal::Renewal;
use crate::cli::connecting::with_kept;
use crate::cli::context::Context;
use crate::cli::current::{Current, LOOK_EVERY, connections};
use crate::cli::output::printable;
use crate::cli::state::{Kept, clock, name};

/// How often secrets are read anew even when all deliveries verify: old versions end.
const RENEW: u32 = 30;

/// Serves connections.
pub struct Serving<'a> {
    pub context: &'a Context,
    pub connector: &'a Connector,
    pub database: Arc<Sqlite>,
    pub vault: Arc<Vault>,
    pub receiver: Receiver,
    pub worker: Worker,
    pub reconcile: Reconcile,
    pub notes: Arc<Shown>,
    pub public: Option<String>,
    /// By id.
    pub known: HashMap<String, Known>,
    pub renewal: Renewal,
}

/// A connection that is served.
pub struct Known {
    /// What it was made of.
    current: Current,
    hook: Hook,
    seat: WorkerConnection,
    connection: Connection,
}

impl Serving<'_> {
    /// Looks again and again. Ends only when it is dropped.
    pub async fn keep(&mut self) {
        for round in 1_u32.. {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(why) = self.refresh().await {
                let why = format!("{why:#}");
                self.notes.note(&Note::Failing { what: "looking for connections", why });
            }
            if let Err(why) = self.renew().await {
                let why = format!("{why:#}");
                self.notes.note(&Note::Failing { what: "renewing a subscription", why });
            }
            if round.is_multiple_of(RENEW) {
                for known in self.known.values() {
                    known.hook.decode.renew().await;
                }
            }
        }
    }

    /// Serves what there is now.
    ///
    /// # Errors
    /// When the state cannot be used.
    pub async fn refresh(&mut self) -> Result<()> {
        let connector = &self.connector.manifest().name;
        let rows = connections(self.database.as_ref(), connector, name(self.context)?).await?;
        let hooks = self.database.hooks().await?;
        let subscriptions = self.database.subscriptions(None).await?;
        let mut known = HashMap::new();
        for hook in hooks {
            let Some(row) = rows.iter().find(|row| row.id == hook.connection) else { continue };
            let kept = Kept {
                vault: Arc::clone(&self.vault),
                limits: Arc::clone(&self.database) as _,
                row: row.clone(),
            };
            let current = Current::of(kept).await?;
            let subscription = provider_id(&subscriptions, &row.id);
            let before = self.known.remove(&row.id);
            let changed = before.is_some();
            let same = before.filter(|known| {
                known.current.is_as(&current)
                    && known.hook.token == hook.token
                    && known.hook.subscription == subscription
            });
            let served = match same {
                Some(known) => known,
                None => match self.make(current, &hook, subscription).await {
                    Ok(made) => {
                        if changed {
                            let text = format!(
                                "{}: the connection changed, and is used as it is kept now",
                                row.name
                            );
                            self.context.watch.detail(&printable(&text));
                        }
                        made
                    }
                    Err(why) => {
                        let why = format!("{}: {why:#}", row.name);
                        self.notes.note(&Note::Failing { what: "serving a connection", why });
                        continue;
                    }
                },
            };
            self.reconcile.consider(&hook);
            known.insert(row.id.clone(), served);
        }
        self.known = known;
        self.reconcile.retain(|id| self.known.contains_key(id));
        let hooks = self.known.values().map(|known| known.hook.clone()).collect();
        self.receiver.serve_hooks(hooks);
        let seats = self.known.iter().map(|(id, known)| (id.clone(), known.seat.clone()));
        self.worker.work_for(seats.collect());
        Ok(())
    }

    /// Renews the subscriptions that end soon.
    async fn renew(&mut self) -> Result<()> {
        let now_ms = unix_ms(clock().now());
        for row in self.database.subscriptions(None).await? {
            let Some(known) = self.known.get(&row.connection) else { continue };
            if let Some(renewed) = self.renewal.renew(&known.connection, &row, now_ms).await? {
                self.database.put_subscription(renewed).await?;
            } else {
                self.renewal.end_replaced(&known.connection, &row).await?;
            }
        }
        Ok(())
    }

    /// Says where it listens and for whom.
    pub fn say(&self, address: SocketAddr, tls: bool) {
        let scheme = if tls { "https" } else { "http" };
        let base = self.public.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
        self.context.watch.say(&format!("listening on {scheme}://{address}"));
        for known in self.known.values() {
            let (name, token) = (&known.current.kept.row.name, &known.hook.token);
            self.context.watch.say(&format!("  {name}: {base}/hooks/{token}"));
        }
        if self.known.is_empty() {
            self.context.watch.say("  no connection has a subscription yet; `subscribe` makes one");
        }
    }

    async fn make(
        &self,
        current: Current,
        hook: &HookRow,
        subscription: Option<String>,
    ) -> Result<Known> {
        let row = &current.kept.row;
        self.notes.name(&row.id, &row.name);
        let secrets = current.kept.secrets().await?;
        let grant = self.database.grant(&row.id).await?;
        let builder = self.context.surroundings(self.connector);
        let builder = with_kept(builder, &current.kept, grant.as_ref());
        let local = builder.secrets(Arc::clone(&secrets)).build().await?;
        let connection =
            self.context.connect_to(self.connector, Some(current.kept.clone())).await?;
        self.reconcile.know(row, &connection);
        let vault = Arc::clone(&self.vault);
        let decode = ConnectionDecode::new(local.clone(), secrets, vault, row.clone());
        let decode = Arc::new(decode) as Arc<dyn Decode>;
        let reads = Arc::new(ConnectionReads::new(connection.clone(), local).await?);
        let hook = Hook {
            connection: row.id.clone(),
            token: hook.token.clone(),
            subscription,
            decode: Arc::clone(&decode),
        };
        Ok(Known { current, hook, seat: WorkerConnection { reads, decode }, connection })
    }
}

/// The provider's id, where one subscription alone has one: all of them deliver to one path.
fn provider_id(subscriptions: &[SubscriptionRow], connection: &str) -> Option<String> {
    let mut ids = subscriptions
        .iter()
        .filter(|row| row.connection == connection)
        .filter_map(|row| row.id.clone());
    ids.next().filter(|_| ids.next().is_none())
}
