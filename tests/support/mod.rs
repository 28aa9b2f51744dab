//! What the tests share.

pub mod listener;
pub mod wire;
pub mod world;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use host_harness::observe::{Event, Observer};
use host_harness::runtime::{Connector, Runtime, RuntimeOptions};

/// The component: that of `dist`, or the one that `CONNECTOR_COMPONENT` names.
pub fn component() -> PathBuf {
    let given = std::env::var_os("CONNECTOR_COMPONENT").map(PathBuf::from);
    let file = given.unwrap_or_else(|| "dist/aftership-connector.wasm".into());
    newer_than(&file, &["src", "sdk", "wit"])
}

/// The second connector.
pub fn shop_component() -> PathBuf {
    let source = ["examples/shop-connector/src", "sdk", "wit"];
    newer_than("dist/shop-connector.wasm".as_ref(), &source)
}

/// A component, refused when it is older than its source: a stale one proves nothing.
fn newer_than(file: &Path, source: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = root.join(file);
    let modified = |path: &Path| path.metadata().and_then(|facts| facts.modified()).ok();
    let age = modified(&built)
        .unwrap_or_else(|| panic!("{} is missing: run `make components`", built.display()));
    let newest = source.iter().filter_map(|folder| newest(&root.join(folder))).max();
    assert!(
        newest.is_none_or(|newest| newest <= age),
        "{} is older than its source: run `make components`",
        built.display()
    );
    built
}

fn newest(folder: &Path) -> Option<std::time::SystemTime> {
    let entries = folder.read_dir().ok()?.flatten();
    entries
        .filter_map(|entry| {
            let path = entry.path();
            let wasm_source = path.extension().is_some_and(|kind| kind != "md");
            let is_test = path.file_stem().is_some_and(|name| name == "tests");
            match path.is_dir() {
                true => newest(&path),
                false if wasm_source && !is_test => {
                    entry.metadata().and_then(|facts| facts.modified()).ok()
                }
                false => None,
            }
        })
        .max()
}

/// A runtime with compiled code cached beside the build.
pub fn runtime() -> Runtime {
    let mut options = RuntimeOptions::default();
    options.cache = Some(cache());
    Runtime::new(&options).unwrap()
}

/// Where compiled code is cached.
pub fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled")
}

/// The command line, as a user has it: built beside this test.
pub fn host_command() -> std::process::Command {
    let mut command = std::process::Command::new(binary("connector-host"));
    command.env_clear().env("XDG_CACHE_HOME", cache()).stdin(std::process::Stdio::null());
    command
}

/// A program of this workspace.
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let built = own.parent().and_then(Path::parent).unwrap().join(name);
    assert!(built.exists(), "{} is missing: run `make test`", built.display());
    built
}

/// A component of `tests/guests`.
pub async fn guest(runtime: &Runtime, name: &str) -> Connector {
    runtime.load(&guest_file(name)).await.unwrap_or_else(|why| panic!("{why}: run `make guests`"))
}

/// Its file.
pub fn guest_file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/guests");
    folder.join(format!("{name}.wasm"))
}

/// Keeps what happened.
#[derive(Default)]
pub struct Watch(Mutex<Vec<Event>>);

impl Watch {
    /// Everything so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Observer for Watch {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }
}

/// A new directory, for whoever removes it.
pub fn scratch(name: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("{name}-{}-{number}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    folder
}
