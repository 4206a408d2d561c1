//! Requests that guests send: permission, the way inside the application, and a pooled client for the way outside.

mod client;
mod connector;
mod hooks;
mod host;
mod idle_timeout;

pub(crate) use client::Client;
pub(crate) use hooks::Hooks;
pub(crate) use host::add_http_to_linker;
