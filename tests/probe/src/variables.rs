//! `GET variable?name=`: one component variable, or the kind of error that asking for it gives.

use crate::reply::{self, Reply};
use serde_json::json;
use spin_sdk::http::Request;
use spin_sdk::wasip3::http::types::ErrorCode;

/// `{"value": ...}` or `{"error": "Undefined"}`.
pub(crate) async fn get(request: &Request) -> Result<Reply, ErrorCode> {
    let Some(name) = reply::parameter::<String>(request, "name") else {
        return Ok(reply::misuse("no name"));
    };
    Ok(match spin_sdk::variables::get(name).await {
        Ok(value) => reply::json(&json!({ "value": value })),
        Err(error) => reply::json(&json!({ "error": reply::variant_name(&error) })),
    })
}
