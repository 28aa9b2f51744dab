//! Which connections `listen` serves: those with a path, also ones that are made while it runs.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use host_harness::clock::unix_ms;
use host_harness::runtime::{Connection, Connector};
use host_harness::service::hosts::WorkShare;
use host_harness::service::jobs::Shutdown;
use host_harness::webhooks::{
    ConnectionDecode, ConnectionReads, Decode, GapCloser, Hook, HookRow, Note, Notes as _,
    Receiver, SubscriptionRenewal, SubscriptionRow, Worker, WorkerConnection,
};

use super::notes::NotePrinter;
use crate::cli::connecting::with_kept;
use crate::cli::context::Context;
use crate::cli::output::printable;
use crate::cli::state::{
    CHANGED, Configuration, LOOK_EVERY, OpenState, SeenConnections, StoredConnection, name,
};

/// How often, in looks, subscriptions that end are renewed, and secrets read anew even when all deliveries
/// verify: old versions end.
const RENEW: u32 = 30;

/// Serves connections.
pub struct Serving {
    pub context: Context,
    pub connector: Connector,
    pub state: OpenState,
    pub receiver: Arc<Receiver>,
    pub worker: Arc<Worker>,
    pub gaps: GapCloser,
    pub notes: Arc<NotePrinter>,
    pub public: Option<String>,
    /// Whose events this host applies, and whose subscriptions it renews.
    pub share: WorkShare,
    /// By id.
    pub served: HashMap<String, ServedConnection>,
    pub seen: SeenConnections,
    /// Deliveries of one of them may have been missed.
    pub has_gaps: bool,
    pub renewal: SubscriptionRenewal,
}

/// A connection that is served.
pub struct ServedConnection {
    /// What it was made of.
    configuration: Configuration,
    name: String,
    hook: Hook,
    worked: WorkerConnection,
    connection: Connection,
}

impl Serving {
    /// Looks again and again, until the end is requested.
    pub async fn keep(&mut self, stop: &Shutdown) {
        for round in 1_u32.. {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.share.changed() => self.seen.outdate(),
                () = stop.requested() => return,
            }
            if let Err(why) = self.refresh().await {
                self.fails("looking for connections", &why);
            }
            let is_due = round == 1 || round.is_multiple_of(RENEW);
            if (is_due || self.renewal.is_replacing())
                && let Err(why) = self.renew().await
            {
                self.fails("renewing a subscription", &why);
            }
            if round.is_multiple_of(RENEW) {
                for served in self.served.values() {
                    served.hook.decode.renew().await;
                }
            }
        }
    }

    /// Serves what there is now.
    ///
    /// # Errors
    /// When the state cannot be used.
    pub async fn refresh(&mut self) -> Result<()> {
        let Some(changes) = self.seen.look(&*self.state.database).await? else {
            return self.pull_gaps().await;
        };
        let changed: HashSet<String> = changes.changed.into_iter().collect();
        let connector = &self.connector.manifest().name;
        let all = self.state.connections(connector, name(&self.context)?).await?.into_iter();
        let mut all: HashMap<_, _> = all.map(|stored| (stored.row.id.clone(), stored)).collect();
        let mut ids = provider_ids(self.state.database.subscriptions(None).await?);
        let mut now = HashMap::new();
        let mut failed = false;
        self.has_gaps = false;
        // One that leaves meanwhile is among those before or those after.
        let mut moving = self.tokens_of_moves().await?;
        let hooks = self.state.database.hooks().await?;
        moving.extend(self.tokens_of_moves().await?);
        self.receiver.turn_away(moving);
        for hook in hooks {
            let Some(stored) = all.remove(&hook.connection) else { continue };
            self.has_gaps |= hook.gap_ms.is_some();
            let kept =
                self.served.get(&hook.connection).filter(|_| !changed.contains(&hook.connection));
            let configuration = match kept {
                Some(served) => served.configuration.clone(),
                None => stored.configuration().await?,
            };
            let subscription = ids.remove(&hook.connection).flatten();
            let before = self.served.remove(&hook.connection);
            let is_new = before.is_none();
            let same = before.filter(|served| {
                served.configuration == configuration
                    && served.hook.token == hook.token
                    && served.hook.subscription == subscription
            });
            let served = match same {
                Some(served) => served,
                None => {
                    // What was under way may fail, and would be left alone for a while.
                    self.gaps.stop(&hook.connection);
                    let name = stored.row.name.clone();
                    match self.make(stored, configuration, &hook, subscription).await {
                        Ok(made) => {
                            if !is_new {
                                self.context
                                    .watch
                                    .detail(&printable(&format!("{name}: {CHANGED}")));
                            }
                            made
                        }
                        Err(why) => {
                            self.fails("serving a connection", &why.context(name));
                            failed = true;
                            continue;
                        }
                    }
                }
            };
            self.consider(&hook, &served.connection);
            now.insert(hook.connection, served);
        }
        let gone = std::mem::replace(&mut self.served, now);
        gone.keys().for_each(|id| self.gaps.stop(id));
        let hooks = self.served.values().map(|served| served.hook.clone()).collect();
        self.receiver.serve_hooks(hooks);
        let worked = self.served.iter().filter(|(id, _)| self.share.includes(id));
        let worked = worked.map(|(id, served)| (id.clone(), served.worked.clone()));
        self.worker.work_for(worked.collect());
        self.seen.see(changes.revision);
        if failed {
            // It is tried again with the next look.
            self.seen.outdate();
        }
        Ok(())
    }

    /// The ends of the paths of hooks whose connections are on their way.
    async fn tokens_of_moves(&self) -> Result<Vec<String>> {
        let moves = self.state.database.moves().await?.into_iter();
        Ok(moves.filter_map(|row| row.token).collect())
    }

    /// Goes on with gaps that are open: what was pulled for one may have failed.
    async fn pull_gaps(&mut self) -> Result<()> {
        if !self.has_gaps {
            return Ok(());
        }
        self.has_gaps = false;
        let mut served = std::mem::take(&mut self.served);
        let hooks = self.state.database.hooks().await;
        for hook in hooks.iter().flatten().filter(|hook| hook.gap_ms.is_some()) {
            self.has_gaps = true;
            if let Some(served) = served.get_mut(&hook.connection) {
                self.consider(hook, &served.connection);
            }
        }
        self.has_gaps |= hooks.is_err();
        self.served = served;
        hooks.map(drop).map_err(Into::into)
    }

    /// Has what was missed of a connection pulled, where this host works for it.
    fn consider(&mut self, hook: &HookRow, connection: &Connection) {
        if !self.share.includes(&hook.connection) {
            self.gaps.stop(&hook.connection);
        } else if let Err(why) = self.gaps.consider(hook, connection) {
            self.fails("pulling what was missed", &why.into());
        }
    }

    /// Renews the subscriptions that end soon.
    async fn renew(&mut self) -> Result<()> {
        let now_ms = unix_ms(self.state.clock().now());
        for row in self.state.database.subscriptions(None).await? {
            let Some(served) = self.served.get(&row.connection) else { continue };
            if !self.share.includes(&row.connection) {
                continue;
            }
            if let Some(renewed) = self.renewal.renew(&served.connection, &row, now_ms).await? {
                self.state.database.put_subscription(renewed).await?;
            } else {
                self.renewal.end_replaced(&served.connection, &row).await?;
            }
        }
        Ok(())
    }

    fn fails(&self, what: &'static str, why: &anyhow::Error) {
        self.notes.note(&Note::Failing { what, why: format!("{why:#}") });
    }

    /// Says where it listens and for whom.
    pub fn say(&self, address: SocketAddr, tls: bool) {
        let scheme = if tls { "https" } else { "http" };
        let base = self.public.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
        self.context.watch.say(&format!("listening on {scheme}://{address}"));
        for served in self.served.values() {
            let (name, token) = (&served.name, &served.hook.token);
            self.context.watch.say(&format!("  {name}: {base}/hooks/{token}"));
        }
        if self.served.is_empty() {
            self.context.watch.say("  no connection has a subscription yet; `subscribe` makes one");
        }
    }

    async fn make(
        &self,
        stored: StoredConnection,
        configuration: Configuration,
        hook: &HookRow,
        subscription: Option<String>,
    ) -> Result<ServedConnection> {
        let row = stored.row.clone();
        self.notes.name(&row.id, &row.name);
        let secrets = stored.secrets().await?;
        let grant = self.state.database.grant(&row.id).await?;
        let builder = self.context.surroundings(&self.connector);
        let builder = with_kept(builder, &stored, grant.as_ref());
        let local = builder.secrets(Arc::clone(&secrets)).build().await?;
        let connection = self.context.connect_to(&self.connector, Some(stored)).await?;
        let (name, vault) = (row.name.clone(), Arc::clone(&self.state.vault));
        let reads = Arc::new(ConnectionReads::new(connection.clone(), local.clone()).await?);
        let hook = Hook {
            connection: row.id.clone(),
            token: hook.token.clone(),
            subscription,
            decode: Arc::new(ConnectionDecode::new(local, secrets, vault, row)) as Arc<dyn Decode>,
        };
        let worked = WorkerConnection { reads, decode: Arc::clone(&hook.decode) };
        Ok(ServedConnection { configuration, name, hook, worked, connection })
    }
}

/// The provider's id of each connection's subscription, where one alone has one: all of them
/// deliver to one path.
fn provider_ids(subscriptions: Vec<SubscriptionRow>) -> HashMap<String, Option<String>> {
    let mut ids = HashMap::new();
    for SubscriptionRow { connection, id, .. } in subscriptions {
        let Some(id) = id else { continue };
        ids.entry(connection).and_modify(|several| *several = None).or_insert(Some(id));
    }
    ids
}
