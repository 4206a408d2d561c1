//! The routes that need a key, for tests that hold for all of them.

use reqwest::{Method, RequestBuilder};
use uuid::Uuid;

use crate::client::{Client, item, note_in, note_update};

/// One route, and a request to it that would be served.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Its method.
    pub method: &'static str,
    /// Its path; `{id}` stands for a note.
    pub path: &'static str,
    /// The scopes that a key needs.
    pub scopes: &'static [&'static str],
}

const fn route(method: &'static str, path: &'static str, scopes: &'static [&'static str]) -> Route {
    Route { method, path, scopes }
}

/// Every route that needs a key.
pub const KEYED: [Route; 39] = [
    route("POST", "/v1/ide-sync/create", &["notes:write", "ide:sync"]),
    route("PUT", "/v1/ide-sync/update/{id}", &["notes:write", "ide:sync"]),
    route("DELETE", "/v1/ide-sync/delete/{id}", &["notes:delete", "ide:sync"]),
    route("POST", "/v1/ide-sync/batch", &["notes:write", "ide:sync"]),
    route("GET", "/v1/ide-sync/list", &["notes:read", "ide:sync"]),
    route("GET", "/v1/ide-sync/changes", &["notes:read", "ide:sync"]),
    route("GET", "/v1/ide-sync/status", &["notes:read", "ide:sync"]),
    route("GET", "/v1/notes", &["notes:read"]),
    route("POST", "/v1/notes", &["notes:write"]),
    route("GET", "/v1/notes/{id}", &["notes:read"]),
    route("PUT", "/v1/notes/{id}", &["notes:write"]),
    route("PATCH", "/v1/notes/{id}", &["notes:write"]),
    route("DELETE", "/v1/notes/{id}", &["notes:delete"]),
    route("POST", "/v1/notes/{id}/restore", &["notes:write"]),
    route("POST", "/v1/notes/{id}/restore/1", &["notes:write"]),
    route("GET", "/v1/notes/{id}/revisions", &["notes:read"]),
    route("GET", "/v1/notes/{id}/revisions/1", &["notes:read"]),
    route("GET", "/v1/notes/{id}/diff?from=1&to=1", &["notes:read"]),
    route("GET", "/v1/notes/search?q=text", &["notes:read"]),
    route("POST", "/v1/rag-query", &["rag:query"]),
    route("GET", "/v1/embeddings", &["notes:read"]),
    route("POST", "/v1/embeddings/backfill", &["notes:write"]),
    route("POST", "/v1/agent/write-note", &["notes:write"]),
    route("POST", "/v1/agent/feedback", &["notes:write"]),
    route("GET", "/v1/agent/report", &["notes:read"]),
    route("GET", "/v1/agent/corrections/export", &["notes:read"]),
    route("GET", "/v1/trash", &["notes:read"]),
    route("POST", "/v1/trash/restore", &["notes:write"]),
    route("GET", "/v1/folders", &["notes:read"]),
    route("POST", "/v1/folders", &["notes:write"]),
    route("PATCH", "/v1/folders/{id}", &["notes:write"]),
    route("DELETE", "/v1/folders/{id}", &["notes:delete"]),
    route("GET", "/v1/me", &[]),
    route("GET", "/v1/workspace/settings", &[]),
    route("PATCH", "/v1/workspace/settings", &[]),
    route("GET", "/v1/conflicts", &["notes:read"]),
    route("GET", "/v1/conflicts/{id}", &["notes:read"]),
    route("POST", "/v1/conflicts/{id}/resolve", &["notes:write"]),
    route("POST", "/v1/conflicts/{id}/restore", &["notes:write"]),
];

/// Every scope that a key can have.
pub const SCOPES: [&str; 7] = ["notes:read", "notes:write", "notes:delete", "rag:query", "ide:sync", "webhooks:manage", "api_keys:manage"];

impl Route {
    /// Its path, with a note's id where one belongs.
    #[must_use]
    pub fn path_of(&self, note_id: &str) -> String {
        self.path.replace("{id}", note_id)
    }

    /// A request that is right in every way but the key, which it lacks.
    ///
    /// # Panics
    /// When the path is not one.
    pub fn anonymous(&self, client: &Client, note_id: &str) -> RequestBuilder {
        let method = Method::from_bytes(self.method.as_bytes()).unwrap_or_default();
        let request = client.anonymous(method, &self.path_of(note_id)).header("Idempotency-Key", Uuid::new_v4().to_string());
        let decision = serde_json::json!({
            "strategy": "keep_noted", "side": "noted", "sync_origin_id": "test-origin", "version_vector": { "test-origin": 1 },
        });
        let written = format!("{} is not the text of any other note, and long enough.", Uuid::new_v4());
        match self.method {
            "POST" if self.path.ends_with("/rag-query") => request.json(&serde_json::json!({ "query": "text" })),
            "POST" if self.path.ends_with("/write-note") => {
                request.json(&serde_json::json!({ "content": written, "metadata": { "agent_model": "model" } }))
            }
            "POST" if self.path.ends_with("/feedback") => request.json(&serde_json::json!({ "note_id": note_id, "rating": "down" })),
            "POST" if self.path.ends_with("/batch") => {
                request.json(&serde_json::json!({ "notes": [item(&format!("{}.md", Uuid::new_v4()), "text")] }))
            }
            "POST" | "PATCH" if self.path.contains("/folders") => request.json(&serde_json::json!({ "name": Uuid::new_v4() })),
            "PATCH" if self.path.ends_with("/settings") => request.json(&serde_json::json!({ "agent_refused_words": [] })),
            "POST" if self.path.contains("/conflicts/") => request.json(&decision),
            "POST" if self.path.ends_with("/trash/restore") => request.json(&serde_json::json!({ "note_ids": [note_id] })),
            "POST" if self.path.contains("/restore") => request,
            "POST" => request.json(&note_in(&format!("{}.md", Uuid::new_v4()), "text")),
            "PUT" | "PATCH" if self.path.contains("/notes/") => {
                request.header("If-Match", "\"1\"").json(&serde_json::json!({ "title": "Title", "content": "text" }))
            }
            "DELETE" => request.header("If-Match", "*"),
            "PUT" => request.json(&note_update(&serde_json::json!({ "version_vector": { "test-origin": 1 } }), "another text")),
            _ => request,
        }
    }

    /// A request that is right in every way, about a note that was just created.
    ///
    /// # Panics
    /// When the path is not one.
    pub fn request(&self, client: &Client, note_id: &str) -> RequestBuilder {
        self.anonymous(client, note_id).bearer_auth(&client.key.api_key)
    }
}
