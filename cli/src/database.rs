//! The database as its owner sees it: migrations, the components' functions, workspaces and keys.
//!
//! The components never use this; they may only execute functions of the `api` schema.

use anyhow::{Context, Result, bail};
use noted_shared::domain::WorkspaceRules;
use sqlx::migrate::{Migrate, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use url::Url;
use uuid::Uuid;

mod functions;

/// The numbered migrations, part of this program: an operator needs no checkout.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// The checksum of the first migration as long as migrations held functions too. A database that has it is taken over; see `take_over`.
pub const WITH_FUNCTIONS: &str = "9ab55417ce3d37b780324f7db2cf63166ebb356ea0deb73f20804e2146724eb0df94e3c4b7fff9cc3161345a262d0df7";

/// One line of `noted migrate status`.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MigrationStatus {
    /// Its number.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// True when the database has it.
    pub applied: bool,
}

/// `DATABASE_URL`: a database that somebody else runs, as its owner.
///
/// # Errors
/// When it is set and not a URL.
pub fn configured_url() -> Result<Option<Url>> {
    let Some(url) = std::env::var_os("DATABASE_URL") else { return Ok(None) };
    // The value may hold a password, so the message does not repeat it.
    let url =
        url.to_str().and_then(|url| url.parse().ok()).context("DATABASE_URL must have the form postgres://user:password@host/database")?;
    Ok(Some(url))
}

/// Connects as the owner.
///
/// # Errors
/// When the server cannot be reached or refuses; the password is not in the message.
pub async fn connect(owner_url: &Url) -> Result<PgConnection> {
    // Pinned, because by default a role's own schema comes first, and an owner called `noted` would look for everything there.
    let options =
        PgConnectOptions::from_url(owner_url).context("DATABASE_URL is not a PostgreSQL URL")?.options([("search_path", "public")]);
    let place = format!("{}:{}", owner_url.host_str().unwrap_or("?"), owner_url.port().unwrap_or(5432));
    options.connect().await.with_context(|| format!("cannot connect to PostgreSQL at {place}"))
}

/// Makes the owner's role and database on a cluster that this program created.
pub(crate) async fn create_owner(server: &PgConnectOptions, database: &PgConnectOptions, owner: &str, password: &str) -> Result<()> {
    let mut connection = server.connect().await?;
    let exists = |kind: &'static str| match kind {
        "role" => "select exists (select from pg_roles where rolname = $1)",
        _ => "select exists (select from pg_database where datname = $1)",
    };
    if !sqlx::query_scalar::<_, bool>(exists("role")).bind(owner).fetch_one(&mut connection).await? {
        execute(&mut connection, format!("create role {owner} login createrole")).await?;
    }
    set_password(&mut connection, owner, password).await?;
    if !sqlx::query_scalar::<_, bool>(exists("database")).bind(owner).fetch_one(&mut connection).await? {
        execute(&mut connection, format!("create database {owner} owner {owner}")).await?;
        let mut inside = database.connect().await?;
        // Creating an extension may need a superuser; migrations are run by one who is not.
        execute(&mut inside, "create extension if not exists vector".to_owned()).await?;
        inside.close().await?;
    }
    Ok(connection.close().await?)
}

/// Sets a role's password.
///
/// # Errors
/// When the connected role may not.
pub async fn set_password(connection: &mut PgConnection, role: &str, password: &str) -> Result<()> {
    let literal = password.replace('\'', "''");
    execute(connection, format!("alter role {role} password '{literal}'"))
        .await
        .with_context(|| format!("cannot set the password of {role}"))
}

/// Lets the texts of a workspace go to the provider of embeddings, or no longer.
///
/// # Errors
/// When the workspace is not there, or the database refuses.
pub async fn set_consent(connection: &mut PgConnection, workspace: Uuid, consents: bool) -> Result<()> {
    sqlx::query("select search.set_consent($1, $2)").bind(workspace).bind(consents).execute(connection).await?;
    Ok(())
}

/// Sets what the agents' notes of a workspace are held against, and answers it; `None` leaves it as it is.
///
/// # Errors
/// When the workspace is not there, or the database refuses.
pub async fn set_agent_rules(
    connection: &mut PgConnection,
    workspace: Uuid,
    bytes_max: Option<i32>,
    refused_words: Option<&[String]>,
) -> Result<WorkspaceRules> {
    let set = sqlx::query_scalar::<_, String>("select sync.set_agent_rules($1, $2, $3)::text");
    let rules = set.bind(workspace).bind(bytes_max).bind(refused_words).fetch_one(connection).await?;
    Ok(serde_json::from_str(&rules)?)
}

/// Applies every pending migration, then replaces all functions. Answers how many migrations ran.
///
/// # Errors
/// When a migration fails: it is rolled back, the ones before it stay.
pub async fn up(connection: &mut PgConnection) -> Result<usize> {
    let before = status(connection).await?.iter().filter(|migration| migration.applied).count();
    ensure_vectors(connection).await?;
    MIGRATIONS.run(&mut *connection).await.context("a migration failed and was rolled back")?;
    functions::replace(connection).await?;
    Ok(MIGRATIONS.iter().filter(|m| m.migration_type == MigrationType::ReversibleUp).count() - before)
}

/// Search needs pgvector, which only some owners may install.
async fn ensure_vectors(connection: &mut PgConnection) -> Result<()> {
    let is_there = "select exists (select from pg_extension where extname = 'vector')";
    if sqlx::query_scalar::<_, bool>(is_there).fetch_one(&mut *connection).await? {
        return Ok(());
    }
    let made = sqlx::raw_sql("create extension vector").execute(connection).await;
    made.context("the database lacks pgvector, and this role cannot install it: have a superuser run `create extension vector` in it")
        .map(drop)
}

/// Reverts every migration above `target`; 0 reverts all.
///
/// # Errors
/// When `target` is unknown or a way back fails.
pub async fn down(connection: &mut PgConnection, target: i64) -> Result<usize> {
    let applied: Vec<i64> =
        status(connection).await?.into_iter().filter(|migration| migration.applied).map(|migration| migration.version).collect();
    if target != 0 && !applied.contains(&target) {
        bail!("migration {target} is not applied; `noted migrate status` lists those that are");
    }
    functions::remove(connection).await?;
    MIGRATIONS.undo(&mut *connection, target).await.context("a way back failed and was rolled back")?;
    if target != 0 {
        // The functions belong to the newest schema: an older one keeps only what it can run.
        eprintln!("note: the functions were removed; `noted migrate up` brings them back");
    }
    Ok(applied.iter().filter(|&&version| version > target).count())
}

/// Every migration and whether the database has it.
///
/// # Errors
/// When the database cannot be asked.
pub async fn status(connection: &mut PgConnection) -> Result<Vec<MigrationStatus>> {
    let table = MIGRATIONS.table_name.as_ref();
    connection.ensure_migrations_table(table).await?;
    take_over(connection).await?;
    let applied = connection.list_applied_migrations(table).await?;
    let ups = MIGRATIONS.iter().filter(|migration| migration.migration_type == MigrationType::ReversibleUp);
    Ok(ups
        .map(|migration| MigrationStatus {
            version: migration.version,
            name: migration.description.to_string(),
            applied: applied.iter().any(|done| done.version == migration.version),
        })
        .collect())
}

/// Makes a database of a release whose migrations held functions one of ours. The numbers and tables are the same; those migrations are gone
/// that held nothing but functions.
async fn take_over(connection: &mut PgConnection) -> Result<()> {
    let is_older = "select exists (select from _sqlx_migrations where version = 1 and encode(checksum, 'hex') = $1)";
    if !sqlx::query_scalar::<_, bool>(is_older).bind(WITH_FUNCTIONS).fetch_one(&mut *connection).await? {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    execute(&mut transaction, "delete from _sqlx_migrations where version > 14".to_owned()).await?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.migration_type == MigrationType::ReversibleUp) {
        sqlx::query("update _sqlx_migrations set checksum = $2 where version = $1")
            .bind(migration.version)
            .bind(&*migration.checksum)
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// Runs statements that take no parameters and come from this repository or from generated secrets, never from a user.
async fn execute(connection: &mut PgConnection, sql: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}
