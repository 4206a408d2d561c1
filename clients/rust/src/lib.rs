//! The two-way sync of Noted, for every program that keeps a folder and a workspace the same.
//!
//! - [`engine`]: decides. Pure: no clock, no disk, no socket, so that its histories can be tried by the hundred thousand.
//! - [`api`]: a client of the HTTP interface, with retries.
//! - [`folder`]: reads and writes files, and keeps what must survive a crash.
//! - [`session`]: carries out what the engine decides; [`watch`] does so again and again.

pub mod api;
pub mod engine;
pub mod failure;
pub mod folder;
pub mod session;
pub mod watch;
