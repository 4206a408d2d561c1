//! What every part of Noted agrees on.
//!
//! - [`domain`]: values and rules. Pure: no clock, no environment, no input or output.
//! - [`wire`]: the shapes of requests and answers, used by the components and by every client.
//! - [`limits`]: every number that bounds something, with its unit and its reason.
//! - [`error`]: the closed list of what can go wrong, and what the client is told.
//! - [`input`]: a JSON object read field by field, so that every fault in it is reported at once.
//! - `edge` (feature `edge`): the only code that knows Spin.

pub mod domain;
#[cfg(feature = "edge")]
pub mod edge;
pub mod error;
pub mod input;
pub mod limits;
pub mod wire;
