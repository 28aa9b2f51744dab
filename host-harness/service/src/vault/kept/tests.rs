use std::time::{Duration, UNIX_EPOCH};

use connector_contract::clock::TokioClock;
use connector_state::scratch::Scratch;
use connector_state_sqlite::Sqlite;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// A vault in a directory of its own.
struct World {
    base: Scratch,
    clock: Arc<dyn Clock>,
}

impl World {
    fn new() -> Self {
        let start = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        Self { base: Scratch::new(), clock: Arc::new(TokioClock::starting_at(start)) }
    }

    fn master(&self, name: &str) -> MasterKey {
        MasterKey::read_or_make(&self.base.path().join(name)).unwrap()
    }

    fn vault(&self, master: &str) -> Vault {
        let path = self.base.path().join("state.db");
        let store = Sqlite::open(&path, Arc::clone(&self.clock)).unwrap();
        Vault::new(Arc::new(store), Arc::clone(&self.clock), self.master(master))
    }
}

async fn connected(vault: &Vault, name: &str) -> ConnectionRow {
    let row = vault.new_connection(name, "orders", "api-key", BTreeMap::new()).unwrap();
    vault.store().commit(vec![Change::PutConnection(row.clone())]).await.unwrap();
    row
}

async fn live(vault: &Vault, row: &ConnectionRow) -> Vec<Vec<u8>> {
    let secrets = Secrets::default();
    vault.load(row, &secrets).await.unwrap();
    let live = secrets.live("key", vault.now_ms());
    assert_eq!(
        secrets.get("key").map(|secret| secret.expose().to_vec()),
        live.first().map(|secret| secret.expose().to_vec())
    );
    live.iter().map(|secret| secret.expose().to_vec()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_kept_sealed_and_comes_back() {
    let world = World::new();
    let vault = world.vault("master.key");
    let row = connected(&vault, "a").await;
    assert_eq!((row.id.len(), row.made_ms), (32, 1_700_000_000_000));
    assert_ne!(row.id, connected(&vault, "b").await.id);
    let value = Secret::new("canary-of-the-value");
    assert_eq!(vault.put(&row, "key", &value, Duration::ZERO).await.unwrap(), 1);
    drop(vault);
    for file in std::fs::read_dir(world.base.path()).unwrap() {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!content.windows(6).any(|piece| piece == b"canary"));
    }
    let vault = world.vault("master.key");
    assert_eq!(live(&vault, &row).await, [b"canary-of-the-value"]);
    let wrong = world.vault("other.key");
    let refused = wrong.load(&row, &Secrets::default()).await;
    assert_eq!(refused, Err(VaultError::Seal(SealError::NotOurs)));
}

#[tokio::test(start_paused = true)]
async fn versions_overlap_and_end() {
    let world = World::new();
    let vault = world.vault("master.key");
    let row = connected(&vault, "a").await;
    let put = async |value: &str, overlap| {
        vault.put(&row, "key", &Secret::new(value), overlap).await.unwrap()
    };
    put("one", OVERLAP).await;
    put("two", OVERLAP).await;
    tokio::time::advance(HOUR).await;
    // A longer overlap later does not make an older one last longer.
    assert_eq!(put("three", 2 * OVERLAP).await, 3);
    assert_eq!(live(&vault, &row).await, [&b"three"[..], b"two", b"one"]);
    let ends: Vec<_> =
        vault.list(&row).await.unwrap().into_iter().map(|version| version.ends_ms).collect();
    let start = row.made_ms;
    let hours = |hours: u64| Some(start + hours * 3_600_000);
    assert_eq!(ends, [None, hours(145), hours(72)]);
    tokio::time::advance(71 * HOUR).await;
    assert_eq!(live(&vault, &row).await, [&b"three"[..], b"two"]);
    assert_eq!(put("four", Duration::ZERO).await, 4);
    assert_eq!(live(&vault, &row).await, [&b"four"[..]]);
    vault.remove(&row, "key").await.unwrap();
    assert_eq!(vault.list(&row).await.unwrap(), []);
}

/// A row that somebody moved in the database does not open there.
#[tokio::test(start_paused = true)]
async fn a_value_opens_only_where_it_was_kept() {
    let world = World::new();
    let vault = world.vault("master.key");
    let (one, two) = (connected(&vault, "a").await, connected(&vault, "b").await);
    let row = vault.seal(&one, "key", 1, &Secret::new("x")).unwrap();
    for moved in [
        SecretRow { connection: two.id.clone(), ..row.clone() },
        SecretRow { name: "other".to_owned(), ..row.clone() },
        SecretRow { version: 2, ..row.clone() },
    ] {
        let whose = if moved.connection == two.id { &two } else { &one };
        vault.store().commit(vec![Change::PutSecret(moved.clone())]).await.unwrap();
        let refused = vault.load(whose, &Secrets::default()).await;
        assert_eq!(refused, Err(VaultError::Seal(SealError::NotOurs)));
        vault.remove(whose, &moved.name).await.unwrap();
    }
    vault.store().commit(vec![Change::PutSecret(row)]).await.unwrap();
    assert_eq!(live(&vault, &one).await, [b"x"]);
}

#[tokio::test(start_paused = true)]
async fn another_master_key_takes_over() {
    let world = World::new();
    let vault = world.vault("master.key");
    let (one, two) = (connected(&vault, "a").await, connected(&vault, "b").await);
    vault.put(&one, "key", &Secret::new("x"), OVERLAP).await.unwrap();
    let new = world.master("new.key");
    assert_eq!(vault.rewrap(&new).await.unwrap(), 2);
    assert_eq!(vault.rewrap(&new).await.unwrap(), 0);
    let kept = vault.store().connection("a").await.unwrap().unwrap();
    assert_eq!(vault.key(&kept).map(|_| ()), Err(VaultError::Seal(SealError::NotOurs)));
    drop(vault);
    let vault = world.vault("new.key");
    assert_eq!(live(&vault, &kept).await, [b"x"]);
    let kept = vault.store().connection("b").await.unwrap().unwrap();
    assert_eq!(kept.id, two.id);
    vault.key(&kept).unwrap();
}

/// Many at once, each with its own version: none is lost.
#[tokio::test(start_paused = true)]
async fn concurrent_rotations_count_up() {
    let world = World::new();
    let vaults = [Arc::new(world.vault("master.key")), Arc::new(world.vault("master.key"))];
    let row = connected(&vaults[0], "a").await;
    let puts: Vec<_> = (0..10)
        .map(|number: usize| {
            let (vault, row) = (Arc::clone(&vaults[number % 2]), row.clone());
            let value = Secret::new(number.to_string());
            tokio::spawn(async move { vault.put(&row, "key", &value, OVERLAP).await.unwrap() })
        })
        .collect();
    let mut versions = Vec::new();
    for put in puts {
        versions.push(put.await.unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=10).collect::<Vec<_>>());
    assert_eq!(live(&vaults[0], &row).await.len(), 10);
}
