//! Deliberate bugs, and whether they are caught: what a proof is worth is shown by what it refuses.
//!
//! Bugs of the database's functions are put into a running database and taken out again, bugs of the engine into a copy of the checkout.

mod database;
mod engine;

pub use database::{DatabaseMutant, database_mutants};
pub use engine::{Checkout, EngineMutant, engine_mutants};

use std::fmt;

/// What caught a bug, or that nothing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A history, and its number.
    History(usize),
    /// A test that has a name.
    Test(String),
    /// A promise.
    Promise(&'static str),
    /// A question that was answered wrong, and what was wrong.
    Question(String),
    /// It does not even compile, so it is no bug that anybody could make.
    Nonsense(String),
    /// Nothing.
    Survived,
}

impl Verdict {
    /// Whether something caught it.
    #[must_use]
    pub fn is_caught(&self) -> bool {
        matches!(self, Self::History(_) | Self::Test(_) | Self::Promise(_) | Self::Question(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::History(number) => write!(f, "caught by history {number}"),
            Self::Test(name) => write!(f, "caught by the test: {name}"),
            Self::Promise(name) => write!(f, "caught by the promise: {name}"),
            Self::Question(wrong) => write!(f, "caught by a question: {wrong}"),
            Self::Nonsense(why) => write!(f, "NOT A BUG THAT RUNS: {why}"),
            Self::Survived => f.write_str("SURVIVED"),
        }
    }
}
