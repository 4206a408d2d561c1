//! What happens to a request when the workspace grows: 1,000, 10,000 and 100,000 notes in one table, asked in turn.
//!
//! Time is measured over HTTP, and its exponent over the size is fitted. Why it is so is read off the database: the pages that each function
//! touched, and whether anything in it read a table from end to end.

mod plan;

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use noted_shared::domain::{ChangeCursor, ContentHash, Cursor, EpochId, NoteId, WorkspaceId};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::load::{Connection, Numbers, Request, Target};
use crate::notes;
use crate::rounds::median;
use crate::tenants::Tenants;

const FILL: &str = r#"insert into noted.notes (workspace_id, created_by_user_id, title, content, content_sha256, note_type, ide_file_path,
      ide_last_modified, version, version_vector, seq, last_sync_origin_id)
    select $1, $1, 'Note ' || number, text, encode(sha256(convert_to(text, 'UTF8')), 'hex'), 'ide_synced', 'filled/' || number || '.md',
      now(), 2, '{"noted-bench": 2}', number, 'noted-bench'
    from generate_series(1, $2) as number, lateral (select repeat('word ', 100) || number as text) as written"#;
/// Each note has an older text, so that this table grows too: what is small is read from end to end, and rightly.
const FILL_REVISIONS: &str = r#"insert into noted.note_revisions (workspace_id, note_id, version_number, title, content, content_sha256,
      version_vector, created_by, created_at)
    select note.workspace_id, note.id, 1, note.title, note.content, note.content_sha256, '{"noted-bench": 1}', 'noted-bench', now()
    from noted.notes as note where note.workspace_id = $1"#;
const COUNT: &str = "update noted.workspaces set seq = $2, live_notes = $2, synced_notes = $2 where id = $1";
const MIDDLE: &str = "select note.id, workspace.epoch from noted.workspaces as workspace
    join noted.notes as note on note.workspace_id = workspace.id and note.seq = $2 where workspace.id = $1";

/// What is asked.
pub(crate) const OPERATIONS: [&str; 4] = ["create", "update", "list page", "changes"];

/// One operation at every size.
#[derive(Debug, Serialize)]
pub(crate) struct Growth {
    pub(crate) operation: &'static str,
    pub(crate) sizes: Vec<i64>,
    /// Medians.
    pub(crate) p50_ms: Vec<f64>,
    /// Pages of the database that one call touched.
    pub(crate) pages: Vec<i64>,
    /// The power of the size that the time grows with.
    pub(crate) exponent: f64,
    /// Tables that a call at the largest size read from end to end.
    pub(crate) sequential_scans: Vec<String>,
    /// How it read the others: index scans by table.
    pub(crate) index_scans: Vec<String>,
}

/// A workspace of one size.
pub(crate) struct Filled {
    size: i64,
    key: String,
    pub(super) workspace: Uuid,
    pub(super) epoch: Uuid,
    /// A note in the middle, and what was last seen of it.
    pub(super) middle: Uuid,
    pub(super) vector: Value,
}

/// Fills a workspace of each size and asks all of them in turn.
pub(crate) async fn measure(
    sizes: &[i64],
    times: usize,
    target: &Target,
    tenants: &mut Tenants,
    superuser: &mut PgConnection,
    numbers: &Numbers,
) -> Result<Vec<Growth>> {
    let mut workspaces = Vec::new();
    for &size in sizes {
        workspaces.push(Filled::new(size, tenants, superuser).await.with_context(|| format!("filling a workspace with {size} notes"))?);
    }
    sqlx::raw_sql("analyze noted.notes, noted.note_revisions; checkpoint").execute(&mut *superuser).await?;
    let mut connection = Connection::open(target).await?;
    let mut latencies = vec![vec![Vec::with_capacity(times); sizes.len()]; OPERATIONS.len()];
    // The first times warm up.
    for time in 0..times + 5 {
        for (place, filled) in workspaces.iter_mut().enumerate() {
            for (operation, latencies) in OPERATIONS.iter().zip(&mut latencies) {
                let latency_ms = filled.ask(operation, target, &mut connection, numbers).await.with_context(|| (*operation).to_owned())?;
                if time >= 5 {
                    latencies[place].push(latency_ms);
                }
            }
        }
    }
    let mut grown = Vec::new();
    for (operation, latencies) in OPERATIONS.into_iter().zip(latencies) {
        let p50_ms: Vec<f64> = latencies.into_iter().map(median).collect();
        let (mut pages, mut last) = (Vec::new(), None);
        for filled in &workspaces {
            let plan = plan::of(operation, filled, &tenants.key_hash(&filled.key)?, superuser).await?;
            pages.push(plan.pages);
            last = Some(plan);
        }
        let plan::Plan { sequential_scans, index_scans, .. } = last.context("no sizes")?;
        let exponent = exponent(sizes, &p50_ms);
        grown.push(Growth { operation, sizes: sizes.to_vec(), p50_ms, pages, exponent, sequential_scans, index_scans });
    }
    Ok(grown)
}

impl Filled {
    async fn new(size: i64, tenants: &mut Tenants, superuser: &mut PgConnection) -> Result<Self> {
        let key = tenants.key().await?;
        let workspace = tenants.workspace(&key).await?;
        sqlx::query(FILL).bind(workspace).bind(i32::try_from(size)?).execute(&mut *superuser).await?;
        sqlx::query(FILL_REVISIONS).bind(workspace).execute(&mut *superuser).await?;
        sqlx::query(COUNT).bind(workspace).bind(size).execute(&mut *superuser).await?;
        let (middle, epoch) = sqlx::query_as(MIDDLE).bind(workspace).bind(size / 2).fetch_one(&mut *superuser).await?;
        Ok(Self { size, key, workspace, epoch, middle, vector: json!({ "noted-bench": 2 }) })
    }

    /// Where the second half of the changes begins.
    pub(super) fn half_way(&self) -> ChangeCursor {
        let seq = self.size / 2;
        ChangeCursor { workspace: WorkspaceId::from(self.workspace), epoch: EpochId::from(self.epoch), seq, floor: seq }
    }

    /// Asks once, and says how many milliseconds it took.
    async fn ask(&mut self, operation: &str, target: &Target, connection: &mut Connection, numbers: &Numbers) -> Result<f64> {
        let number = numbers.next();
        let mut request = self.request(operation, target, number)?;
        let begin = Instant::now();
        let answer = connection.ask(request.numbered(number)).await?;
        let latency_ms = begin.elapsed().as_secs_f64() * 1000.0;
        ensure!(matches!(answer.status, 200 | 201), "refused: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        if operation == "update" {
            let answer: Value = serde_json::from_slice(&answer.body)?;
            self.vector = answer["data"]["note"]["version_vector"].clone();
        }
        Ok(latency_ms)
    }

    fn request(&self, operation: &str, target: &Target, number: u64) -> Result<Request> {
        let (authorization, idempotency_key) = (format!("Bearer {}", self.key), number.to_string());
        let headers = [("authorization", &*authorization), ("idempotency-key", &idempotency_key)];
        let get = |path: String| Ok(Request::new(target, "GET", &path, &headers[..1], &[]));
        match operation {
            "create" => notes::create(target, &self.key),
            "update" => {
                let text = format!("text {number}");
                let body = json!({
                    "content": text, "content_sha256": ContentHash::of(&text), "ide_last_modified": "2026-01-31T09:30:00Z",
                    "sync_origin_id": "noted-bench", "version_vector": self.vector,
                });
                let path = format!("/v1/ide-sync/update/{}", self.middle);
                Ok(Request::new(target, "PUT", &path, &headers, &serde_json::to_vec(&body)?))
            }
            "list page" => {
                let after = Cursor { after: NoteId::from(self.middle) };
                get(format!("/v1/ide-sync/list?limit=100&include_content=false&cursor={after}"))
            }
            _ => get(format!("/v1/ide-sync/changes?limit=100&include_content=false&cursor={}", self.half_way())),
        }
    }
}

/// The slope of the logarithm of the times over that of the sizes, by least squares.
pub(crate) fn exponent(sizes: &[i64], times: &[f64]) -> f64 {
    let points: Vec<(f64, f64)> = sizes.iter().zip(times).map(|(&size, time)| ((size as f64).ln(), time.ln())).collect();
    let count = points.len() as f64;
    let (mean_x, mean_y) = (points.iter().map(|(x, _)| x).sum::<f64>() / count, points.iter().map(|(_, y)| y).sum::<f64>() / count);
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    covariance / points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::exponent;

    #[test]
    fn the_exponent_is_the_power_of_the_size() {
        let check = |times: [f64; 3], expected: f64| {
            assert!((exponent(&[1_000, 10_000, 100_000], &times) - expected).abs() < 1e-9, "{times:?}");
        };
        check([2.0, 2.0, 2.0], 0.0);
        check([1.0, 10.0, 100.0], 1.0);
        check([1.0, 0.1, 0.01], -1.0);
    }
}
