//! `noted-host`: runs the HTTP components of a Spin manifest on wasmtime, with Spin's interfaces and Spin's behaviour.
//!
//! It is meant for local runs, tests and small self-hosting: what passes here passes on Spin. It is not Spin, and not the way to scale.
//! Deliberately absent: triggers other than HTTP, guests that speak HTTP by WASI 0.2, TLS for inbound connections, and anything that is fetched from a network at startup.

mod allowed_hosts;
mod application;
mod bindings;
mod component;
mod connections;
mod engine;
mod files;
mod handler;
mod key_value;
mod listener;
mod logs;
mod manifest;
mod memory;
mod options;
mod outbound_http;
mod postgres;
mod problem;
mod routes;
mod runtime_config;
mod server;
mod state;
mod variables;
mod variables_host;
mod wasi;

use crate::options::{Format, Options};
use crate::server::{Application, Target};
use anyhow::{Context, Result};
use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// Shown without `RUST_LOG`: what concerns the operator.
const DEFAULT_LOG: LevelFilter = LevelFilter::WARN;

fn main() -> ExitCode {
    let options = Options::parse();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_filter(shown());
    tracing_subscriber::registry().with(lines).init();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What `RUST_LOG` asks for, such as `debug` or `warn,noted_host=debug`.
fn shown() -> Targets {
    let asked = std::env::var("RUST_LOG").ok().and_then(|wanted| wanted.parse().ok());
    asked.unwrap_or_else(|| Targets::new().with_default(DEFAULT_LOG))
}

fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let loaded = {
        let _guard = runtime.enter();
        application::load(options)?
    };
    return_free_memory();
    runtime.block_on(serve(Arc::clone(&loaded.application), options))
}

/// Asks for as many open files as the process may have, and says how many those are: most systems start programs with a thousand, for
/// the sake of old ones that cannot count further.
fn raise_open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).is_ok();
    let files_max = if raised { limit.maximum } else { limit.current };
    files_max.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX)
}

/// Compiling leaves a great deal of free memory in the allocator, which would be held for as long as the host runs.
fn return_free_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: glibc locks its heaps for this call, which moves nothing that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}

async fn serve(application: Arc<Application>, options: &Options) -> Result<()> {
    let listener = listener::bind(options.listen);
    let listener = listener.with_context(|| format!("cannot listen on {}", options.listen))?;
    // Handlers are in place before the address is printed: whoever reads it may signal at once.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    announce(&application, listener.local_addr()?, options.format)?;
    let stop = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    listener::serve(application, listener, options.connection_limits(raise_open_files()), stop).await
}

/// Says on standard output where the application is served.
fn announce(application: &Application, address: SocketAddr, format: Format) -> Result<()> {
    let base_url = format!("http://{address}");
    let mut out = std::io::stdout().lock();
    match format {
        Format::Json => writeln!(out, "{}", announcement(application, &base_url))?,
        Format::Plain => {
            writeln!(out, "Serving {base_url}\nAvailable Routes:")?;
            for (pattern, target) in application.routes().iter() {
                let (id, description) = describe(target);
                writeln!(out, "  {id}: {base_url}{pattern}")?;
                if !description.is_empty() {
                    writeln!(out, "    {description}")?;
                }
            }
        }
    }
    Ok(out.flush()?)
}

fn announcement(application: &Application, base_url: &str) -> serde_json::Value {
    let route = |(pattern, target): (&str, &Target)| {
        let (id, _) = describe(target);
        let component = matches!(target, Target::Component(_)).then_some(id);
        serde_json::json!({ "id": id, "route": pattern, "component": component })
    };
    let routes: Vec<_> = application.routes().iter().map(route).collect();
    serde_json::json!({ "base_url": base_url, "routes": routes })
}

fn describe(target: &Target) -> (&str, &str) {
    match target {
        Target::Component(handler) => (&handler.component().id, &handler.component().description),
        Target::Static(_) => ("static response", ""),
    }
}
