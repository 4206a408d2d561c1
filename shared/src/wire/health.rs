//! Whether the service is well.

use serde::{Deserialize, Serialize};

/// The answer to `GET /health`: 200 while the service answers, 503 when it is down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// The whole.
    pub status: State,
    /// Its parts.
    pub checks: Checks,
    /// `v` and the version of this build.
    pub version: String,
    /// For how many seconds every check was answered and none found the service down; a silence of ten minutes ends it. Zero while it is down.
    pub uptime_seconds: u64,
}

/// How the whole is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Everything works.
    Healthy,
    /// Notes are safe and sync works; something beside that does not.
    Degraded,
    /// Notes cannot be read or written.
    Down,
}

/// How each part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// Whether the database answers.
    pub database: Check,
    /// Whether vectors are read, their provider answers, and a worker comes for what waits.
    pub rag: Check,
    /// Whether stored notes can be read.
    pub storage: Check,
}

/// How one part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// In time and without error.
    Ok,
    /// Too slow, or not there.
    Degraded,
    /// Failed.
    Error,
}
