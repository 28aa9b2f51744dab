//! A receiver and a worker in memory, on the clock of the simulator that sends to them.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aftership_simulator::{Dialer, Webhook, WebhookId};
use host_harness::clock::TokioClock;
use host_harness::egress::{Pending, Stream};
use host_harness::mirror::{Batch, ChangeKind, Derived, Mirror as _, Source};
use host_harness::service::jobs::Shutdown;
use host_harness::store::{Change, Sqlite, Store as _};
use host_harness::vault::{MasterKey, Secret, Vault};
use host_harness::webhooks::{
    Accept, Accepted, ConnectionDecode, ConnectionReads, Decode, Hook, Pace, Receiver,
    ReceiverBounds, Surroundings, Unnoted, Worker, WorkerConnection, new_token,
};
use serde_json::Value;
use tokio::io::duplex;
use tokio::sync::mpsc;

use crate::support::world::{KEY, World, connecting, list};
use crate::support::{component, runtime};

/// The secret that signs.
pub const SECRET: &str = "whs_0123456789abcdef";

/// Everything between a simulated account and the mirror.
pub struct Post {
    pub world: World,
    pub sqlite: Arc<Sqlite>,
    pub vault: Arc<Vault>,
    pub row: host_harness::store::ConnectionRow,
    pub receiver: Arc<Receiver>,
    pub worker: Arc<Worker>,
    pub webhook: WebhookId,
    pub dialer: Dialer,
    connect: mpsc::UnboundedSender<Accepted>,
    accepted: Option<mpsc::UnboundedReceiver<Accepted>>,
    base: PathBuf,
}

struct Channel(mpsc::UnboundedReceiver<Accepted>);

impl Accept for Channel {
    fn accept(&mut self) -> Pending<'_, Option<Accepted>> {
        Box::pin(self.0.recv())
    }
}

impl Post {
    /// With a webhook of this kind.
    pub async fn new(name: &str, webhook: impl FnOnce(Webhook) -> Webhook) -> Self {
        Self::with(name, webhook, |_| {}).await
    }

    pub async fn with(
        name: &str,
        webhook: impl FnOnce(Webhook) -> Webhook,
        change: impl FnOnce(&mut aftership_simulator::Options),
    ) -> Self {
        let world = World::with(change).await;
        let base = std::env::temp_dir().join(format!("post-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&base);
        std::fs::create_dir(&base).unwrap();
        let start = SystemTime::UNIX_EPOCH + Duration::from_millis(world.simulator.now_ms());
        let clock = Arc::new(TokioClock::starting_at(start));
        let sqlite = Arc::new(Sqlite::open(&base.join("state/state.db"), clock.clone()).unwrap());
        let master = MasterKey::read_or_make(&base.join("master.key")).unwrap();
        let vault = Arc::new(Vault::new(sqlite.clone(), clock.clone(), master));
        let row = vault.new_connection("shop", "aftership", "api-key", [].into()).unwrap();
        sqlite.commit(vec![Change::PutConnection(row.clone())]).await.unwrap();
        let secret = Secret::new(SECRET);
        vault.put(&row, "webhook-secret", &secret, Duration::ZERO).await.unwrap();

        let connector = runtime().load(&component()).await.unwrap();
        let secrets = Arc::default();
        vault.load(&row, &secrets).await.unwrap();
        let builder = connecting(&connector, &world.simulator, &world.watch, KEY);
        let local = builder.secrets(Arc::clone(&secrets)).build().await.unwrap();
        let decode = ConnectionDecode::new(local.clone(), secrets, vault.clone(), row.clone());
        let decode = Arc::new(decode) as Arc<dyn Decode>;
        let bounds =
            ReceiverBounds { rate: 10_000.0, burst: 10_000.0, ..ReceiverBounds::default() };
        let surroundings = Surroundings::default();
        let receiver =
            Receiver::new(bounds, sqlite.clone(), clock.clone(), Arc::new(Unnoted), surroundings);
        let token = new_token().unwrap();
        let inbox: &dyn host_harness::webhooks::Inbox = sqlite.as_ref();
        inbox.make_hook(&row.id, &token).await.unwrap();
        receiver.serve_hooks(vec![Hook {
            connection: row.id.clone(),
            token: token.clone(),
            subscription: None,
            decode: Arc::clone(&decode),
        }]);
        // Days pass in a test: what comes wakes the worker, and nobody looks every second.
        let pace = Pace { seed: Some(7), tick: Duration::from_secs(60) };
        let worker =
            Worker::new(sqlite.clone(), sqlite.clone(), clock.clone(), Arc::new(Unnoted), pace);
        let reads = ConnectionReads::new(world.connection.clone(), local).await.unwrap();
        let seat = WorkerConnection { reads: Arc::new(reads), decode };
        worker.work_for([(row.id.clone(), seat)].into());

        let (connect, accepted) = mpsc::unbounded_channel();
        let dialer = Dialer::new({
            let connect = connect.clone();
            move |_| {
                let (ours, theirs) = duplex(64 * 1024);
                let from: IpAddr = "198.51.100.7".parse().unwrap();
                let sent = connect.send((Box::new(theirs) as Box<dyn Stream>, from));
                async move { sent.map(|()| ours).map_err(|_| std::io::Error::other("nobody listens")) }
            }
        });
        let url = format!("http://host.example/hooks/{token}");
        let webhook = world.simulator.add_webhook(webhook(Webhook::new(&url, SECRET))).unwrap();
        let accepted = Some(accepted);
        Self {
            world,
            sqlite,
            vault,
            row,
            receiver,
            worker,
            webhook,
            dialer,
            connect,
            accepted,
            base,
        }
    }

    /// Lets everybody do what they do, for so long.
    pub async fn pass(&mut self, time: Duration) {
        let Some(accepted) = self.accepted.take() else { panic!("a post passes time once") };
        let stop = || tokio::time::sleep(time);
        let wake = self.receiver.wake();
        let (trigger, stopped) = Shutdown::new();
        let stopping = async {
            stop().await;
            trigger.request();
        };
        tokio::select! {
            _ = self.world.simulator.send_webhooks(self.dialer.clone()) => {}
            _ = async { tokio::join!(
                self.receiver.run(Channel(accepted), &stopped),
                self.worker.run(&wake, stop()),
                stopping,
            ) } => {}
        }
        let _ = &self.connect;
    }

    /// A poll: everything, as pages.
    pub async fn poll(&self) {
        let asked = self.sqlite.moment(&self.row.id).await.unwrap();
        let records = self.world.scan(list(None, None)).await;
        let connection = self.world.once();
        let objects = ["checkpoints", "notifications", "estimated-delivery-dates"];
        let objects = objects.map(str::to_owned);
        let lists = connection.derive(&objects, records.clone()).await.unwrap();
        let named = objects.into_iter().zip(lists);
        let derived = named.map(|(object, lists)| Derived { object, lists }).collect();
        let batch = Batch::new(&self.row.id, "trackings", Source::Page, asked);
        let batch = Batch { records, derived, ..batch };
        self.sqlite.apply(batch).await.unwrap();
    }

    /// Whether the mirror holds every tracking of the account as the account does.
    pub async fn assert_same(&self) {
        for id in self.world.simulator.ids() {
            let kept = self.sqlite.record(&self.row.id, "trackings", &id).await.unwrap();
            let kept: Value = serde_json::from_str(&kept.unwrap().data).unwrap();
            assert_eq!(kept, self.world.stored(&id), "{id}");
        }
    }

    /// How often each tracking changed, by the log.
    pub async fn changes(&self, object: &str, id: &str) -> Vec<ChangeKind> {
        let changes = self.sqlite.changes(&self.row.id, 0, u32::MAX).await.unwrap();
        let of = changes.iter().filter(|row| row.object == object && row.id.starts_with(id));
        of.map(|row| row.kind).collect()
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.base);
    }
}
