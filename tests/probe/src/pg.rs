//! `POST pg`: statements on one connection, one after the other or all at once, and everything that came back.

mod value;

use crate::reply::{self, Reply};
use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use spin_sdk::http::Request;
use spin_sdk::pg::{Connection, Error, QueryResult, Row};
use spin_sdk::wasip3::http::types::ErrorCode;
use std::cell::RefCell;
use value::{PgValue, column_json, error_json, row_json};

thread_local! {
    /// The connection that a request left open for a later one of the same instance.
    static KEPT: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

#[derive(Deserialize)]
struct Order {
    /// Where to connect; the component's variable `database_url` if absent.
    url: Option<String>,
    steps: Vec<Step>,
    /// Start all steps before waiting for any.
    #[serde(default)]
    together: bool,
    /// Use the connection that an earlier request left, and leave it for a later one.
    #[serde(default)]
    keep: bool,
    /// Panic after the last step, with the connection open.
    #[serde(default)]
    then_panic: bool,
}

#[derive(Deserialize)]
struct Step {
    statement: String,
    #[serde(default)]
    params: Vec<Option<PgValue>>,
    #[serde(default)]
    mode: Mode,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Every row by `next`, then `result`: rows, and the error that ended them.
    #[default]
    Query,
    /// Every row by `next` and no more, as code does that forgets `result`.
    Next,
    /// `collect`.
    Collect,
    /// The number of rows that the server says were affected.
    Execute,
    /// Only how many rows there were and how long their text was: for large results.
    Count,
    /// The first row by `next`, then the rest is dropped unread.
    First,
}

/// `{"steps": [...]}`; `{"open": error}` when there was no connection; with `keep` also whether one was reused.
pub(crate) async fn run(request: Request) -> Result<Reply, ErrorCode> {
    let order: Order = match reply::parse(request).await? {
        Ok(order) => order,
        Err(misuse) => return Ok(misuse),
    };
    let kept = if order.keep { KEPT.take() } else { None };
    let reused = kept.is_some();
    let connection = match kept {
        Some(connection) => connection,
        None => match open(order.url).await {
            Ok(connection) => connection,
            Err(error) => return Ok(reply::json(&json!({ "open": error_json(error) }))),
        },
    };
    let steps = all(&connection, order.steps, order.together).await;
    panic_if(order.then_panic);
    if !order.keep {
        return Ok(reply::json(&json!({ "steps": steps })));
    }
    KEPT.set(Some(connection));
    Ok(reply::json(&json!({ "steps": steps, "reused": reused })))
}

async fn open(url: Option<String>) -> Result<Connection, Error> {
    let url = match url {
        Some(url) => url,
        None => spin_sdk::variables::get("database_url").await.map_err(|error| Error::Decode(error.to_string()))?,
    };
    Connection::open(url).await
}

async fn all(connection: &Connection, steps: Vec<Step>, together: bool) -> Vec<Value> {
    if together {
        return join_all(steps.into_iter().map(|step| one(connection, step))).await;
    }
    let mut results = Vec::with_capacity(steps.len());
    for step in steps {
        results.push(one(connection, step).await);
    }
    results
}

async fn one(connection: &Connection, step: Step) -> Value {
    let params: Vec<_> = step.params.into_iter().map(PgValue::into_parameter).collect();
    if matches!(step.mode, Mode::Execute) {
        return match connection.execute(step.statement, params).await {
            Ok(affected) => json!({ "affected": affected }),
            Err(error) => json!({ "error": error_json(error), "when": "execute" }),
        };
    }
    match connection.query(step.statement, params).await {
        Err(error) => json!({ "error": error_json(error), "when": "query" }),
        Ok(result) => read(result, &step.mode).await,
    }
}

async fn read(mut result: QueryResult, mode: &Mode) -> Value {
    let columns: Vec<_> = result.columns().iter().map(column_json).collect();
    let width = columns.len();
    if matches!(mode, Mode::Collect) {
        return match result.collect().await {
            Ok(rows) => json!({ "columns": columns, "rows": shown(&rows, width) }),
            Err(error) => json!({ "columns": columns, "error": error_json(error), "when": "collect" }),
        };
    }
    let (mut rows, mut text_bytes) = (Vec::new(), 0);
    while let Some(row) = result.next().await {
        text_bytes += value::text_bytes(&row, width);
        rows.push(row);
        if matches!(mode, Mode::First) {
            break;
        }
    }
    match mode {
        Mode::Next | Mode::First => json!({ "columns": columns, "rows": shown(&rows, width) }),
        Mode::Count => ended(result, json!({ "columns": columns, "count": rows.len(), "text_bytes": text_bytes })).await,
        _ => ended(result, json!({ "columns": columns, "rows": shown(&rows, width) })).await,
    }
}

/// Adds the error that `result` reports after the last row, if there is one.
async fn ended(result: QueryResult, mut answer: Value) -> Value {
    if let Err(error) = result.result().await {
        answer["error"] = error_json(error);
        answer["when"] = json!("result");
    }
    answer
}

fn shown(rows: &[Row], width: usize) -> Vec<Value> {
    rows.iter().map(|row| row_json(row, width)).collect()
}

#[expect(clippy::panic, reason = "the panic is what is asked for")]
fn panic_if(asked: bool) {
    if asked {
        panic!("asked to panic with an open connection");
    }
}
