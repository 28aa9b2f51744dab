//! The sandbox: one wasmtime engine for all connectors of a process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use wasmtime::{
    Cache, CacheConfig, Config, Enabled, Engine, InstanceAllocationStrategy,
    PoolingAllocationConfig,
};

use super::bounds::{CallBounds, TABLE_ELEMENTS};
use crate::egress::{EgressError, EgressOptions, HttpClient, Limiter};
use crate::observe::{Counters, Metrics};

/// How often the engine looks whether a guest has used up its time.
const TICK: Duration = Duration::from_millis(10);

/// A runtime could not be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The machine refuses the engine its address space or a thread.
    #[error("the WebAssembly engine cannot start: {0}")]
    Engine(String),
    /// An option of the egress cannot be used.
    #[error(transparent)]
    Egress(#[from] EgressError),
}

/// How to set up a [`Runtime`]: the default, with what is to be otherwise set in it.
#[derive(Clone)]
#[non_exhaustive]
pub struct RuntimeOptions {
    /// What each call may use.
    pub bounds: CallBounds,
    /// Where compiled code is kept between processes; `None` compiles each time.
    pub cache: Option<PathBuf>,
    /// How requests leave.
    pub egress: EgressOptions,
    /// Calls that may send and have an instance at the same time, over all connections.
    pub instances: u32,
    /// Likewise calls that send nothing: receiving deliveries, deriving, describing.
    pub offline_instances: u32,
    /// Whether guests' time is measured. Without that one that loops never ends; for simulations
    /// alone, in which a turn that depends on the machine's speed would tell two runs apart.
    pub measures_time: bool,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        Self {
            bounds: CallBounds::default(),
            cache: None,
            egress: EgressOptions::default(),
            instances: 64,
            offline_instances: 16,
            measures_time: true,
        }
    }
}

/// Compiles and runs connectors. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    pub(super) engine: Engine,
    pub(super) bounds: CallBounds,
    pub(super) http: Arc<HttpClient>,
    /// Waiting for an instance holds none.
    pub(super) instances: Arc<Semaphore>,
    pub(super) offline_instances: Arc<Semaphore>,
    most_instances: u64,
    /// The limits of all connections that bring none of their own.
    pub(super) limiter: Arc<Limiter>,
    pub(super) counters: Arc<Counters>,
}

impl Runtime {
    /// Starts an engine and the thread that measures guests' time.
    ///
    /// # Errors
    /// When the machine refuses the address space or the thread, or an option cannot be used.
    pub fn new(options: &RuntimeOptions) -> Result<Self, EngineError> {
        let failed = |why: wasmtime::Error| EngineError::Engine(format!("{why:#}"));
        let http = Arc::new(HttpClient::new(options.egress.clone())?);
        let engine = Engine::new(&config(options).map_err(failed)?).map_err(failed)?;
        if options.measures_time {
            start_ticking(&engine).map_err(|why| EngineError::Engine(why.to_string()))?;
        }
        let places = |instances: u32| Arc::new(Semaphore::new(instances as usize));
        Ok(Self {
            engine,
            bounds: options.bounds,
            http,
            instances: places(options.instances),
            offline_instances: places(options.offline_instances),
            most_instances: u64::from(options.instances) + u64::from(options.offline_instances),
            limiter: Arc::default(),
            counters: Arc::default(),
        })
    }

    /// What it has done so far.
    pub fn metrics(&self) -> Metrics {
        let free = self.instances.available_permits() + self.offline_instances.available_permits();
        let mut metrics = self.counters.metrics();
        metrics.most_instances = self.most_instances;
        metrics.instances = metrics.most_instances.saturating_sub(free as u64);
        metrics
    }
}

fn config(options: &RuntimeOptions) -> wasmtime::Result<Config> {
    let mut pool = PoolingAllocationConfig::new();
    // One component instance is a handful of core instances: the connector, the
    // shims that the component model puts around it.
    let instances = options.instances.saturating_add(options.offline_instances);
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(8))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(8))
        .total_stacks(instances)
        .max_memories_per_component(1)
        .max_memory_size(options.bounds.memory_bytes)
        // What stays resident is cleared between calls and not faulted in again. A page of 200
        // records touches about this much.
        .linear_memory_keep_resident(4 * 1024 * 1024)
        // Of that, only pages that a call wrote are cleared, where the kernel (Linux 6.7) tells.
        .pagemap_scan(Enabled::Auto)
        .async_stack_keep_resident(64 * 1024)
        // A table fits into a page; dropping that page cost a fault and a system call each.
        .table_keep_resident(4 * 1024)
        .table_elements(TABLE_ELEMENTS);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .max_wasm_stack(512 * 1024)
        .async_stack_size(2 * 1024 * 1024)
        .async_stack_zeroing(true)
        .concurrency_support(false)
        .wasm_component_model(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        // The pool allows a call one memory. Without this wasmtime does not refuse a composed
        // component, of which each part has its own, but panics.
        .wasm_multi_memory(true)
        .wasm_tail_call(false)
        .wasm_backtrace_max_frames(None);
    if let Some(directory) = &options.cache {
        let mut cache = CacheConfig::new();
        cache.with_directory(directory);
        config.cache(Some(Cache::new(cache)?));
    }
    Ok(config)
}

/// Counts the engine's epochs in a thread of its own, in real time: guests burn
/// real CPU even where a test's clock stands still. Ends with the engine.
fn start_ticking(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new().name("guest-time".to_owned()).spawn(tick).map(drop)
}
