//! How a command ends when it does not succeed: one sentence and an exit code that a script can tell apart.

use std::process::ExitCode;

pub use noted_client::failure::{Failure, Kind};

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

/// The exit code of an error, beside 0 (done) and 2 (wrong usage, given by the argument parser): that of the [`Failure`] inside it, 1 otherwise.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<Failure>().map(|failure| failure.kind) {
        Some(Kind::Unreachable) => ExitCode::from(3),
        Some(Kind::Unauthorized) => ExitCode::from(4),
        Some(Kind::Incomplete | Kind::Unmeant) | None => ExitCode::FAILURE,
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
