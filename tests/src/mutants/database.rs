//! Bugs of the database's functions.

use anyhow::{Context, Result, ensure};
use noted::local::stack::LocalDatabase;
use regex::Regex;
use serde::Deserialize;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use tokio::runtime::Runtime;

use super::Verdict;
use crate::histories::Length;
use crate::histories::promises;
use crate::histories::proof::{Proof, in_database, seed};
use crate::world::{World, checkout};

/// Histories before promises are asked for.
const FIRST_HISTORIES: u32 = 60;

/// A bug of one function.
#[derive(Clone, Debug, Deserialize)]
pub struct DatabaseMutant {
    /// What is wrong with it, in words.
    pub name: String,
    function: String,
    find: String,
    replace: String,
    also: Option<String>,
    undo: Option<String>,
}

#[derive(Deserialize)]
struct List {
    mutant: Vec<DatabaseMutant>,
}

/// The list in `tests/mutants/sql.toml`.
///
/// # Errors
/// When it cannot be read.
pub fn database_mutants() -> Result<Vec<DatabaseMutant>> {
    let list = std::fs::read_to_string(checkout().join("tests/mutants/sql.toml"))?;
    Ok(toml::from_str::<List>(&list).context("tests/mutants/sql.toml")?.mutant)
}

impl DatabaseMutant {
    /// Puts the bug into the database, looks for what catches it, and takes it out again.
    ///
    /// # Errors
    /// When the list does not fit the functions any more, or the database cannot be reached.
    pub fn judge(&self, world: &World, histories: u32) -> Result<Verdict> {
        let runtime = Runtime::new()?;
        let mut superuser = runtime.block_on(world.cluster().superuser("noted").connect())?;
        let original = runtime.block_on(self.definition(&mut superuser))?;
        let mutated = self.mutated(&original)?;
        let applied = runtime.block_on(execute(&mut superuser, &[Some(&mutated), self.also.as_ref()]));
        let verdict = match applied {
            Ok(()) => self.look(&runtime, &world.database, histories),
            Err(error) => Ok(Verdict::Nonsense(format!("{error:#}"))),
        };
        runtime.block_on(execute(&mut superuser, &[Some(&original), self.undo.as_ref()]))?;
        verdict
    }

    /// A few histories show most bugs, promises the ones that no history shows, and many histories the rare ones.
    fn look(&self, runtime: &Runtime, database: &LocalDatabase, histories: u32) -> Result<Verdict> {
        let seed = seed();
        let fails = |histories| Proof { seed, histories, length: Length::Short, shrinks_max: 0 }.run(|| in_database(database), || {}).err();
        if let Some(failed) = fails(histories.min(FIRST_HISTORIES)) {
            return Ok(Verdict::History(failed.history));
        }
        if let Some((promise, _)) = runtime.block_on(promises::ask_all(database))?.into_iter().find(|(_, outcome)| outcome.is_err()) {
            return Ok(Verdict::Promise(promise));
        }
        Ok(fails(histories).map_or(Verdict::Survived, |failed| Verdict::History(failed.history)))
    }

    async fn definition(&self, superuser: &mut PgConnection) -> Result<String> {
        let definition: Option<String> =
            sqlx::query_scalar("select pg_get_functiondef(to_regproc($1))").bind(&self.function).fetch_one(superuser).await?;
        definition.with_context(|| format!("{}: there is no function {}", self.name, self.function))
    }

    fn mutated(&self, original: &str) -> Result<String> {
        let words: Vec<String> = self.find.split_whitespace().map(regex::escape).collect();
        let pattern = Regex::new(&words.join(r"\s*"))?;
        let places = pattern.find_iter(original).count();
        ensure!(places == 1, "{}: {places} places in {} say {:?}:\n{original}", self.name, self.function, self.find);
        Ok(pattern.replace(original, regex::NoExpand(&self.replace)).into_owned())
    }
}

async fn execute(superuser: &mut PgConnection, statements: &[Option<&String>]) -> Result<()> {
    for statement in statements.iter().flatten() {
        sqlx::raw_sql(AssertSqlSafe((*statement).clone())).execute(&mut *superuser).await?;
    }
    Ok(())
}
