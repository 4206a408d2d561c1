//! What a failed statement means.
//!
//! PostgreSQL's words can quote what the client sent, so they are neither answered nor logged: only its code and the names of ours that
//! it gives.

use crate::error::{Error, Fault};
use spin_sdk::pg::{DbError, Error as PgError, PgError as Wire, QueryError};

/// Why there is no row.
pub(super) enum Failure {
    /// The connection is of no use any more.
    Broken(String),
    /// The server is there but cannot do it now.
    Busy(String),
    /// It can never work like this.
    Wrong(String),
    /// The statement answered nothing.
    NoRow,
}

impl Failure {
    /// What the client is answered, and what the log is told.
    pub(super) fn into_error(self, doing: &'static str) -> Error {
        match self {
            Self::Broken(cause) => Error::Unavailable(Fault::new(doing, cause)),
            Self::Busy(cause) => Error::Unavailable(Fault { has_cost: true, ..Fault::new(doing, cause) }),
            Self::Wrong(cause) => Error::Internal(Fault { has_cost: true, ..Fault::new(doing, cause) }),
            Self::NoRow => Error::internal(doing, "no row"),
        }
    }
}

impl From<PgError> for Failure {
    fn from(error: PgError) -> Self {
        match error {
            PgError::PgError(Wire::ConnectionFailed(why)) => Self::Broken(format!("no connection: {why}")),
            // Without a code it never reached the server, or lost it on the way.
            PgError::PgError(Wire::QueryFailed(QueryError::Text(why))) => Self::Broken(format!("connection lost: {why}")),
            PgError::PgError(Wire::QueryFailed(QueryError::DbError(error))) => from_code(&error),
            PgError::PgError(Wire::BadParameter(_)) => Self::Wrong("a parameter has another type".to_owned()),
            PgError::PgError(Wire::ValueConversionFailed(_)) | PgError::Decode(_) => Self::Wrong("a value has another type".to_owned()),
            PgError::PgError(Wire::Other(_)) => Self::Wrong("the host failed".to_owned()),
        }
    }
}

/// Sorts by the class of the SQLSTATE.
fn from_code(error: &DbError) -> Failure {
    let named = |wanted: &str| error.extras.iter().find(|(name, _)| name == wanted).map_or("-", |(_, value)| value.as_str());
    let cause = format!("SQLSTATE {} (constraint {}, table {})", error.code, named("constraint"), named("table"));
    match error.code.as_str() {
        // The server is going down, starting up, or has ended the session.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Failure::Broken(cause),
        // Took too long, or waited too long for a lock.
        "57014" | "55P03" | "40001" | "40P01" => Failure::Busy(cause),
        // 08 is the connection, 53 is room: connections, memory, disk.
        code if code.starts_with("08") => Failure::Broken(cause),
        code if code.starts_with("53") => Failure::Busy(cause),
        _ => Failure::Wrong(cause),
    }
}
