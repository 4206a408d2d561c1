//! The routes that need a key, for tests that hold for all of them.

use reqwest::{Method, RequestBuilder};
use uuid::Uuid;

use crate::client::{Client, note_in, note_update};

/// One route, and a request to it that would be served.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Its method.
    pub method: &'static str,
    /// Its path; `{id}` stands for a note.
    pub path: &'static str,
    /// The scopes that a key needs.
    pub scopes: [&'static str; 2],
}

/// Every route that needs a key.
pub const KEYED: [Route; 6] = [
    Route { method: "POST", path: "/v1/ide-sync/create", scopes: ["notes:write", "ide:sync"] },
    Route { method: "PUT", path: "/v1/ide-sync/update/{id}", scopes: ["notes:write", "ide:sync"] },
    Route { method: "DELETE", path: "/v1/ide-sync/delete/{id}", scopes: ["notes:delete", "ide:sync"] },
    Route { method: "GET", path: "/v1/ide-sync/list", scopes: ["notes:read", "ide:sync"] },
    Route { method: "GET", path: "/v1/ide-sync/changes", scopes: ["notes:read", "ide:sync"] },
    Route { method: "GET", path: "/v1/ide-sync/status", scopes: ["notes:read", "ide:sync"] },
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
        match self.method {
            "POST" => request.json(&note_in(&format!("{}.md", Uuid::new_v4()), "text")),
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
