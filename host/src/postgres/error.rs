//! Errors in the shape that Spin gives them: SQLSTATE in `code`, everything else the server said in `extras`.

use crate::bindings::spin::postgres::postgres::{DbError, Error, QueryError};
use tokio_postgres::error::DbError as Refusal;

/// A statement that failed, at the server or in the driver.
pub(crate) fn query_failed(error: &tokio_postgres::Error) -> Error {
    let as_text = format!("{error:?}");
    Error::QueryFailed(match error.as_db_error() {
        Some(refusal) => QueryError::DbError(db_error(refusal, as_text)),
        None => QueryError::Text(as_text),
    })
}

/// A failure on this side that has no SQLSTATE.
pub(crate) fn query_text(text: impl Into<String>) -> Error {
    Error::QueryFailed(QueryError::Text(text.into()))
}

/// The connection could not be had; the text is all there is.
pub(crate) fn connection_failed(text: impl Into<String>) -> Error {
    Error::ConnectionFailed(text.into())
}

fn db_error(refusal: &Refusal, as_text: String) -> DbError {
    DbError {
        as_text,
        severity: refusal.severity().to_owned(),
        code: refusal.code().code().to_owned(),
        message: refusal.message().to_owned(),
        detail: refusal.detail().map(str::to_owned),
        extras: extras(refusal),
    }
}

/// The remaining fields by Spin's names, of which `where_` really ends in an underscore.
fn extras(refusal: &Refusal) -> Vec<(String, String)> {
    let line = refusal.line().map(|line| line.to_string());
    let fields = [
        ("column", refusal.column()),
        ("constraint", refusal.constraint()),
        ("routine", refusal.routine()),
        ("hint", refusal.hint()),
        ("table", refusal.table()),
        ("datatype", refusal.datatype()),
        ("schema", refusal.schema()),
        ("file", refusal.file()),
        ("line", line.as_deref()),
        ("where_", refusal.where_()),
    ];
    let present = |(name, value): (&str, Option<&str>)| value.map(|value| (name.to_owned(), value.to_owned()));
    fields.into_iter().filter_map(present).collect()
}
