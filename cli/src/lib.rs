//! The command line's library: what `noted` does, callable by the tests and the bench.
//!
//! - [`config`]: where the server's address and the key come from.
//! - [`database`], [`keys`]: the owner's side of the database.
//! - [`local`]: PostgreSQL and the host as child processes.
//! - [`commands`]: one module a verb of the command line.

pub mod commands;
pub mod config;
pub mod database;
pub mod failure;
pub mod keys;
pub mod local;
pub mod output;
