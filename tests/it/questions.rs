//! A few hundred random questions while notes change; `cargo xtask prove` asks ten thousand.
#![expect(clippy::print_stdout, reason = "the seed and the numbers of a run are its result")]

use noted_tests::histories::proof::seed;
use noted_tests::questions::ask;
use noted_tests::world::shared;

/// Enough for each deliberate bug of the search to be caught.
const QUESTIONS: u32 = 400;

#[tokio::test]
async fn no_answer_shows_what_is_foreign_deleted_or_stale_while_notes_change() {
    let seed = seed();
    match ask(shared(), seed, QUESTIONS, || {}).await {
        Ok(asked) => println!("{asked}; NOTED_SEED={seed} repeats the questions"),
        Err(wrong) => panic!("NOTED_SEED={seed}, {wrong:#}"),
    }
}
