//! The WebAssembly engine: compilation with a cache, pooled instances, and a clock that makes busy guests give way.

use crate::bindings::Spin as World;
use crate::outbound_http::add_http_to_linker;
use crate::state::{Spin, State};
use crate::wasi;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Cache, CacheConfig, CallHook, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

/// How long a guest may compute before other work of the host gets a turn.
const TURN: Duration = Duration::from_millis(10);

/// Instances at once, of all components. As in Spin, the sizes below only reserve address space.
const INSTANCES_MAX: u32 = 1000;
/// Memory that an instance leaves behind for the next one in its place, instead of giving it back to the system.
const KEEP_RESIDENT_BYTES: usize = 256 * 1024;
/// Places of finished instances that stay prepared. More would raise what the host holds when it is idle.
const WARM_PLACES: u32 = 32;

/// How the engine is set up.
pub(crate) struct EngineOptions {
    /// Where compiled code is kept; the user's cache folder without it.
    pub(crate) cache_dir: Option<PathBuf>,
    pub(crate) pooling: bool,
    pub(crate) memory_bytes_max: usize,
}

/// An engine with everything that components may import.
pub(crate) struct Platform {
    engine: Engine,
    linker: Linker<State>,
}

impl Platform {
    /// Builds the engine and starts its clock.
    pub(crate) fn new(options: &EngineOptions) -> Result<Self> {
        let engine = build_engine(options)?;
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker)?;
        add_http_to_linker(&mut linker)?;
        World::add_to_linker::<State, Spin>(&mut linker, |state| state)?;
        start_clock(&engine)?;
        Ok(Self { engine, linker })
    }

    /// Compiles a component, or takes it from the cache, and checks that all of its imports are provided.
    pub(crate) fn load(&self, path: &Path) -> Result<InstancePre<State>> {
        let component = Component::from_file(&self.engine, path).map_err(anyhow::Error::from);
        let component = component.with_context(|| format!("loading {}", path.display()))?;
        let ready = self.linker.instantiate_pre(&component).map_err(anyhow::Error::from);
        ready.with_context(|| format!("{} needs something that this host does not provide", path.display()))
    }
}

/// A store in which a guest that computes for long gives way again and again, so that its request can time out; and which knows whose
/// request is computed.
pub(crate) fn new_store(engine: &Engine, state: State) -> Store<State> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    store.call_hook(|mut store, transition| {
        if matches!(transition, CallHook::CallingWasm) {
            let task = store.async_call_stack()?.last();
            store.data().running.set(task);
        }
        Ok(())
    });
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    store
}

/// Pooling needs a great deal of address space. Where that is limited, instances are made one by one.
fn build_engine(options: &EngineOptions) -> Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model(true).wasm_component_model_async(true).epoch_interruption(true);
    config.cache(open_cache(options.cache_dir.as_deref())?);
    if options.pooling {
        let pooled = config.clone().allocation_strategy(pooling(options.memory_bytes_max)).to_owned();
        match Engine::new(&pooled) {
            Ok(engine) => return Ok(engine),
            Err(error) => tracing::debug!("no pooling of instances: {error:#}"),
        }
    }
    Ok(Engine::new(&config)?)
}

/// A cache that was asked for must work; the default one may be missing, for instance where there is no home.
fn open_cache(folder: Option<&Path>) -> Result<Option<Cache>> {
    let mut config = CacheConfig::new();
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        config.with_directory(folder.canonicalize()?);
    }
    match Cache::new(config) {
        Ok(cache) => Ok(Some(cache)),
        Err(error) if folder.is_none() => {
            tracing::warn!("compiled components are not cached: {error:#}");
            Ok(None)
        }
        Err(error) => Err(anyhow::Error::from(error)).context("opening the cache of compiled components"),
    }
}

fn pooling(memory_bytes_max: usize) -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(INSTANCES_MAX)
        .total_core_instances(4 * INSTANCES_MAX)
        .total_memories(INSTANCES_MAX)
        .total_tables(2 * INSTANCES_MAX)
        .total_stacks(INSTANCES_MAX)
        .max_core_instances_per_component(200)
        .max_memories_per_component(32)
        .max_tables_per_component(64)
        .max_component_instance_size(10 * 1024 * 1024)
        .max_core_instance_size(10 * 1024 * 1024)
        .max_memory_size(memory_bytes_max)
        .table_elements(100_000)
        .max_unused_warm_slots(WARM_PLACES)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES);
    InstanceAllocationStrategy::Pooling(pool)
}

/// Advances the epoch for as long as the engine lives.
fn start_clock(engine: &Engine) -> Result<()> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::park_timeout(TURN);
        }
    };
    thread::Builder::new().name("epoch".into()).spawn(tick).context("starting the epoch clock")?;
    Ok(())
}
