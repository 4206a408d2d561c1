//! Why something could not be done, in a sentence for a person and a kind for a program.

use std::fmt;

/// What a script may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It ran, and something of it was refused or failed.
    Incomplete,
    /// It was not done, because it is more than anybody does by intention; a person has to say so.
    Unmeant,
    /// The server or the database could not be reached.
    Unreachable,
    /// The key is missing, wrong, expired or lacks a scope.
    Unauthorized,
}

/// A sentence for the person at the terminal, with its kind.
#[derive(Debug)]
pub struct Failure {
    /// What a script may want to tell apart.
    pub kind: Kind,
    /// What happened and what to do.
    pub message: String,
}

impl Failure {
    /// A failure of the given kind.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
