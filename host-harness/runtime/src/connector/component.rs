//! A connector: a component that was loaded, checked and compiled.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use connector_contract::catalog::{Descriptor, Manifest};
use connector_contract::setup::{Scheme, Setter, Setting};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker};

use super::bindings::{Imports, World};
use super::build_error::BuildError;
use super::engine::Runtime;
use super::instance::{Call, run_offline};
use super::manifest;
use super::state::CallState;
use crate::egress::{CallSends, HttpClient};
use crate::error::{CallError, LoadError};
use crate::secrets::Secret;
use crate::setting;

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
        if !bytes.starts_with(b"\0asm") {
            let why = "it does not begin as WebAssembly does".to_owned();
            return Err(LoadError::NotAComponent { path: path.to_owned(), why });
        }
        if bytes.get(4..8) == Some(&[1, 0, 0, 0]) {
            let why = "it is a core module: link it with `wasm-component-ld`".to_owned();
            return Err(LoadError::NotAComponent { path: path.to_owned(), why });
        }
        // It takes some hundred milliseconds of CPU, which other tasks must not wait for.
        let (engine, owned) = (self.engine.clone(), bytes.to_vec());
        let compiled = spawn_blocking(move || Component::from_binary(&engine, &owned)).await;
        let compiled = compiled.map_err(wasmtime::Error::new).and_then(|compiled| compiled);
        let component = compiled.map_err(|why| LoadError::NotAComponent {
            path: path.to_owned(),
            why: format!("{why:#}"),
        })?;
        let facts = self.facts(path, bytes, &component);
        let not_ours = |why: wasmtime::Error| LoadError::NotAConnector {
            path: path.to_owned(),
            why: format!("{why:#}"),
        };
        let mut linker = Linker::new(&self.engine);
        Imports::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)
            .map_err(not_ours)?;
        let world = linker.instantiate_pre(&component).and_then(World::find).map_err(not_ours)?;
        let manifest =
            read_manifest(self, &world).await.map_err(|why| LoadError::NotAConnector {
                path: path.to_owned(),
                why: format!("it cannot give its manifest: {why}"),
            })?;
        manifest::check(&manifest)
            .map_err(|why| LoadError::BadManifest { path: path.to_owned(), why })?;
        Ok(Connector { loaded: Arc::new(Loaded { runtime: self.clone(), world, manifest, facts }) })
    }

    fn facts(&self, path: &Path, bytes: &[u8], component: &Component) -> Facts {
        let kind = component.component_type();
        let instances = |(name, item): (&str, ComponentItem)| {
            matches!(item, ComponentItem::ComponentInstance(_)).then(|| name.to_owned())
        };
        // By name: a linker's order says nothing.
        let imports = kind.imports(&self.engine);
        let imports: BTreeSet<_> =
            imports.filter_map(|(name, item)| instances((name, item.ty))).collect();
        let exports = kind.exports(&self.engine);
        let exports: BTreeSet<_> =
            exports.filter_map(|(name, item)| instances((name, item.ty))).collect();
        Facts {
            path: path.to_owned(),
            bytes: bytes.len(),
            sha256: connector_contract::hex(&Sha256::digest(bytes)),
            imports: imports.into_iter().collect(),
            exports: exports.into_iter().collect(),
        }
    }
}

impl Connector {
    /// What the connector says of itself. Read once, when it was loaded.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.loaded.manifest
    }

    /// By what its connections send, unless they are given another.
    #[must_use]
    pub fn http_client(&self) -> &Arc<HttpClient> {
        &self.loaded.runtime.http
    }

    /// Names of the secrets that its manifest has a use for: filled in, as keys, or captured.
    fn secrets(&self) -> Vec<&str> {
        let manifest = self.manifest();
        let filled = manifest.secret_uses.iter().map(|rule| rule.secret.as_str());
        let keys = manifest.key_uses.iter().map(|rule| rule.secret.as_str());
        let mut names: Vec<&str> = filled.chain(keys).chain(self.captured()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Names of the secrets that its endpoints bring.
    pub(super) fn captured(&self) -> impl Iterator<Item = &str> {
        let captures = self.manifest().endpoints.iter().flat_map(|endpoint| &endpoint.captures);
        captures.map(|rule| rule.secret.as_str())
    }

    /// Whether its manifest has a use for this secret.
    ///
    /// # Errors
    /// [`BuildError::UnknownSecret`].
    pub fn check_secret(&self, name: &str) -> Result<(), BuildError> {
        let names = self.secrets();
        if names.contains(&name) {
            return Ok(());
        }
        Err(BuildError::UnknownSecret { name: name.to_owned(), known: names.join(", ") })
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
        let settings = &self.manifest().settings;
        settings.iter().find(|setting| setting.name == name).ok_or_else(|| {
            let known: Vec<&str> = settings.iter().map(|setting| setting.name.as_str()).collect();
            BuildError::UnknownSetting { name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// Whether an operator may give a setting this value. `loose`: as
    /// [`Builder::allow_private`](super::Builder::allow_private).
    ///
    /// # Errors
    /// [`BuildError::UnknownSetting`], [`BuildError::Setting`].
    pub fn check_setting(&self, name: &str, value: &str, loose: bool) -> Result<(), BuildError> {
        Ok(setting::check(self.setting(name)?, value, Setter::Operator, loose)?)
    }

    /// The scheme of this name; without one, the first.
    #[must_use]
    pub fn scheme(&self, name: Option<&str>) -> Option<&Scheme> {
        let mut schemes = self.manifest().schemes.iter();
        match name {
            Some(name) => schemes.find(|scheme| scheme.name == name),
            None => schemes.next(),
        }
    }

    /// Whether it offers several writes in one call.
    #[must_use]
    pub fn offers_batches(&self) -> bool {
        self.loaded.world.offers_batches()
    }

    /// What its bytes say.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.loaded.facts
    }

    /// Schemas, actions and rules of one object.
    ///
    /// # Errors
    /// `not-found` for an unknown name.
    pub async fn describe(&self, object: &str) -> Result<Descriptor, CallError> {
        let object = object.to_owned();
        let described =
            self.pure(Box::new(move |guest, store| Box::pin(guest.describe(store, object))));
        Ok(described.await??)
    }

    /// Makes an instance and drops it: what each call pays before it begins.
    ///
    /// # Errors
    /// When the component fails while it starts.
    pub async fn instantiate(&self) -> Result<(), CallError> {
        self.pure(Box::new(|_, _| Box::pin(async { Ok(()) }))).await
    }

    /// A call without a connection: it can send nothing and sees no secret and no setting.
    pub(super) async fn pure<R: Send>(&self, call: Call<R>) -> Result<R, CallError> {
        run_offline(&self.loaded.runtime, &self.loaded.world, None, CallSends::default(), call)
            .await
            .0
    }
}

async fn read_manifest(runtime: &Runtime, world: &World) -> Result<Manifest, CallError> {
    let call: Call<Manifest> = Box::new(|guest, store| {
        Box::pin(async move {
            guest.check(store)?;
            guest.manifest(store).await
        })
    });
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
    let bad = value.iter().find(|byte| byte.is_ascii_control() && **byte != b'\t');
    match (bad, value.first().filter(is_blank), value.last().filter(is_blank)) {
        (Some(bad), _, _) if value.last() == Some(bad) => Some(format!("ends with {}", name(*bad))),
        (Some(bad), _, _) => Some(format!("holds {}", name(*bad))),
        (None, Some(blank), _) => Some(format!("begins with {}", name(*blank))),
        (None, None, Some(blank)) => Some(format!("ends with {}", name(*blank))),
        (None, None, None) => None,
    }
}
