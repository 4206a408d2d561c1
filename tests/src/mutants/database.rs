//! Bugs of the database's functions.

use std::iter;

use anyhow::{Context, Result, ensure};
use noted::local::stack::LocalDatabase;
use regex_lite::Regex;
use serde::Deserialize;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use tokio::runtime::Runtime;

use super::Verdict;
use crate::histories::Length;
use crate::histories::promises;
use crate::histories::proof::{Proof, in_database, seed};
use crate::questions::ask;
use crate::world::{World, checkout};

/// Histories before promises are asked for.
const FIRST_HISTORIES: u32 = 60;
/// Questions in which a bug of the search must be caught.
const FOR_A_QUESTION: u32 = 400;

/// A bug of one function.
#[derive(Clone, Debug, Deserialize)]
pub struct DatabaseMutant {
    /// What is wrong with it, in words.
    pub name: String,
    /// Whether questions have to catch it, and not histories or promises.
    #[serde(default)]
    questions: bool,
    #[serde(flatten)]
    edit: Edit,
    /// Further edits: what is guarded more than once is open only when all guards are gone.
    #[serde(default)]
    and: Vec<Edit>,
    also: Option<String>,
    undo: Option<String>,
}

/// A change of one function.
#[derive(Clone, Debug, Deserialize)]
struct Edit {
    function: String,
    find: String,
    replace: String,
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
        let mut undo = Vec::new();
        let applied = runtime.block_on(self.apply(&mut superuser, &mut undo));
        let verdict = match applied {
            Ok(None) if self.questions => Ok(runtime
                .block_on(ask(world, seed(), FOR_A_QUESTION, || {}))
                .map_or_else(|wrong| Verdict::Question(wrong.root_cause().to_string()), |_| Verdict::Survived)),
            Ok(None) => self.look(&runtime, &world.database, histories),
            Ok(Some(nonsense)) => Ok(Verdict::Nonsense(nonsense)),
            Err(error) => Err(error),
        };
        for statement in undo.iter().rev().chain(&self.undo) {
            runtime.block_on(execute(&mut superuser, statement))?;
        }
        verdict
    }

    /// Makes every edit, and pushes what undoes it. Answers why the database would not have one.
    async fn apply(&self, superuser: &mut PgConnection, undo: &mut Vec<String>) -> Result<Option<String>> {
        for edit in iter::once(&self.edit).chain(&self.and) {
            let original = edit.definition(&self.name, superuser).await?;
            let mutated = edit.mutated(&self.name, &original)?;
            if let Err(error) = execute(superuser, &mutated).await {
                return Ok(Some(format!("{error:#}")));
            }
            undo.push(original);
        }
        match &self.also {
            Some(statement) => Ok(execute(superuser, statement).await.err().map(|error| format!("{error:#}"))),
            None => Ok(None),
        }
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
}

impl Edit {
    async fn definition(&self, bug: &str, superuser: &mut PgConnection) -> Result<String> {
        let definition: Option<String> =
            sqlx::query_scalar("select pg_get_functiondef(to_regproc($1))").bind(&self.function).fetch_one(superuser).await?;
        definition.with_context(|| format!("{bug}: there is no function {}", self.function))
    }

    fn mutated(&self, bug: &str, original: &str) -> Result<String> {
        let words: Vec<String> = self.find.split_whitespace().map(regex_lite::escape).collect();
        let pattern = Regex::new(&words.join(r"\s*"))?;
        let places = pattern.find_iter(original).count();
        ensure!(places == 1, "{bug}: {places} places in {} say {:?}:\n{original}", self.function, self.find);
        Ok(pattern.replace(original, regex_lite::NoExpand(&self.replace)).into_owned())
    }
}

async fn execute(superuser: &mut PgConnection, statement: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(superuser).await?;
    Ok(())
}
