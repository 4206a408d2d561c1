//! What one instance of a component has: its WASI contexts, its resources, its limits.

use crate::component::Component;
use crate::memory::Memory;
use crate::outbound_http::Hooks;
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::Result;
use wasmtime::component::{GuestTaskId, HasData, ResourceTable};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// What the host buffers of one row, one result or one value, as Spin does.
pub(crate) const HOST_BUFFER_BYTES_MAX: usize = 128 * 1024 * 1024;

/// The data of one store.
pub(crate) struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    pub(crate) table: ResourceTable,
    pub(crate) memory: Memory,
    pub(crate) running: Running,
    pub(crate) component: Arc<Component>,
    /// PostgreSQL connections that the guest holds.
    pub(crate) open_connections: usize,
}

/// Which task of an instance ran last. Outlives the instance, to tell whose fault its end was.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<Mutex<Option<GuestTaskId>>>);

impl Running {
    pub(crate) fn set(&self, task: Option<GuestTaskId>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = task;
    }

    pub(crate) fn is(&self, task: GuestTaskId) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) == Some(task)
    }
}

/// Names the state for the generated traits.
pub(crate) struct Spin;

impl HasData for Spin {
    type Data<'a> = &'a mut State;
}

impl State {
    /// The state of a fresh instance.
    pub(crate) fn new(component: Arc<Component>, hooks: Hooks, memory: Memory) -> Result<Self> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(component.logs.stdout.clone()).stderr(component.logs.stderr.clone());
        for (name, value) in &component.environment {
            wasi.env(name, value);
        }
        if let Some(files) = &component.files {
            wasi.preopened_dir(files, "/", FsPerms::ReadOnly)?;
        }
        Ok(Self {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks,
            table: ResourceTable::new(),
            memory,
            running: Running::default(),
            component,
            open_connections: 0,
        })
    }

    /// Whether there is a component of this name that others may call.
    pub(crate) fn can_call(&self, component: &str) -> bool {
        self.hooks.can_call(component)
    }

    /// The view that the request handler needs.
    pub(crate) fn http_view(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.http_view()
    }
}
