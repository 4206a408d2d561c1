//! `spin:postgres@4.2.0`: pooled connections, statements and values, with the shapes and the sharp edges that Spin has.
//!
//! Deliberately kept from Spin: a connection goes back to its pool without a ROLLBACK, `timestamptz` cannot be read, and what fails while
//! rows are fetched shows only in the result's future. Better than Spin, and invisible to a guest: statements stay prepared.

#![expect(clippy::result_large_err, reason = "the generated error carries all that the server said")]

mod error;
pub(crate) mod host;
mod parameter;
mod pool;
mod query;
mod range;
mod statements;
mod tls;
mod value;

pub(crate) use pool::{Pools, PoolsConfig};
pub(crate) use tls::client_config;
