//! What the host gives a component besides networks and stores: environment, files, clocks, chance, and the two output streams.

use crate::reply::{self, Reply};
use serde::Deserialize;
use serde_json::{Value, json};
use spin_sdk::http::Request;
use spin_sdk::wasip3::http::types::ErrorCode;
use spin_sdk::wasip3::random::random::get_random_bytes;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// All environment variables.
pub(crate) fn environment() -> Reply {
    reply::json(&std::env::vars().collect::<BTreeMap<_, _>>())
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FileOrder {
    Read(String),
    Write(String),
    List(String),
}

/// Reads, writes or lists; answers with what was read, or with the kind of error.
pub(crate) async fn file(request: Request) -> Result<Reply, ErrorCode> {
    let order: FileOrder = match reply::parse(request).await? {
        Ok(order) => order,
        Err(misuse) => return Ok(misuse),
    };
    Ok(reply::json(&match order {
        FileOrder::Read(path) => outcome(std::fs::read_to_string(path)),
        FileOrder::Write(path) => outcome(std::fs::write(path, "written by the probe").map(|()| "written".to_owned())),
        FileOrder::List(path) => list(&path),
    }))
}

fn outcome(result: std::io::Result<String>) -> Value {
    match result {
        Ok(content) => json!({ "content": content }),
        Err(error) => json!({ "error": format!("{:?}", error.kind()) }),
    }
}

fn list(path: &str) -> Value {
    match std::fs::read_dir(path) {
        Ok(entries) => {
            let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            json!({ "names": names })
        }
        Err(error) => json!({ "error": format!("{:?}", error.kind()) }),
    }
}

/// The wall clock in seconds since 1970, and whether a sleep of 50 ms took between 50 ms and 5 s by the monotonic clock.
pub(crate) async fn clock() -> Reply {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
    let started = Instant::now();
    spin_sdk::time::sleep(Duration::from_millis(50)).await;
    let slept = started.elapsed();
    let plausible = slept >= Duration::from_millis(50) && slept < Duration::from_secs(5);
    reply::json(&json!({ "seconds": seconds, "plausible": plausible }))
}

/// Two draws from each source of chance: the one that crates use (WASI 0.2) and the one of WASI 0.3.
pub(crate) fn random() -> Reply {
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    let (third, fourth) = (get_random_bytes(16), get_random_bytes(16));
    reply::json(&json!({
        "uuid": first.to_string(),
        "uuids_differ": first != second,
        "lengths": [third.len(), fourth.len()],
        "bytes_differ": third != fourth,
    }))
}

/// Writes a line to each output stream; the answer must hold neither.
#[expect(clippy::print_stdout, reason = "where the line goes is what the endpoint is for")]
pub(crate) fn log() -> Reply {
    println!("probe: a line on stdout");
    eprintln!("probe: a line on stderr");
    reply::text("logged")
}
