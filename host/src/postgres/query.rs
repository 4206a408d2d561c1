//! Running statements on a connection: in full, or as a stream of rows whose outcome comes afterwards.

use super::error::{query_failed, query_text};
use super::parameter::Parameter;
use super::pool::Session;
use super::statements::Kind;
use super::value;
use crate::bindings::spin::postgres::postgres::{Column, Error, ParameterValue, Row, RowSet};
use crate::state::HOST_BUFFER_BYTES_MAX;
use futures::{FutureExt, StreamExt};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use tokio_postgres::RowStream;
use tokio_postgres::types::ToSql;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

/// Rows that are handed over at once, when that many are there.
const BATCH_ROWS: usize = 256;
/// A batch also ends here, so that large rows are not piled up.
const BATCH_BYTES: usize = 1024 * 1024;

/// The start of a streamed result: the columns, known from the first row alone, and either all rows or the rest to come.
pub(crate) struct Streamed {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Rows,
}

/// The rows of a streamed result.
pub(crate) enum Rows {
    /// All of them came at once, with the outcome.
    Complete(Vec<Row>, Result<(), Error>),
    /// More will come, and then the outcome.
    Open(RowProducer, oneshot::Receiver<Result<(), Error>>),
}

impl Session {
    /// Runs a statement and says how many rows it touched. Every error shows here.
    pub(crate) async fn execute(&self, statement: &str, parameters: Vec<ParameterValue>) -> Result<u64, Error> {
        let parameters = Parameter::convert_all(parameters).map_err(|error| Error::ValueConversionFailed(format!("{error:#}")))?;
        let mut rows = Box::pin(self.start(statement, &parameters).await?);
        while let Some(row) = rows.next().await {
            row.map_err(|error| query_failed(&error))?;
        }
        Ok(rows.rows_affected().unwrap_or(0))
    }

    /// Runs a statement and collects all rows, up to what the host may buffer.
    pub(crate) async fn query(&self, statement: &str, parameters: Vec<ParameterValue>) -> Result<RowSet, Error> {
        let mut stream = Box::pin(self.start_query(statement, parameters).await?);
        let mut columns = Vec::new();
        let mut rows = Vec::new();
        let mut bytes = size_of::<RowSet>();
        while let Some(row) = stream.next().await {
            let row = row.map_err(|error| query_failed(&error))?;
            if rows.is_empty() {
                columns = value::columns(&row);
            }
            let row = convert(&row)?;
            bytes += value::memory_size(&row);
            check_size(bytes)?;
            rows.push(row);
        }
        Ok(RowSet { columns, rows })
    }

    /// Runs a statement and returns once the first row is there. What fails later is in the outcome alone, even a refused insert.
    pub(crate) async fn query_streamed(&self, statement: &str, parameters: Vec<ParameterValue>) -> Result<Streamed, Error> {
        let mut stream = Box::pin(self.start_query(statement, parameters).await?);
        let mut columns = Vec::new();
        let mut batch = Batch::default();
        let mut next = stream.next().await;
        loop {
            if let (Some(Ok(row)), true) = (&next, batch.rows.is_empty()) {
                columns = value::columns(row);
            }
            if let Some(outcome) = batch.take(next) {
                return Ok(Streamed { columns, rows: Rows::Complete(batch.rows, outcome) });
            }
            if batch.is_full() {
                break;
            }
            match stream.next().now_or_never() {
                Some(item) => next = item,
                None => break,
            }
        }
        let (outcome, receiver) = oneshot::channel();
        let producer = RowProducer { batch, stream, outcome: Some(outcome) };
        Ok(Streamed { columns, rows: Rows::Open(producer, receiver) })
    }

    async fn start_query(&self, statement: &str, parameters: Vec<ParameterValue>) -> Result<RowStream, Error> {
        let parameters = Parameter::convert_all(parameters).map_err(|error| Error::BadParameter(format!("{error:#}")))?;
        self.start(statement, &parameters).await
    }

    /// Sends a statement and waits until the server has accepted it with its parameters.
    async fn start(&self, text: &str, parameters: &[Parameter]) -> Result<RowStream, Error> {
        if let Some(rows) = self.start_kept(text, parameters).await {
            return Ok(rows);
        }
        let kind = Kind::of(text);
        self.statements.before(kind);
        let statement = self.client.prepare(text).await.map_err(|error| query_failed(&error))?;
        let rows = self.client.query_raw(&statement, as_dyn(parameters)).await.map_err(|error| query_failed(&error))?;
        self.statements.accepted(kind, text, statement);
        Ok(rows)
    }

    /// Tries the statement that an earlier call left prepared. An error here comes before anything ran and outside a transaction, so
    /// the caller can prepare afresh: the table may have changed under the old one, or another parameter type may be due.
    async fn start_kept(&self, text: &str, parameters: &[Parameter]) -> Option<RowStream> {
        let statement = self.statements.find(text)?;
        let rows = self.client.query_raw(&statement, as_dyn(parameters)).await;
        if rows.is_err() {
            self.statements.forget(text);
        }
        rows.ok()
    }
}

fn as_dyn(parameters: &[Parameter]) -> impl ExactSizeIterator<Item = &(dyn ToSql + Sync)> {
    parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync))
}

fn convert(row: &tokio_postgres::Row) -> Result<Row, Error> {
    value::values(row).map_err(|error| query_text(format!("{error:#}")))
}

fn check_size(bytes: usize) -> Result<(), Error> {
    if bytes > HOST_BUFFER_BYTES_MAX {
        return Err(query_text(format!("query result exceeds limit of {HOST_BUFFER_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// Converted rows that wait to be handed over.
#[derive(Default)]
struct Batch {
    rows: Vec<Row>,
    bytes: usize,
}

impl Batch {
    /// Takes the stream's next item. An outcome means that nothing follows.
    fn take(&mut self, next: Option<Result<tokio_postgres::Row, tokio_postgres::Error>>) -> Option<Result<(), Error>> {
        let row = match next {
            None => return Some(Ok(())),
            Some(Err(error)) => return Some(Err(query_failed(&error))),
            Some(Ok(row)) => row,
        };
        let converted = convert(&row).and_then(|row| {
            let bytes = value::memory_size(&row);
            check_size(bytes)?;
            Ok((row, bytes))
        });
        match converted {
            Ok((row, bytes)) => {
                self.bytes += bytes;
                self.rows.push(row);
                None
            }
            Err(error) => Some(Err(error)),
        }
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }
}

/// Feeds a guest's stream from the connection, as fast as the guest reads.
pub(crate) struct RowProducer {
    batch: Batch,
    stream: Pin<Box<RowStream>>,
    /// Present until the outcome is known.
    outcome: Option<oneshot::Sender<Result<(), Error>>>,
}

impl RowProducer {
    fn finish(&mut self, outcome: Result<(), Error>) {
        if let Some(sender) = self.outcome.take() {
            // The guest may have dropped the future, which is its right.
            drop(sender.send(outcome));
        }
    }

    fn fill(&mut self, cx: &mut Context<'_>) {
        while self.outcome.is_some() && !self.batch.is_full() {
            let Poll::Ready(next) = self.stream.poll_next_unpin(cx) else {
                return;
            };
            if let Some(outcome) = self.batch.take(next) {
                self.finish(outcome);
            }
        }
    }
}

impl<D> StreamProducer<D> for RowProducer {
    type Item = Row;
    type Buffer = VecBuffer<Row>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Row, VecBuffer<Row>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = self.get_mut();
        this.fill(cx);
        let ended = this.outcome.is_none();
        if this.batch.rows.is_empty() && !ended {
            return if finish { Poll::Ready(Ok(StreamResult::Cancelled)) } else { Poll::Pending };
        }
        destination.set_buffer(mem::take(&mut this.batch).rows.into());
        Poll::Ready(Ok(if ended { StreamResult::Dropped } else { StreamResult::Completed }))
    }
}

impl Drop for RowProducer {
    /// A guest that stops reading is told that all went well, as on Spin; the driver discards the remaining rows.
    fn drop(&mut self) {
        self.finish(Ok(()));
    }
}
