//! Histories of several clients, a liar and one server, in memory: what was done, and what must be true whatever was done.
//!
//! The clients are the engine that `noted sync` runs, with a folder that is a map. A history is a list of operations and nothing else, so
//! that the same list has the same outcome every time, and a failing one can be made shorter.

mod client;
mod http;
mod liar;
mod operation;
pub mod postgres;
pub mod promises;
pub mod proof;
mod server;

pub use client::{Client, Fault};
pub use http::Http;
pub use liar::{Lie, Whose};
pub use operation::{Length, Operation, operations};
pub use server::{Sender, Server};

pub use noted_client::engine::Keep;

use std::collections::BTreeMap;

use noted_shared::domain::{ContentHash, NotePath};

use liar::Liar;

/// Times that everybody syncs at the end before they must agree.
const ROUNDS_MAX: usize = 12;

/// What a history came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Conflicts that were noticed on the way.
    pub conflicts: usize,
    /// Requests that were sent.
    pub requests: usize,
    /// What everybody has in the end.
    pub files: BTreeMap<NotePath, ContentHash>,
}

/// Runs a history, then lets everybody decide and sync until nothing changes any more, and checks what must be true.
///
/// # Errors
/// A sentence about the first thing that is not as it must be.
pub fn run(mut server: Server, clients: usize, operations: &[Operation]) -> Result<Outcome, String> {
    let server = &mut server;
    let mut clients: Vec<Client> = (0..clients).map(Client::new).collect();
    let mut liar = Liar::default();
    for (number, operation) in operations.iter().enumerate() {
        let done = operation.perform(&mut clients, &mut liar, server).and_then(|()| server.check());
        done.map_err(|wrong| format!("operation {number}, {operation:?}: {wrong}"))?;
    }
    settle(&mut clients, server)?;
    check_agreement(&clients, server)?;
    server.finish()?;
    let conflicts = clients.iter().map(|client| client.conflicts).sum();
    let requests = clients.iter().map(|client| client.requests).sum();
    Ok(Outcome { conflicts, requests, files: server.live()? })
}

/// Everybody decides what is open and syncs, until a whole round changes nothing.
fn settle(clients: &mut [Client], server: &mut Server) -> Result<(), String> {
    for round in 0..ROUNDS_MAX {
        let (files, seq) = (files_of(clients), server.seq()?);
        for (place, client) in clients.iter_mut().enumerate() {
            client.sync(server, Fault::None).map_err(|wrong| format!("at the end, client {place}: {wrong}"))?;
            for path in client.open_conflicts() {
                let keep = [Keep::Mine, Keep::Theirs, Keep::Both, Keep::Merged][(round + place) % 4];
                client.resolve(server, &path, keep).map_err(|wrong| format!("at the end, client {place}, {path}: {wrong}"))?;
            }
        }
        let is_quiet = clients.iter().all(|client| client.open_conflicts().is_empty());
        if is_quiet && seq == server.seq()? && files == files_of(clients) {
            return Ok(());
        }
    }
    Err(format!("nothing settles after {ROUNDS_MAX} rounds"))
}

fn files_of(clients: &[Client]) -> Vec<BTreeMap<NotePath, ContentHash>> {
    clients.iter().map(Client::files).collect()
}

fn check_agreement(clients: &[Client], server: &mut Server) -> Result<(), String> {
    let live = server.live()?;
    for (place, client) in clients.iter().enumerate() {
        let files = client.files();
        if files != live {
            return Err(format!("client {place} has {} and the server {}", shown(&files), shown(&live)));
        }
        for text in client.acknowledged() {
            if !server.has_text(*text)? {
                return Err(format!("client {place}: an acknowledged text is nowhere"));
            }
        }
    }
    Ok(())
}

fn shown(files: &BTreeMap<NotePath, ContentHash>) -> String {
    let shown: Vec<String> = files.iter().map(|(path, hash)| format!("{path}={}", &hash.to_string()[..6])).collect();
    format!("{{{}}}", shown.join(", "))
}
