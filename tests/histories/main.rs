//! Histories of clients that edit, move, delete, crash and lose their network: in memory by the hundred thousand, against PostgreSQL by the thousand.
//!
//! A failure prints its seed and the shortest history that still fails.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "the seed and the numbers of a run are its result")]

mod regressions;

use noted_tests::histories::Length;
use noted_tests::histories::promises;
use noted_tests::histories::proof::{Passed, Proof, in_database, in_memory, over_http, seed};
use noted_tests::mutants::database_mutants;
use noted_tests::world::{World, shared, shared_database};

/// Histories in memory; `NOTED_HISTORIES` asks for another number.
const IN_MEMORY: u32 = 100_000;
/// Histories against PostgreSQL; ten times as many by `cargo xtask prove`.
const IN_DATABASE: u32 = 1_000;
/// Histories over HTTP; ten times as many by `cargo xtask prove`.
const OVER_HTTP: u32 = 100;
/// Histories in which a bug of the database must be caught.
const FOR_A_BUG: u32 = 1_000;

fn assert_passed(proof: &Proof, passed: Result<Passed, impl std::fmt::Display>) {
    match passed {
        Ok(passed) => {
            println!("{passed}; NOTED_SEED={} repeats them", proof.seed);
            assert!(passed.conflicts > passed.histories / 10, "histories without conflicts prove nothing about them");
        }
        Err(failed) => panic!("NOTED_SEED={}, {failed}", proof.seed),
    }
}

#[test]
fn nothing_is_lost_and_everybody_agrees_in_the_end() {
    let histories = std::env::var("NOTED_HISTORIES").ok().and_then(|number| number.parse().ok()).unwrap_or(IN_MEMORY);
    let proof = Proof { seed: seed(), histories, length: Length::Long, shrinks_max: 20_000 };
    assert_passed(&proof, proof.run(|| Ok(in_memory()), || {}));
}

#[test]
fn postgresql_answers_as_the_specification_does() {
    let database = &shared_database().database;
    let proof = Proof { seed: seed(), histories: IN_DATABASE, length: Length::Short, shrinks_max: 300 };
    assert_passed(&proof, proof.run(|| in_database(database), || {}));
}

#[test]
fn nothing_is_lost_over_a_wire_that_goes_wrong_all_the_time() {
    let world = shared();
    let proof = Proof { seed: seed(), histories: OVER_HTTP, length: Length::Short, shrinks_max: 30 };
    assert_passed(&proof, proof.run(|| over_http(world), || {}));
}

#[tokio::test]
async fn promises_hold_for_many_callers_at_once() {
    for (promise, outcome) in promises::ask_all(&shared_database().database).await.unwrap() {
        assert_eq!(outcome, Ok(()), "{promise}");
    }
}

#[test]
fn deliberate_bugs_of_the_database_are_caught() {
    let world = tokio::runtime::Runtime::new().unwrap().block_on(World::to_be_broken()).unwrap();
    for bug in database_mutants().unwrap() {
        let verdict = bug.judge(&world, FOR_A_BUG).unwrap();
        assert!(verdict.is_caught(), "{}: {verdict}", bug.name);
    }
}
