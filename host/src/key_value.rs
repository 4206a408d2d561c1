//! Key-value stores in SQLite: `spin:key-value@3.0.0`, and `wasi:keyvalue` with its atomic and batch operations.
//!
//! The file has Spin's layout, so the two can be exchanged. Two of Spin's defects are not copied: a counter whose value is not eight
//! bytes is an error here instead of a panic that breaks the store, and listing keys does not hold the store while the guest reads.

mod spin_host;
pub(crate) mod store;
mod wasi_host;

pub(crate) use store::Stores;
