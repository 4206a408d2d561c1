//! What surrounds every JSON answer.

use crate::domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// The version of this API, as it stands in the URL and in `meta`.
pub const API_VERSION: &str = "v1";

/// `{data, meta, errors}`: `data` is null when something went wrong, `errors` is empty when nothing did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// The answer.
    pub data: Option<T>,
    /// About the answer.
    pub meta: Meta,
    /// What went wrong.
    pub errors: Vec<Problem>,
}

/// About an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meta {
    /// Names this one request, in logs and bug reports.
    pub request_id: String,
    /// The server's clock, so that a client can notice that its own is wrong.
    pub timestamp: Timestamp,
    /// Always [`API_VERSION`].
    pub api_version: Cow<'static, str>,
}

/// One thing that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// What to switch on; one of the codes of [`crate::error::Code`], and possibly a newer one.
    pub code: Cow<'static, str>,
    /// What to show.
    pub message: String,
    /// The field it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Cow<'static, str>>,
    /// Facts to act on, of a shape that depends on the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}
