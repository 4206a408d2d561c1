//! A folder of markdown files brought to the server: scan both sides, plan, send.
//!
//! Three steps that can be looked at apart: [`scan`] reads the folder, [`plan`] compares it with the server and with what was last seen
//! ([`state`]), [`send`] carries the plan out. Planning is pure; everything that a dry run shows is what a real run does.

pub mod plan;
pub mod scan;
pub mod send;
pub mod state;
