//! What takes longer than a test run: ten times the histories, and every deliberate bug.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use noted_tests::histories::Length;
use noted_tests::histories::proof::{Failed, Passed, Proof, in_database, new_seed, over_http};
use noted_tests::mutants::{Checkout, Verdict, database_mutants, engine_mutants};
use noted_tests::world::{shared, shared_database};

/// Histories in which a bug of the database must be caught.
const FOR_A_DATABASE_BUG: u32 = 1_000;
/// Histories in which a bug of the engine must be caught.
const FOR_AN_ENGINE_BUG: u32 = 20_000;

/// Try histories against PostgreSQL, and see that deliberate bugs are caught.
#[derive(Parser)]
struct Arguments {
    /// How many histories against PostgreSQL.
    #[arg(long, default_value_t = 10_000)]
    histories: u32,
    /// How many histories over HTTP.
    #[arg(long, default_value_t = 1_000)]
    http_histories: u32,
    /// Only bugs whose description contains this.
    #[arg(long, default_value = "")]
    bug: String,
    /// Leave out the bugs of the engine, each of which is a build.
    #[arg(long)]
    no_builds: bool,
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
    let world = shared_database();
    if arguments.histories > 0 {
        let proof = Proof { seed: new_seed(), histories: arguments.histories, length: Length::Short, shrinks_max: 300 };
        passed("PostgreSQL", &proof, proof.run(|| in_database(&world.database)))?;
    }
    if arguments.http_histories > 0 {
        let proof = Proof { seed: new_seed(), histories: arguments.http_histories, length: Length::Short, shrinks_max: 30 };
        passed("HTTP", &proof, proof.run(|| over_http(shared())))?;
    }
    let mut verdicts = Vec::new();
    for bug in database_mutants()?.iter().filter(|bug| bug.name.contains(&arguments.bug)) {
        verdicts.push(told(&bug.name, bug.judge(world, FOR_A_DATABASE_BUG)?));
    }
    let engine_bugs: Vec<_> = engine_mutants()?.into_iter().filter(|bug| bug.name.contains(&arguments.bug)).collect();
    if !arguments.no_builds && !engine_bugs.is_empty() {
        let copy = Checkout::copy()?;
        copy.pass(FOR_AN_ENGINE_BUG)?;
        for bug in &engine_bugs {
            verdicts.push(told(&bug.name, bug.judge(&copy, FOR_AN_ENGINE_BUG)?));
        }
    }
    let caught = verdicts.iter().filter(|verdict| verdict.is_caught()).count();
    eprintln!("{caught} of {} deliberate bugs were caught", verdicts.len());
    if caught < verdicts.len() {
        bail!("a bug that nothing catches could be there already");
    }
    Ok(())
}

fn passed(server: &str, proof: &Proof, outcome: Result<Passed, Failed>) -> Result<()> {
    match outcome {
        Ok(passed) => eprintln!("{server}: {passed}; NOTED_SEED={} repeats them", proof.seed),
        Err(failed) => bail!("{server}: NOTED_SEED={}, {failed}", proof.seed),
    }
    Ok(())
}

fn told(name: &str, verdict: Verdict) -> Verdict {
    eprintln!("{name:<70} {verdict}");
    verdict
}
