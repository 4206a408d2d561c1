//! How a command ends when it does not succeed: one sentence and an exit code that a script can tell apart.

use std::fmt;
use std::process::ExitCode;

/// Exit codes beside 0 (done) and 2 (wrong usage, given by the argument parser).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 1: it ran, and something of it was refused or failed.
    Incomplete,
    /// 3: the server or the database could not be reached.
    Unreachable,
    /// 4: the key is missing, wrong, expired or lacks a scope.
    Unauthorized,
}

/// A sentence for the person at the terminal, with the kind that decides the exit code.
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

/// An error and its causes as one sentence. Some libraries repeat the cause in the error's own text; it is said once.
#[must_use]
pub fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !said.contains(&cause) {
            said = if said.is_empty() { cause } else { format!("{said}: {cause}") };
        }
    }
    said
}

/// The exit code of an error: that of the [`Failure`] inside it, 1 otherwise.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<Failure>().map(|failure| failure.kind) {
        Some(Kind::Unreachable) => ExitCode::from(3),
        Some(Kind::Unauthorized) => ExitCode::from(4),
        Some(Kind::Incomplete) | None => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::anyhow!("permission denied").context("the database said: permission denied").context("no key was made");
        assert_eq!(sentence(&error), "no key was made: the database said: permission denied");
    }
}
