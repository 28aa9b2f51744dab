//! A connector: a component that was loaded, checked and compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use connector_contract::catalog::{Descriptor, Manifest};
use connector_contract::setup::{Scheme, Setter, Setting};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;
use wasmtime::component::types::{ComponentExtern, ComponentItem};
use wasmtime::component::{Component, HasSelf, Linker};

use super::bindings::{Imports, World};
use super::build_error::BuildError;
use super::engine::Runtime;
use super::instance::{Call, call, run_offline};
use super::state::CallState;
use crate::egress::{CallSends, HttpClient};
use crate::error::{CallError, LoadError};
use crate::lock::lock;
use crate::observe::Metrics;
use crate::secrets::Secret;
use crate::setting::{self, AddressSpace};
use connector_policy::manifest;

/// A component that offers the contract. Cheap to clone; serves any number of connections.
#[derive(Clone)]
pub struct Connector {
    pub(super) loaded: Arc<Loaded>,
}

pub(super) struct Loaded {
    pub(super) runtime: Runtime,
    pub(super) world: World,
    pub(super) manifest: Manifest,
    facts: Facts,
    /// What was told of objects of the manifest, by their names.
    described: Mutex<BTreeMap<String, Descriptor>>,
}

/// What a component's bytes say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Where it was loaded from.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: usize,
    /// SHA-256 of the bytes, in hex.
    pub sha256: String,
    /// Interfaces that it needs: its permissions.
    pub imports: Vec<String>,
    /// Interfaces that it offers.
    pub exports: Vec<String>,
}

impl Runtime {
    /// Loads, compiles and checks the component in `path`, and reads its manifest.
    ///
    /// # Errors
    /// [`LoadError`] when the file is no connector that this host can run.
    pub async fn load(&self, path: &Path) -> Result<Connector, LoadError> {
        let source = |source| LoadError::Unreadable { path: path.to_owned(), source };
        let bytes = tokio::fs::read(path).await.map_err(source)?;
        self.load_bytes(path, &bytes).await
    }

    /// As [`Runtime::load`], with the bytes at hand; `path` is for messages only.
    ///
    /// # Errors
    /// As [`Runtime::load`].
    pub async fn load_bytes(&self, path: &Path, bytes: &[u8]) -> Result<Connector, LoadError> {
        let not_a_component = |why: String| LoadError::NotAComponent { path: path.to_owned(), why };
        if !bytes.starts_with(b"\0asm") {
            return Err(not_a_component("it does not begin as WebAssembly does".to_owned()));
        }
        if bytes.get(4..8) == Some(&[1, 0, 0, 0]) {
            let why = "it is a core module: link it with `wasm-component-ld`";
            return Err(not_a_component(why.to_owned()));
        }
        // It takes some hundred milliseconds of CPU, which other tasks must not wait for.
        let (engine, owned) = (self.engine.clone(), bytes.to_vec());
        let compiled = spawn_blocking(move || Component::from_binary(&engine, &owned)).await;
        let compiled = compiled.map_err(wasmtime::Error::new).and_then(|compiled| compiled);
        let component = compiled.map_err(|why| not_a_component(format!("{why:#}")))?;
        let not_ours = |why: String| LoadError::NotAConnector { path: path.to_owned(), why };
        let world = self.link(&component).map_err(|why| not_ours(format!("{why:#}")))?;
        let read: Call<Manifest> = Box::new(|guest, store| {
            Box::pin(async move {
                guest.check(store)?;
                guest.manifest(store).await
            })
        });
        let manifest = run_pure(self, &world, read).await;
        let manifest =
            manifest.map_err(|why| not_ours(format!("it cannot give its manifest: {why}")))?;
        manifest::check(&manifest)
            .map_err(|why| LoadError::BadManifest { path: path.to_owned(), why })?;
        let facts = self.facts(path, bytes, &component);
        let (runtime, described) = (self.clone(), Mutex::default());
        Ok(Connector { loaded: Arc::new(Loaded { runtime, world, manifest, facts, described }) })
    }

    fn link(&self, component: &Component) -> wasmtime::Result<World> {
        let mut linker = Linker::new(&self.engine);
        Imports::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?;
        World::find(linker.instantiate_pre(component)?)
    }

    fn facts(&self, path: &Path, bytes: &[u8], component: &Component) -> Facts {
        let kind = component.component_type();
        let instance = |(name, item): (&str, ComponentExtern<'_>)| {
            matches!(item.ty, ComponentItem::ComponentInstance(_)).then(|| name.to_owned())
        };
        let mut imports: Vec<_> = kind.imports(&self.engine).filter_map(instance).collect();
        let mut exports: Vec<_> = kind.exports(&self.engine).filter_map(instance).collect();
        // By name: a linker's order says nothing.
        imports.sort_unstable();
        exports.sort_unstable();
        let (path, sha256) = (path.to_owned(), connector_contract::hex(&Sha256::digest(bytes)));
        Facts { path, bytes: bytes.len(), sha256, imports, exports }
    }
}

impl Connector {
    /// What the connector says of itself. Read once, when it was loaded.
    pub fn manifest(&self) -> &Manifest {
        &self.loaded.manifest
    }

    /// What its runtime has done so far, for this connector and others.
    pub fn metrics(&self) -> Metrics {
        self.loaded.runtime.metrics()
    }

    /// By what its connections send.
    pub fn http_client(&self) -> &Arc<HttpClient> {
        &self.loaded.runtime.http
    }

    /// Names of the secrets that its endpoints bring.
    pub(super) fn captured(&self) -> impl Iterator<Item = &str> {
        let captures = self.manifest().endpoints.iter().flat_map(|endpoint| &endpoint.captures);
        captures.map(|rule| rule.secret.as_str())
    }

    /// Whether its manifest has a use for this secret: filled in, as a key, or captured.
    ///
    /// # Errors
    /// [`BuildError::UnknownSecret`].
    pub fn check_secret(&self, name: &str) -> Result<(), BuildError> {
        let manifest = self.manifest();
        let filled = manifest.secret_uses.iter().map(|rule| rule.secret.as_str());
        let keys = manifest.key_uses.iter().map(|rule| rule.secret.as_str());
        let used: BTreeSet<&str> = filled.chain(keys).chain(self.captured()).collect();
        if used.contains(name) {
            return Ok(());
        }
        let known = used.into_iter().collect::<Vec<_>>().join(", ");
        Err(BuildError::UnknownSecret { name: name.to_owned(), known })
    }

    /// Whether a value can be sent, where its manifest has this secret sent.
    ///
    /// # Errors
    /// [`BuildError::BadSecret`].
    pub fn check_secret_value(&self, name: &str, value: &Secret) -> Result<(), BuildError> {
        let is_sent = self.manifest().secret_uses.iter().any(|rule| rule.secret == name);
        match unsendable(value.expose()) {
            Some(why) if is_sent => Err(BuildError::BadSecret { name: name.to_owned(), why }),
            _ => Ok(()),
        }
    }

    /// The setting of this name.
    ///
    /// # Errors
    /// [`BuildError::UnknownSetting`].
    pub fn setting(&self, name: &str) -> Result<&Setting, BuildError> {
        find(&self.manifest().settings, name, |setting| &setting.name)
            .map_err(|known| BuildError::UnknownSetting { name: name.to_owned(), known })
    }

    /// Whether an operator may give a setting this value, who allows its URLs this address space.
    ///
    /// # Errors
    /// [`BuildError::UnknownSetting`], [`BuildError::Setting`].
    pub fn check_setting(
        &self,
        name: &str,
        value: &str,
        space: AddressSpace,
    ) -> Result<(), BuildError> {
        Ok(setting::check(self.setting(name)?, value, Setter::Operator, space)?)
    }

    /// The scheme of this name.
    pub(super) fn scheme(&self, name: &str) -> Result<&Scheme, BuildError> {
        find(&self.manifest().schemes, name, |scheme| &scheme.name)
            .map_err(|known| BuildError::UnknownScheme { name: name.to_owned(), known })
    }

    /// Whether it offers several writes in one call.
    pub fn offers_batches(&self) -> bool {
        self.loaded.world.offers_batches()
    }

    /// Whether it offers objects and fields that differ from account to account.
    pub fn offers_discovery(&self) -> bool {
        self.loaded.world.offers_discovery()
    }

    /// What its bytes say.
    pub fn facts(&self) -> &Facts {
        &self.loaded.facts
    }

    /// Schemas, actions and rules of one object. The connector is asked once: without a connection
    /// it has nothing to tell them apart by.
    ///
    /// # Errors
    /// `not-found` for an unknown name.
    pub async fn describe(&self, object: &str) -> Result<Descriptor, CallError> {
        let loaded = &self.loaded;
        let known = lock(&loaded.described).get(object).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let told = run_pure(&loaded.runtime, &loaded.world, call!(describe(object))).await??;
        if loaded.manifest.objects.iter().any(|declared| declared.name == object) {
            lock(&loaded.described).insert(object.to_owned(), told.clone());
        }
        Ok(told)
    }

    /// Makes an instance and drops it: what each call pays before it begins.
    ///
    /// # Errors
    /// When the component fails while it starts.
    pub async fn instantiate(&self) -> Result<(), CallError> {
        let call: Call<()> = Box::new(|_, _| Box::pin(async { Ok(()) }));
        run_pure(&self.loaded.runtime, &self.loaded.world, call).await
    }
}

/// The entry of this name, or else the names that there are.
fn find<'a, T>(entries: &'a [T], name: &str, of: fn(&T) -> &String) -> Result<&'a T, String> {
    let known = || entries.iter().map(|entry| of(entry).as_str()).collect::<Vec<_>>().join(", ");
    entries.iter().find(|entry| of(entry) == name).ok_or_else(known)
}

/// Makes a call without a connection: it can send nothing and sees no secret and no setting.
pub(super) async fn run_pure<R: Send>(
    runtime: &Runtime,
    world: &World,
    call: Call<R>,
) -> Result<R, CallError> {
    run_offline(runtime, world, None, CallSends::default(), call).await.0
}

/// Why `value` was not copied well: a header holds no control character, and blanks at its ends are
/// lost on the way (RFC 9110 section 5.5); in a form they make another secret.
fn unsendable(value: &[u8]) -> Option<String> {
    let name = |byte: u8| match byte {
        b'\r' => "a carriage return (CR)".to_owned(),
        b'\n' => "a line break (LF)".to_owned(),
        b'\t' => "a tab".to_owned(),
        b' ' => "a space".to_owned(),
        other => format!("the control character U+{other:04X}"),
    };
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let is_bad = |byte: &&u8| byte.is_ascii_control() && **byte != b'\t';
    let (first, last) = (value.first(), value.last());
    let faults = [
        ("ends with", last.filter(is_bad)),
        ("holds", value.iter().find(is_bad)),
        ("begins with", first.filter(is_blank)),
        ("ends with", last.filter(is_blank)),
    ];
    faults.into_iter().find_map(|(verb, byte)| Some(format!("{verb} {}", name(*byte?))))
}
