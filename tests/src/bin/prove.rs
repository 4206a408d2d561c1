//! What takes longer than a test run: ten times the histories, minutes in two watched folders, a minute at every door, ten thousand questions, and every deliberate bug.
//!
//! Each part runs whatever became of the one before it, and a table at the end tells of all. One that fails makes the whole fail.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use clap::{Parser, ValueEnum};
use noted::output;
use noted_tests::doors::knock;
use noted_tests::histories::Length;
use noted_tests::histories::proof::{Proof, Servers, in_database, in_memory, new_seed, over_http, seed};
use noted_tests::mutants::{Checkout, Verdict, database_mutants, engine_mutants};
use noted_tests::questions::ask;
use noted_tests::soak::soak;
use noted_tests::trees::try_trees;
use noted_tests::world::{World, shared, shared_database};

/// Histories in which a bug of the database must be caught.
const FOR_A_DATABASE_BUG: u32 = 1_000;
/// Histories in which a bug of the engine must be caught.
const FOR_AN_ENGINE_BUG: u32 = 20_000;

/// Folders that somebody has prepared.
const TREES: u32 = 10_000;
/// How long everybody goes through the doors.
const AT_THE_DOORS: Duration = Duration::from_secs(60);

/// Try sync for longer than a test run does, and see that deliberate bugs are caught.
#[derive(Parser)]
struct Arguments {
    /// Only this part; may be repeated.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Histories against PostgreSQL; in memory it is ten times as many, over HTTP a tenth.
    #[arg(long, default_value_t = 10_000)]
    histories: u32,
    /// How long two watched folders are edited.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// Questions that are asked while notes change.
    #[arg(long, default_value_t = 10_000)]
    questions: u32,
    /// Only bugs whose description contains this.
    #[arg(long, default_value = "")]
    bug: String,
}

/// A part of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Histories against the specification.
    Memory,
    /// Histories against the functions of the database.
    Postgresql,
    /// Histories against the running bundle, over a wire that goes wrong all the time.
    Http,
    /// Two folders that are watched and edited at random.
    Soak,
    /// Folders that somebody has prepared, against the program.
    Trees,
    /// Every door at once: nobody waits for one another in a circle.
    Doors,
    /// Random questions while notes change: nothing foreign, deleted or stale may be shown.
    Questions,
    /// Deliberate bugs of the database's functions.
    DatabaseBugs,
    /// Deliberate bugs of the engine and the shared core, each of which is a build.
    EngineBugs,
}

/// What a part showed, how much of it, and the seed that repeats it.
struct Shown {
    what: String,
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let parts = if arguments.only.is_empty() { Part::value_variants() } else { &arguments.only };
    let (mut rows, mut failed) = (Vec::new(), 0);
    for part in parts {
        let started = Instant::now();
        let shown = part.prove(arguments);
        let took = format!("{:.0} s", started.elapsed().as_secs_f64());
        let row = match shown {
            Ok(Shown { what, seed }) => [part.title().to_owned(), "holds".to_owned(), what, seed.to_string(), took],
            Err(error) => {
                failed += 1;
                eprintln!("{} FAILED: {error:#}", part.title());
                [part.title().to_owned(), "FAILED".to_owned(), "told above".to_owned(), String::new(), took]
            }
        };
        rows.push(row);
    }
    output::table(["PROOF", "RESULT", "WHAT", "SEED", "TOOK"], &rows)?;
    if failed > 0 {
        bail!("{failed} of {} proofs failed", rows.len());
    }
    Ok(())
}

impl Part {
    const fn title(self) -> &'static str {
        match self {
            Self::Memory => "histories in memory",
            Self::Postgresql => "histories against PostgreSQL",
            Self::Http => "histories over HTTP",
            Self::Soak => "two watched folders",
            Self::Trees => "prepared folders",
            Self::Doors => "every door at once",
            Self::Questions => "questions while notes change",
            Self::DatabaseBugs => "bugs of the database",
            Self::EngineBugs => "bugs of the engine",
        }
    }

    fn prove(self, arguments: &Arguments) -> Result<Shown> {
        let number = arguments.histories;
        match self {
            Self::Memory => self.histories(number.saturating_mul(10), Length::Long, 20_000, || Ok(in_memory())),
            Self::Postgresql => self.histories(number, Length::Short, 300, || in_database(&shared_database().database)),
            Self::Http => self.histories(number.div_ceil(10), Length::Short, 30, || over_http(shared())),
            Self::Soak => self.watched_folders(Duration::from_secs(arguments.seconds)),
            Self::Trees => self.trees(),
            Self::Doors => self.doors(),
            Self::Questions => self.questions(arguments.questions),
            Self::DatabaseBugs => database_bugs(&arguments.bug),
            Self::EngineBugs => engine_bugs(&arguments.bug),
        }
    }

    fn histories(
        self,
        histories: u32,
        length: Length,
        shrinks_max: u32,
        servers: impl Fn() -> Result<Servers, String> + Sync,
    ) -> Result<Shown> {
        let proof = Proof { seed: new_seed(), histories, length, shrinks_max };
        let bar = output::bar(true).with_message(self.title());
        bar.set_length(u64::from(histories));
        let outcome = proof.run(servers, || bar.inc(1));
        bar.finish_and_clear();
        let passed = outcome.map_err(|failed| anyhow!("NOTED_SEED={}, {failed}", proof.seed))?;
        Ok(Shown { what: passed.to_string(), seed: proof.seed })
    }

    fn watched_folders(self, length: Duration) -> Result<Shown> {
        let (seed, started) = (new_seed(), Instant::now());
        let bar = output::bar(true).with_message(self.title());
        bar.set_length(length.as_secs());
        let soaked = soak(shared(), seed, length, || bar.set_position(started.elapsed().as_secs()));
        let soaked = tokio::runtime::Runtime::new()?.block_on(soaked);
        bar.finish_and_clear();
        Ok(Shown { what: soaked.map_err(|error| error.context(format!("NOTED_SEED={seed}")))?.to_string(), seed })
    }

    fn trees(self) -> Result<Shown> {
        let seed = new_seed();
        let bar = output::bar(true).with_message(self.title());
        bar.set_length(u64::from(TREES));
        let tried = tokio::runtime::Runtime::new()?.block_on(try_trees(shared(), seed, TREES, || bar.inc(1)))?;
        bar.finish_and_clear();
        Ok(Shown { what: tried.to_string(), seed })
    }

    fn doors(self) -> Result<Shown> {
        let (seed, started) = (new_seed(), Instant::now());
        let bar = output::bar(true).with_message(self.title());
        bar.set_length(AT_THE_DOORS.as_secs());
        let knocked = knock(shared(), seed, AT_THE_DOORS, || bar.set_position(started.elapsed().as_secs()));
        let knocked = tokio::runtime::Runtime::new()?.block_on(knocked).map_err(|error| error.context(format!("NOTED_SEED={seed}")))?;
        bar.finish_and_clear();
        ensure!(knocked.deadlocks == 0, "{knocked}");
        Ok(Shown { what: knocked.to_string(), seed })
    }

    fn questions(self, questions: u32) -> Result<Shown> {
        let seed = new_seed();
        let bar = output::bar(true).with_message(self.title());
        bar.set_length(u64::from(questions));
        let asked = tokio::runtime::Runtime::new()?.block_on(ask(shared(), seed, questions, || bar.inc(1)));
        bar.finish_and_clear();
        Ok(Shown { what: asked.map_err(|error| error.context(format!("NOTED_SEED={seed}")))?.to_string(), seed })
    }
}

fn database_bugs(named: &str) -> Result<Shown> {
    let bugs: Vec<_> = database_mutants()?.into_iter().filter(|bug| bug.name.contains(named)).collect();
    let world = tokio::runtime::Runtime::new()?.block_on(World::to_be_broken())?;
    all_caught(bugs.iter().map(|bug| (bug.name.as_str(), bug.judge(&world, FOR_A_DATABASE_BUG))))
}

fn engine_bugs(named: &str) -> Result<Shown> {
    let bugs: Vec<_> = engine_mutants()?.into_iter().filter(|bug| bug.name.contains(named)).collect();
    let copy = Checkout::copy()?;
    copy.pass(FOR_AN_ENGINE_BUG)?;
    all_caught(bugs.iter().map(|bug| (bug.name.as_str(), bug.judge(&copy, FOR_AN_ENGINE_BUG))))
}

/// Tells of each bug as it is judged. One that nothing catches could be there already.
fn all_caught<'a>(judged: impl Iterator<Item = (&'a str, Result<Verdict>)>) -> Result<Shown> {
    let (mut caught, mut escaped) = (0, Vec::new());
    for (name, verdict) in judged {
        let told = verdict.as_ref().map_or_else(|error| format!("NOT TRIED: {error:#}"), ToString::to_string);
        eprintln!("  {name:<70} {told}");
        if verdict.is_ok_and(|verdict| verdict.is_caught()) {
            caught += 1;
        } else {
            escaped.push(name);
        }
    }
    if !escaped.is_empty() {
        bail!("{} of {} bugs were not caught: {}", escaped.len(), caught + escaped.len(), escaped.join("; "));
    }
    if caught == 0 {
        bail!("no bug has such a description");
    }
    Ok(Shown { what: format!("{caught} bugs, all caught"), seed: seed() })
}
