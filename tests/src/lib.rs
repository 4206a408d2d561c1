//! Tests that need something running: how a host behaves, and what the bundle answers.
#![expect(clippy::panic, reason = "a test fails by panicking, and these are its hands")]

pub mod client;
pub mod conformance;
pub mod doors;
pub mod histories;
pub mod known_items;
pub mod model;
pub mod mutants;
pub mod provider;
pub mod proxy;
pub mod questions;
pub mod routes;
pub mod soak;
pub mod trees;
pub mod world;
