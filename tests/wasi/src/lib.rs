//! A platform as others have it: wasmtime's own WASI, `wasi:http` and `wasi:config`, and an instance a call. It knows
//! nothing of connectors.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use compose::{Parts, compose};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response};
use wasmtime::component::{Component, InstancePre, Linker, ResourceTable};
use wasmtime::{Cache, CacheConfig, Config, Engine, OptLevel, Store};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_config::{WasiConfig, WasiConfigVariables};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{Error, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// Most that a connector may write to stderr in a call.
const STDERR_BYTES: usize = 1 << 20;

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A part that `make wasi` built.
///
/// # Errors
/// When it is not there.
pub fn part(name: &str) -> Result<Vec<u8>> {
    let path = root().join("dist/wasi").join(format!("{name}.wasm"));
    std::fs::read(&path).with_context(|| format!("{}: run `make wasi`", path.display()))
}

/// A component composed with the adapter, and with those of `front` and `environment` that are named.
///
/// # Errors
/// As [`compose`].
pub fn composed(component: &Path, with: &[&str]) -> Result<Vec<u8>> {
    let connector = std::fs::read(component)
        .with_context(|| format!("{}: run `make component guests`", component.display()))?;
    let (adapter, silent) = (part("adapter")?, part("silent")?);
    let optional = |name: &str| with.contains(&name).then(|| part(name)).transpose();
    let (front, environment) = (optional("front")?, optional("environment")?);
    compose(Parts {
        connector: &connector,
        adapter: &adapter,
        silent: &silent,
        environment: environment.as_deref(),
        front: front.as_deref(),
    })
}

/// An engine, and WASI for it.
pub struct Platform {
    engine: Engine,
    linker: Linker<State>,
}

/// What one instance has.
pub struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    config: WasiConfigVariables,
    stderr: MemoryOutputPipe,
}

impl State {
    fn new(config: &[(String, String)], environment: &[(String, String)]) -> Self {
        let stderr = MemoryOutputPipe::new(STDERR_BYTES);
        Self {
            table: ResourceTable::new(),
            wasi: WasiCtx::builder().stderr(stderr.clone()).envs(environment).build(),
            http: WasiHttpCtx::new(),
            config: config.iter().cloned().collect(),
            stderr,
        }
    }

    /// What was written to stderr.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.contents()).into_owned()
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: Default::default() }
    }
}

impl Platform {
    /// Starts an engine. What it compiles is kept for the next time.
    ///
    /// # Errors
    /// When the machine refuses it.
    pub fn new() -> Result<Self> {
        let mut config = Config::new();
        // Compiled in a moment is worth more than running fast here.
        config.cranelift_opt_level(OptLevel::None);
        let mut kept = CacheConfig::new();
        kept.with_directory(std::path::absolute(root().join("target/wasi-cache"))?);
        config.cache(Some(Cache::new(kept)?));
        let engine = Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        wasmtime_wasi_config::add_to_linker(&mut linker, |state: &mut State| {
            WasiConfig::from(&state.config)
        })?;
        Ok(Self { engine, linker })
    }

    /// Compiles a component, and looks whether WASI has all that it imports.
    ///
    /// # Errors
    /// When it has not, or it is no component.
    pub fn load(&self, bytes: &[u8]) -> Result<InstancePre<State>> {
        Ok(self.linker.instantiate_pre(&Component::new(&self.engine, bytes)?)?)
    }

    /// Names of what a component imports and exports.
    ///
    /// # Errors
    /// When it is no component.
    pub fn names(&self, bytes: &[u8]) -> Result<(Vec<String>, Vec<String>)> {
        let component = Component::new(&self.engine, bytes)?;
        let world = component.component_type();
        let imports = world.imports(&self.engine).map(|(name, _)| name.to_owned()).collect();
        let exports = world.exports(&self.engine).map(|(name, _)| name.to_owned()).collect();
        Ok((imports, exports))
    }

    /// A fresh store for an instance.
    pub fn store(
        &self,
        config: &[(String, String)],
        environment: &[(String, String)],
    ) -> Store<State> {
        Store::new(&self.engine, State::new(config, environment))
    }
}

/// A component that serves HTTP, as `wasmtime serve` runs it: an instance a request.
pub struct Service {
    platform: Platform,
    handler: ProxyPre<State>,
    /// What `wasi:config` answers.
    pub config: Vec<(String, String)>,
    /// Its environment variables.
    pub environment: Vec<(String, String)>,
}

impl Service {
    /// Loads it.
    ///
    /// # Errors
    /// As [`Platform::load`].
    pub fn new(bytes: &[u8]) -> Result<Self> {
        let platform = Platform::new()?;
        let handler = ProxyPre::new(platform.load(bytes)?)?;
        Ok(Self { platform, handler, config: Vec::new(), environment: Vec::new() })
    }

    /// Answers a request.
    ///
    /// # Errors
    /// When the instance traps, or answers nothing.
    pub async fn answer(&self, request: Request<String>) -> Result<Response<String>> {
        let mut store = self.platform.store(&self.config, &self.environment);
        let request = request.map(|body| {
            let body = Full::new(Bytes::from(body));
            body.map_err(|never| -> Error { match never {} })
        });
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
        let out = store.data_mut().http().new_response_outparam(sender)?;
        let handler = self.handler.clone();
        let task = tokio::spawn(async move {
            let proxy = handler.instantiate_async(&mut store).await?;
            proxy.wasi_http_incoming_handler().call_handle(&mut store, request, out).await
        });
        let response = match receiver.await {
            Ok(response) => response?,
            Err(_) => {
                task.await??;
                anyhow::bail!("nothing was answered");
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        task.await??;
        Ok(Response::from_parts(head, String::from_utf8(body.into())?))
    }
}
