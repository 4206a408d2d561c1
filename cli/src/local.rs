//! Noted on this machine: PostgreSQL, the components and their host as child processes, for `noted up`, the tests and the bench.
//!
//! Nothing here runs in production: an operator brings a database and runs the bundle on Spin.

pub mod consent;
pub mod embedder;
pub mod folders;
pub mod host;
pub mod postgres;
pub mod project;
pub mod secrets;
pub mod stack;
pub mod ticker;
