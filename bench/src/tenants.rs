//! Workspaces to write into. Every round gets fresh ones, so that no server works on a fuller table than another.

use anyhow::{Context, Result};
use noted::database;
use noted::keys::{self, KeyKind, KeyRequest, Tier};
use sqlx::PgConnection;
use url::Url;

const OWNER_EMAIL: &str = "bench@localhost";

/// Where keys come from.
pub(crate) enum Tenants {
    /// Made here, each for a workspace of its own.
    Made {
        /// A connection of the schema's owner.
        owner: Box<PgConnection>,
        /// What the servers hash keys with.
        key_pepper: String,
    },
    /// Those of another server: all that there are.
    Given(Vec<String>),
}

impl Tenants {
    /// Tenants in a database of our own.
    pub(crate) async fn in_database(owner_url: &Url, key_pepper: &str) -> Result<Self> {
        let owner = Box::new(database::connect(owner_url).await?);
        Ok(Self::Made { owner, key_pepper: key_pepper.to_owned() })
    }

    /// Keys of `count` workspaces, empty ones if they can be made.
    pub(crate) async fn keys(&mut self, count: usize) -> Result<Vec<String>> {
        match self {
            Self::Given(keys) => Ok(keys.iter().take(count).cloned().collect()),
            Self::Made { owner, key_pepper } => {
                let mut made = Vec::with_capacity(count);
                for _ in 0..count {
                    made.push(keys::create(owner, &request(), key_pepper).await?.api_key);
                }
                Ok(made)
            }
        }
    }

    /// A key of one workspace.
    pub(crate) async fn key(&mut self) -> Result<String> {
        self.keys(1).await?.pop().context("no key")
    }
}

fn request() -> KeyRequest {
    KeyRequest {
        workspace: None,
        new_workspace: Some("bench".to_owned()),
        email: OWNER_EMAIL.to_owned(),
        kind: KeyKind::Ide,
        scopes: Vec::new(),
        expires_days: 1,
        // Not counted: the rate limit is not what is measured.
        tier: Tier::Internal,
        test: true,
    }
}
