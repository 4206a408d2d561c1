//! API keys and other secrets: 32 random bytes, written as base64url.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use noted_shared::domain::ApiKey;
use noted_shared::domain::api_key::Environment;
use serde::Serialize;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// A key request names one.
pub use noted_shared::domain::KeyKind;

/// What a key may do and to whom it belongs.
#[derive(Debug, Clone, Args)]
pub struct KeyRequest {
    /// Id of the workspace that the key opens
    #[arg(long, value_name = "ID", required_unless_present = "new_workspace", conflicts_with = "new_workspace")]
    pub workspace: Option<Uuid>,
    /// Make a workspace with this name, owned by --email
    #[arg(long, value_name = "NAME")]
    pub new_workspace: Option<String>,
    /// Mail address of the key's owner, a member of the workspace
    #[arg(long, value_name = "MAIL")]
    pub email: String,
    /// Who uses the key: user, ide, agent, integration or service
    #[arg(long, value_parser = KeyKind::parse, default_value = KeyKind::User.name())]
    pub kind: KeyKind,
    /// A scope such as notes:read; may be repeated [default: what the kind usually needs]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Days until the key expires
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i32).range(1..=3650))]
    pub expires_days: i32,
    /// Limits of the workspace that is made
    #[arg(long, value_enum, default_value_t = Tier::Free, requires = "new_workspace")]
    pub tier: Tier,
    /// Make a key for tests (noted_sk_test_...) instead of one for real data (noted_sk_live_...)
    #[arg(long)]
    pub test: bool,
}

/// Limits of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    /// 100 requests a minute.
    Free,
    /// 200 requests a minute.
    Pro,
    /// 60,000 requests a minute, for local development.
    Dev,
    /// Not limited, for the operator's own services.
    Internal,
}

/// A key just made. The only time its text is known.
#[derive(Debug, Clone, Serialize)]
pub struct NewKey {
    /// The key itself.
    pub api_key: String,
    /// The name it can be spoken of by.
    pub public_id: String,
    /// Id of its workspace.
    pub workspace_id: Uuid,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it stops working, RFC 3339.
    pub expires_at: String,
}

impl Tier {
    /// The name on the command line and in the database.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// 43 characters that carry 256 bits of randomness.
///
/// # Errors
/// When the system gives no randomness.
pub fn random_token() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random()?))
}

fn random() -> Result<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(anyhow::Error::new).context("the system gave no randomness")?;
    Ok(bytes)
}

/// Makes a key, and its workspace when that is asked for, in one transaction.
///
/// # Errors
/// When the database refuses, for example a scope it does not know or an owner who is no member.
pub async fn create(connection: &mut PgConnection, request: &KeyRequest, pepper: &str) -> Result<NewKey> {
    let environment = if request.test { Environment::Test } else { Environment::Live };
    let key = ApiKey::from_random(environment, &random()?);
    let public_id = format!("key_{}", &Uuid::new_v4().simple().to_string()[..16]);
    let scopes = (!request.scopes.is_empty()).then_some(&request.scopes);
    let mut transaction = connection.begin().await?;
    let workspace_id = match (request.workspace, &request.new_workspace) {
        (Some(workspace_id), _) => workspace_id,
        (None, Some(workspace)) => create_workspace(&mut transaction, workspace, request).await?,
        (None, None) => anyhow::bail!("name a workspace, or a new one"),
    };
    let made = sqlx::query_scalar("select auth.key_create($1, $2, $3, $4, now() + make_interval(days => $5), $6, $7, $8)");
    let key_id: Uuid = made
        .bind(workspace_id)
        .bind(&request.email)
        .bind(request.kind.name())
        .bind(scopes)
        .bind(request.expires_days)
        .bind(key.hash(pepper).to_vec())
        .bind(key.last_four())
        .bind(&public_id)
        .fetch_one(&mut *transaction)
        .await?;
    // Still inside the transaction, which `key_create` let into the workspace: row security holds for the owner too.
    let stored = sqlx::query_as("select scopes, (extract(epoch from expires_at) * 1000000)::bigint from noted.user_api_keys where id = $1");
    let (scopes, expires_at_us): (Vec<String>, i64) = stored.bind(key_id).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    let expires_at = Timestamp::from_microsecond(expires_at_us)?.to_string();
    Ok(NewKey { api_key: key.reveal().to_owned(), public_id, workspace_id, scopes, expires_at })
}

/// Gives the names under which one key writes to another one of the workspace. Answers how many they were.
///
/// # Errors
/// When the workspace has no such keys.
pub async fn hand_over_origins(connection: &mut PgConnection, workspace_id: Uuid, from: &str, to: &str) -> Result<i64> {
    let moved = sqlx::query_scalar("select auth.hand_over_origins($1, $2, $3)").bind(workspace_id).bind(from).bind(to);
    Ok(moved.fetch_one(connection).await?)
}

async fn create_workspace(connection: &mut PgConnection, workspace: &str, request: &KeyRequest) -> Result<Uuid> {
    let made =
        sqlx::query_scalar("select auth.workspace_create($1, $2, $3)").bind(workspace).bind(&request.email).bind(request.tier.name());
    Ok(made.fetch_one(connection).await?)
}

#[cfg(test)]
mod tests {
    use super::{ApiKey, random_token};
    use std::collections::HashSet;

    #[test]
    fn tokens_do_not_repeat() {
        let tokens: HashSet<String> = (0..1000).map(|_| random_token().unwrap()).collect();
        assert_eq!(tokens.len(), 1000);
        assert!(tokens.iter().all(|token| ApiKey::parse(&format!("noted_sk_live_{token}")).is_ok()));
    }
}
