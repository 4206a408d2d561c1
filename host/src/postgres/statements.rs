//! Prepared statements that stay with their connection, so that a repeated query costs one round trip instead of two.
//!
//! Spin prepares every time, and a guest must not be able to tell the difference. So a kept statement is used only outside transactions,
//! where a refusal of it at the binding can be answered by preparing afresh and trying once more; and whatever could change what a
//! statement means (DDL, SET, DISCARD ...) empties the cache of its connection.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio_postgres::Statement;

/// Statements kept per connection; each holds a plan in the server's memory.
const STATEMENTS_MAX: usize = 128;
/// Longer texts are rarely repeated and would fill the host's memory.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// The statements of one connection, and whether it may be inside a transaction.
#[derive(Default)]
pub(crate) struct Statements(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    kept: HashMap<String, Kept>,
    clock: u64,
    /// Since a BEGIN, until a COMMIT or ROLLBACK has succeeded. It outlives the guest, as the transaction does.
    in_transaction: bool,
}

struct Kept {
    statement: Statement,
    last_use: u64,
}

/// What a statement does to the connection, as far as its first word tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Reads or writes rows: worth keeping.
    Rows,
    /// Opens a transaction.
    Begin,
    /// Ends one for certain.
    End,
    /// Anything else, which may change what other statements mean.
    Other,
}

impl Kind {
    /// Judges a statement's text.
    pub(crate) fn of(text: &str) -> Self {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == ';');
        let first = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
        match first.as_str() {
            "select" | "insert" | "update" | "delete" | "with" | "values" | "merge" => Self::Rows,
            "begin" | "start" => Self::Begin,
            "commit" | "rollback" | "end" | "abort" if is_plain_end(text) => Self::End,
            _ => Self::Other,
        }
    }
}

/// `ROLLBACK TO x`, `COMMIT AND CHAIN` and `COMMIT PREPARED` leave a transaction open, or end another one.
fn is_plain_end(text: &str) -> bool {
    match text.split_once(char::is_whitespace) {
        None => true,
        Some((_, rest)) => ["work", "transaction"].contains(&rest.trim().to_ascii_lowercase().as_str()),
    }
}

impl Statements {
    /// The kept statement of this text, unless the connection may be inside a transaction.
    pub(crate) fn find(&self, text: &str) -> Option<Statement> {
        let mut inner = self.lock();
        if inner.in_transaction {
            return None;
        }
        inner.clock += 1;
        let clock = inner.clock;
        let kept = inner.kept.get_mut(text)?;
        kept.last_use = clock;
        Some(kept.statement.clone())
    }

    /// Takes note of a statement that is about to be sent.
    pub(crate) fn before(&self, kind: Kind) {
        let mut inner = self.lock();
        match kind {
            Kind::Begin => inner.in_transaction = true,
            Kind::Other => inner.kept.clear(),
            Kind::Rows | Kind::End => {}
        }
    }

    /// Takes note of a statement that the server accepted, and keeps it if that is worth while.
    pub(crate) fn accepted(&self, kind: Kind, text: &str, statement: Statement) {
        let mut inner = self.lock();
        match kind {
            Kind::End => inner.in_transaction = false,
            Kind::Rows if !inner.in_transaction && text.len() <= TEXT_BYTES_MAX => inner.keep(text, statement),
            Kind::Rows | Kind::Begin | Kind::Other => {}
        }
    }

    /// Drops a statement that the server no longer accepts.
    pub(crate) fn forget(&self, text: &str) {
        self.lock().kept.remove(text);
    }

    /// Nothing here can be left half done by a panic, so a poisoned lock is as good as a sound one.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn keep(&mut self, text: &str, statement: Statement) {
        if self.kept.len() >= STATEMENTS_MAX {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.last_use).map(|(text, _)| text.clone());
            oldest.and_then(|text| self.kept.remove(&text));
        }
        self.clock += 1;
        let last_use = self.clock;
        self.kept.insert(text.to_owned(), Kept { statement, last_use });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_tell_what_a_statement_does() {
        let cases = [
            ("select 1", Kind::Rows),
            ("\n  INSERT into a values (1) returning b", Kind::Rows),
            ("with a as (select 1) select * from a", Kind::Rows),
            ("BEGIN", Kind::Begin),
            ("start transaction isolation level serializable", Kind::Begin),
            ("begin;", Kind::Begin),
            ("COMMIT", Kind::End),
            ("commit ;", Kind::End),
            ("rollback work", Kind::End),
            ("end transaction", Kind::End),
            ("rollback to savepoint a", Kind::Other),
            ("commit and chain", Kind::Other),
            ("commit prepared 'a'", Kind::Other),
            ("/* a */ begin", Kind::Other),
            ("create table a ()", Kind::Other),
            ("selected", Kind::Other),
            ("", Kind::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(Kind::of(text), expected, "{text:?}");
        }
    }
}
