//! The host's side of `wasi:http/client`: as WASI's, except that calling a component that does not exist ends the caller.
//!
//! Spin traps there, for a permission that leads nowhere is a mistake in the manifest, and so does this host.

use crate::allowed_hosts::service_chaining_target;
use crate::state::State;
use wasmtime::component::{Accessor, HasData, Linker, Resource};
use wasmtime::format_err;
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::client::{HostWithStore, add_to_linker};
use wasmtime_wasi_http::p3::bindings::http::types::{ErrorCode, add_to_linker as add_types_to_linker};
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtxView};

struct ClientHost;

impl HasData for ClientHost {
    type Data<'a> = WasiHttpCtxView<'a>;
}

/// Provides `wasi:http` of WASI 0.3.
pub(crate) fn add_http_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    add_to_linker::<State, ClientHost>(linker, State::http_view)?;
    add_types_to_linker::<State, WasiHttp>(linker, State::http_view)
}

impl HostWithStore<State> for ClientHost {
    async fn send(accessor: &Accessor<State, Self>, request: Resource<Request>) -> Result<Resource<Response>, TrappableError<ErrorCode>> {
        let missing = accessor.with(|mut access| missing_callee(access.data_mut(), &request)).map_err(TrappableError::trap)?;
        if let Some(callee) = missing {
            return Err(TrappableError::trap(format_err!("no component {callee:?} can be called")));
        }
        WasiHttp::send(&accessor.with_getter::<WasiHttp>(State::http_view), request).await
    }
}

/// The component that a request may and wants to call, if there is no such component.
fn missing_callee(state: &State, request: &Resource<Request>) -> wasmtime::Result<Option<String>> {
    let authority = state.table.get(request)?.authority.as_ref();
    let host = authority.map_or("", |authority| authority.host());
    let allowed = || state.component.allowed_hosts.allows(&format!("http://{host}"), "http");
    let callee = service_chaining_target(host).filter(|callee| allowed() && !state.can_call(callee));
    Ok(callee.map(str::to_owned))
}
