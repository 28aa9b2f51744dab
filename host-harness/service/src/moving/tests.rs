//! Exports and imports that end early, on states in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use connector_contract::clock::SystemClock;
use connector_state::memory::{Halt, Memory, Rows};
use connector_state::moving::{MoveStage, Moving as _};
use connector_state::scratch::Scratch;
use connector_state::{Change, Store as _, StoreError};

use super::{Export, Import, MoveError, MovedConnection, export, import};
use crate::vault::{Key, MasterKey, Vault};

struct World {
    from: Arc<Memory>,
    master: MasterKey,
    one_time: MasterKey,
    scratch: Scratch,
    /// Ids and names.
    connections: Vec<(String, String)>,
}

impl World {
    async fn new() -> Self {
        let (from, master) = (Memory::new(), MasterKey::from(Key::new([1; 32])));
        let vault = Vault::new(from.clone(), Arc::new(SystemClock), master.again());
        let mut connections = Vec::new();
        for name in ["one", "two"] {
            let row = vault.new_connection(name, "orders", "api-key", BTreeMap::new()).unwrap();
            connections.push((row.id.clone(), row.name.clone()));
            from.commit(vec![Change::PutConnection(row)]).await.unwrap();
        }
        let one_time = MasterKey::from(Key::new([2; 32]));
        Self { from, master, one_time, scratch: Scratch::new(), connections }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    async fn export(&self, name: &str) -> Result<(Vec<MovedConnection>, u64), MoveError> {
        let to = self.file(name);
        let of = Export {
            connections: self.connections.clone(),
            master: &self.master,
            one_time: &self.one_time,
            to: &to,
            now_ms: 5,
            progress: &|_| {},
        };
        export(&*self.from, of).await
    }

    async fn import(&self, into: &Memory, name: &str) -> Result<(), MoveError> {
        let from = self.file(name);
        let master = MasterKey::from(Key::new([3; 32]));
        let of = Import {
            from: &from,
            one_time: &self.one_time,
            master: &master,
            name: None,
            progress: &|_| {},
        };
        import(into, of).await
    }

    async fn stages(&self) -> Vec<MoveStage> {
        self.from.moves().await.unwrap().iter().map(|row| row.stage).collect()
    }
}

async fn names(state: &Memory) -> Vec<String> {
    state.connections().await.unwrap().into_iter().map(|row| row.name).collect()
}

#[tokio::test(start_paused = true)]
async fn an_export_that_fails_brings_back_what_it_took_out_and_nothing_else() {
    let world = World::new().await;
    world.from.move_out(&world.connections[1].0).await.unwrap();
    // The folder of the file is not there.
    assert!(world.export("missing/file").await.is_err());
    assert_eq!(names(&world.from).await, ["one"]);
    assert_eq!(world.stages().await, [MoveStage::Leaving], "another export may be at it");
    // One that is gone is refused, and what was taken out before it is at work again.
    world.from.depart(&world.connections[1].0).await.unwrap();
    let why = world.export("file").await.unwrap_err();
    assert!(matches!(why, MoveError::Store(StoreError::Moved(name)) if name == "two"));
    assert_eq!(names(&world.from).await, ["one"]);
    assert_eq!(world.stages().await, [MoveStage::Gone]);
    assert!(!world.file("file").exists());
}

#[tokio::test(start_paused = true)]
async fn an_import_that_ended_early_brings_the_others_when_it_is_run_again() {
    let world = World::new().await;
    world.export("file").await.unwrap();
    for steps in 0.. {
        let rows = Arc::<Mutex<Rows>>::default();
        let halt = Halt::at(Some(steps));
        let killed = Memory::open(&rows, &halt, Arc::new(SystemClock));
        let is_done = tokio::select! {
            biased;
            done = world.import(&killed, "file") => { done.unwrap(); true }
            () = halt.reached.notified() => false,
        };
        let into = Memory::open(&rows, &Halt::at(None), Arc::new(SystemClock));
        if !is_done {
            world.import(&into, "file").await.unwrap();
        }
        assert_eq!(names(&into).await, ["one", "two"], "{steps}");
        assert!(into.moves().await.unwrap().is_empty(), "{steps}");
        if is_done {
            assert!(steps > 10, "it was cut {steps} times");
            return;
        }
    }
}
