//! Workspaces to write into. Every round gets fresh ones, so that no server works on a fuller table than another.

use anyhow::{Context, Result, bail};
use noted::database;
use noted::keys::{self, KeyKind, KeyRequest, Tier};
use noted_shared::domain::ApiKey;
use sqlx::{Connection, PgConnection};
use url::Url;
use uuid::Uuid;

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

    /// What the database keeps of a key.
    pub(crate) fn key_hash(&self, key: &str) -> Result<[u8; 32]> {
        match self {
            Self::Given(_) => bail!("the database is somebody else's"),
            Self::Made { key_pepper, .. } => Ok(ApiKey::parse(key)?.hash(key_pepper)),
        }
    }

    /// The workspace that a key opens.
    pub(crate) async fn workspace(&mut self, key: &str) -> Result<Uuid> {
        let key_hash = self.key_hash(key)?;
        let Self::Made { owner, .. } = self else { bail!("the database is somebody else's") };
        let mut transaction = owner.begin().await?;
        // Row security shows the owner the one row of this key.
        sqlx::query("select set_config('noted.key_hash', encode($1, 'hex'), true)").bind(&key_hash[..]).execute(&mut *transaction).await?;
        let workspace = "select workspace_id from noted.user_api_keys where key_hash = $1";
        Ok(sqlx::query_scalar(workspace).bind(&key_hash[..]).fetch_one(&mut *transaction).await?)
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
