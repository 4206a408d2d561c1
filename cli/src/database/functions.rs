//! The functions of the database: files beside the migrations and beside the components, replaced as a whole after every migration.
//!
//! All of them go and come in one transaction, so that running components see the old set or the new one, and nothing is left of a function
//! whose signature changed or whose file is gone.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail};
use rust_embed::RustEmbed;
use sqlx::{Connection, PgConnection, Row};

use super::execute;

/// What several components share: `migrations/functions/<schema>/<subject>.sql`.
#[derive(RustEmbed)]
#[folder = "../migrations/functions"]
#[include = "*/*.sql"]
struct SharedFiles;

/// What a component calls: `functions/<name>/<name>.sql`, or one file for each verb.
#[derive(RustEmbed)]
#[folder = "../functions"]
#[include = "*/*.sql"]
struct ComponentFiles;

/// The role that the functions of `api` run as; made by the first migration.
const API_ROLE: &str = "noted_api";

/// SQLSTATE of a call to a function that is not there.
const UNDEFINED_FUNCTION: &str = "42883";

/// A file's place in the repository, and what it says.
struct File {
    place: String,
    sql: String,
}

/// Replaces all functions.
pub(super) async fn replace(connection: &mut PgConnection) -> Result<()> {
    let mut transaction = connection.begin().await?;
    drop_in(&mut transaction).await?;
    create(&mut transaction, files::<SharedFiles>("migrations/functions")?).await?;
    // In the name of the role that they run as: `security definer` gives a function the rights of whoever made it.
    execute(&mut transaction, format!("set local role {API_ROLE}")).await?;
    for File { place, sql } in files::<ComponentFiles>("functions")? {
        execute(&mut transaction, sql).await.with_context(|| format!("{place} was refused"))?;
    }
    Ok(transaction.commit().await?)
}

/// Removes all functions, because they belong to the newest schema.
pub(super) async fn remove(connection: &mut PgConnection) -> Result<()> {
    let mut transaction = connection.begin().await?;
    drop_in(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

/// Creates what files say, in whatever order they need: one that calls a function of a later file waits for it.
async fn create(transaction: &mut PgConnection, files: Vec<File>) -> Result<()> {
    let mut waiting: VecDeque<File> = files.into();
    let mut failed_since_success = 0;
    while let Some(File { place, sql }) = waiting.pop_front() {
        let mut attempt = transaction.begin().await?;
        match execute(&mut attempt, format!("{sql}\nreset role;")).await {
            Ok(()) => {
                attempt.commit().await?;
                failed_since_success = 0;
            }
            Err(error) if lacks_a_function(&error) && failed_since_success < waiting.len() => {
                attempt.rollback().await?;
                failed_since_success += 1;
                waiting.push_back(File { place, sql });
            }
            Err(error) => bail!(error.context(format!("{place} was refused"))),
        }
    }
    Ok(())
}

fn lacks_a_function(error: &anyhow::Error) -> bool {
    let database = error.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    database.and_then(|error| error.code()).is_some_and(|code| code == UNDEFINED_FUNCTION)
}

fn files<Folder: RustEmbed>(folder: &str) -> Result<Vec<File>> {
    let mut names: Vec<_> = Folder::iter().collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let place = format!("{folder}/{name}");
            let content = Folder::get(&name).with_context(|| format!("{place} is part of this program"))?;
            let sql = String::from_utf8(content.data.into_owned()).with_context(|| format!("{place} is not UTF-8"))?;
            Ok(File { place, sql })
        })
        .collect()
}

/// Drops every function of our schemas but those that tables need, which migrations make. Whoever owns a function drops it, those last that
/// others may be made of.
async fn drop_in(transaction: &mut PgConnection) -> Result<()> {
    let owned = "select proc.proowner::regrole::text, string_agg(proc.oid::regprocedure::text, ', ')
        from pg_proc as proc
        where proc.pronamespace = any (array[
            to_regnamespace('api'), to_regnamespace('auth'), to_regnamespace('sync'), to_regnamespace('search')]::oid[])
          and not exists (
            select from pg_depend as needed
              where needed.refclassid = 'pg_proc'::regclass and needed.refobjid = proc.oid and needed.classid <> 'pg_proc'::regclass)
        group by proc.proowner order by array_position(array['noted_api', 'noted_search'], proc.proowner::regrole::text) nulls last";
    for row in sqlx::query(owned).fetch_all(&mut *transaction).await? {
        let (owner, functions): (String, String) = (row.get(0), row.get(1));
        execute(transaction, format!("set local role {owner}; drop function {functions}; reset role")).await?;
    }
    Ok(())
}
