//! `POST kv`: a list of operations on one store, through both interfaces that a host offers.
//!
//! Values are text. `increment` keeps a counter in a form that is the host's own business, so `get_length` shows only its size.

use crate::reply::{self, Reply};
use serde::Deserialize;
use serde_json::{Value, json};
use spin_sdk::experimental::wasi::keyvalue::atomics::{self, Cas, CasError};
use spin_sdk::experimental::wasi::keyvalue::store::{self as wasi_store, Bucket};
use spin_sdk::experimental::wasi::keyvalue::{batch, store};
use spin_sdk::http::Request;
use spin_sdk::key_value::{Error, Store};
use spin_sdk::wasip3::http::types::ErrorCode;

#[derive(Deserialize)]
struct Order {
    #[serde(default = "default_store")]
    store: String,
    steps: Vec<Step>,
}

fn default_store() -> String {
    "default".to_owned()
}

/// The operations of `spin:key-value@3.0.0` (plain names) and of `wasi:keyvalue@0.2.0-draft2` (`wasi_` names).
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Set(String, String),
    /// Stores that many bytes.
    SetLong(String, usize),
    Get(String),
    GetLength(String),
    Exists(String),
    Delete(String),
    /// All keys, sorted.
    GetKeys,
    /// Deletes every key, so that a case starts from nothing.
    Clear,
    WasiSet(String, String),
    WasiGet(String),
    WasiExists(String),
    WasiDelete(String),
    WasiListKeys(Option<String>),
    WasiIncrement(String, i64),
    WasiSetMany(Vec<(String, String)>),
    WasiGetMany(Vec<String>),
    WasiDeleteMany(Vec<String>),
    /// Reads the key through a compare-and-swap handle, overwrites it behind the handle's back if `between` is given, then swaps.
    WasiSwap {
        key: String,
        between: Option<String>,
        value: String,
    },
}

/// One result for each step: `{"ok": ...}` or `{"error": kind}`.
pub(crate) async fn run(request: Request) -> Result<Reply, ErrorCode> {
    let order: Order = match reply::parse(request).await? {
        Ok(order) => order,
        Err(misuse) => return Ok(misuse),
    };
    let mut results = Vec::with_capacity(order.steps.len());
    for step in order.steps {
        results.push(one(&order.store, step).await.unwrap_or_else(|error| json!({ "error": error })));
    }
    Ok(reply::json(&results))
}

async fn one(label: &str, step: Step) -> Result<Value, String> {
    let result = match step {
        Step::Set(..) | Step::SetLong(..) | Step::Delete(_) | Step::Clear => write(label, step).await.map_err(spin_error)?,
        Step::Get(_) | Step::GetLength(_) | Step::Exists(_) | Step::GetKeys => read(label, step).await.map_err(spin_error)?,
        Step::WasiSwap { key, between, value } => swap(label, &key, between.as_deref(), &value)?,
        Step::WasiSetMany(_) | Step::WasiGetMany(_) | Step::WasiDeleteMany(_) => many(label, step).map_err(wasi_error)?,
        single => wasi(label, single).map_err(wasi_error)?,
    };
    Ok(json!({ "ok": result }))
}

async fn write(label: &str, step: Step) -> Result<Value, Error> {
    let store = Store::open(label).await?;
    match step {
        Step::Set(key, value) => store.set(key, value).await?,
        Step::SetLong(key, bytes) => store.set(key, vec![b'x'; bytes]).await?,
        Step::Delete(key) => store.delete(key).await?,
        _ => {
            for key in store.get_keys().await.collect().await? {
                store.delete(key).await?;
            }
        }
    }
    Ok(Value::Null)
}

async fn read(label: &str, step: Step) -> Result<Value, Error> {
    let store = Store::open(label).await?;
    Ok(match step {
        Step::Get(key) => text(store.get(key).await?),
        Step::GetLength(key) => json!(store.get(key).await?.map(|value| value.len())),
        Step::Exists(key) => json!(store.exists(key).await?),
        _ => sorted(store.get_keys().await.collect().await?),
    })
}

fn wasi(label: &str, step: Step) -> Result<Value, store::Error> {
    let bucket = wasi_store::open(label)?;
    Ok(match step {
        Step::WasiSet(key, value) => json!(bucket.set(&key, value.as_bytes())?),
        Step::WasiGet(key) => text(bucket.get(&key)?),
        Step::WasiExists(key) => json!(bucket.exists(&key)?),
        Step::WasiDelete(key) => json!(bucket.delete(&key)?),
        Step::WasiIncrement(key, delta) => json!(atomics::increment(&bucket, &key, delta)?),
        Step::WasiListKeys(cursor) => sorted(bucket.list_keys(cursor.as_deref())?.keys),
        _ => Value::Null,
    })
}

fn many(label: &str, step: Step) -> Result<Value, store::Error> {
    let bucket = wasi_store::open(label)?;
    match step {
        Step::WasiSetMany(pairs) => {
            let pairs: Vec<_> = pairs.into_iter().map(|(key, value)| (key, value.into_bytes())).collect();
            batch::set_many(&bucket, &pairs)?;
        }
        Step::WasiGetMany(keys) => {
            let mut found: Vec<_> = batch::get_many(&bucket, &keys)?.into_iter().map(|(key, value)| (key, text(value))).collect();
            found.sort_by(|left, right| left.0.cmp(&right.0));
            return Ok(json!(found));
        }
        Step::WasiDeleteMany(keys) => batch::delete_many(&bucket, &keys)?,
        _ => (),
    }
    Ok(Value::Null)
}

/// `"swapped"`, or the value that the fresh handle of a failed swap shows.
fn swap(label: &str, key: &str, between: Option<&str>, value: &str) -> Result<Value, String> {
    let bucket: Bucket = wasi_store::open(label).map_err(wasi_error)?;
    let cas = Cas::new(&bucket, key).map_err(wasi_error)?;
    let before = text(cas.current().map_err(wasi_error)?);
    if let Some(between) = between {
        bucket.set(key, between.as_bytes()).map_err(wasi_error)?;
    }
    match atomics::swap(cas, value.as_bytes()) {
        Ok(()) => Ok(json!({ "before": before, "swapped": true })),
        Err(CasError::CasFailed(fresh)) => {
            Ok(json!({ "before": before, "swapped": false, "now": text(fresh.current().map_err(wasi_error)?) }))
        }
        Err(CasError::StoreError(error)) => Err(wasi_error(error)),
    }
}

fn text(value: Option<Vec<u8>>) -> Value {
    json!(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn sorted(mut keys: Vec<String>) -> Value {
    keys.sort();
    json!(keys)
}

fn spin_error(error: Error) -> String {
    reply::variant_name(&error)
}

fn wasi_error(error: store::Error) -> String {
    reply::variant_name(&error)
}
