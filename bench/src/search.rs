//! Questions in workspaces of 1,000, 10,000 and 100,000 chunks, beside the same statements asked of the database directly, and what the index of
//! vectors misses.
//!
//! The vectors are clustered, as those of texts are: uniform ones would be the easier case for nothing that is real. The question's own vector is put where
//! the component finds it, so that no provider's time is in it; a threshold of its own for each question keeps answers from being given again.

mod filled;
mod peers;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Serialize;
use sqlx::PgConnection;

use crate::growth::exponent;
use crate::large::percentile;
use crate::load::{Connection, Numbers, Script, Target, open_loop};
use crate::options::Extent;
use crate::rounds::median;
use crate::tenants::Tenants;
use filled::Filled;
pub(crate) use peers::PeerFigures;

/// Questions that everything is asked before times count.
const WARMING: usize = 5;
/// Questions a second, of several people at once.
const QUESTIONS_PER_SECOND: u32 = 20;
/// People.
const CONNECTIONS: u16 = 4;

/// All that was found out.
#[derive(Debug, Serialize)]
pub(crate) struct SearchReport {
    pub(crate) questions: Vec<QuestionFigures>,
    pub(crate) recall: Vec<Recall>,
    /// Hybrid questions at a fixed rate in the largest workspace: the 95th percentile.
    pub(crate) at_rate_p95_ms: f64,
    /// Questions that were just asked, in the largest workspace: the 95th percentile.
    pub(crate) again_p95_ms: f64,
    /// Other programs over the vectors of the largest workspace.
    pub(crate) peers: Vec<PeerFigures>,
}

/// One way of asking at every size.
#[derive(Debug, Serialize)]
pub(crate) struct QuestionFigures {
    pub(crate) mode: &'static str,
    /// Chunks.
    pub(crate) sizes: Vec<i64>,
    pub(crate) p50_ms: Vec<f64>,
    pub(crate) p95_ms: Vec<f64>,
    /// The power of the size that the 95th percentile grows with.
    pub(crate) exponent: f64,
    /// The 95th percentile over that of the same statements, asked of the database in turn with it; at each size.
    pub(crate) of_sql: Vec<f64>,
}

/// What a search by vectors finds of what is there.
#[derive(Debug, Serialize)]
pub(crate) struct Recall {
    /// The share of notes that pass the filter.
    pub(crate) selectivity: f64,
    pub(crate) recall_at_10: f64,
}

/// Fills a workspace of each size and asks all of them in turn.
pub(crate) async fn measure(
    extent: &Extent,
    target: &Target,
    tenants: &mut Tenants,
    superuser: &mut PgConnection,
    numbers: &Arc<Numbers>,
    folder: &Path,
) -> Result<SearchReport> {
    let workspaces = fill(&extent.sizes, tenants, superuser).await?;
    let mut connection = Connection::open(target).await?;
    let mut questions = Vec::new();
    for mode in ["text", "vector", "hybrid"] {
        let latencies = ask_all(&workspaces, extent.times, mode, target, &mut connection, superuser).await?;
        questions.push(QuestionFigures::of(mode, &extent.sizes, latencies));
    }
    let largest = workspaces.last().context("no sizes")?;
    let mut again = Vec::with_capacity(extent.times);
    for time in 0..extent.times {
        let threshold = (extent.times + time) as f64 / 1e6;
        largest.place_vector(superuser, time).await?;
        largest.ask(target, &mut connection, time, "hybrid", (threshold, false)).await?;
        again.push(largest.ask(target, &mut connection, time, "hybrid", (threshold, true)).await?);
    }
    again.sort_by(f64::total_cmp);
    let script = Arc::new(Script::new(largest.script(target, extent.times), Arc::clone(numbers)));
    let at_rate = open_loop(target, &script, CONNECTIONS, QUESTIONS_PER_SECOND, extent.at_rate).await?;
    Ok(SearchReport {
        questions,
        recall: largest.recall(superuser).await?,
        at_rate_p95_ms: at_rate.percentile_ms(0.95),
        again_p95_ms: percentile(&again, 95),
        peers: peers::measure(largest, extent.times, superuser, folder).await?,
    })
}

async fn fill(sizes: &[i64], tenants: &mut Tenants, superuser: &mut PgConnection) -> Result<Vec<Filled>> {
    // An index that grows row by row takes ten times as long as one that is made of all of them.
    sqlx::raw_sql("drop index if exists search.embeddings_near").execute(&mut *superuser).await?;
    let mut workspaces = Vec::new();
    for &size in sizes {
        workspaces.push(Filled::new(size, tenants, superuser).await.with_context(|| format!("filling a workspace with {size} chunks"))?);
    }
    let index = "set maintenance_work_mem = '1GB'; create index embeddings_near on search.embeddings using hnsw (embedding halfvec_cosine_ops); analyze";
    sqlx::raw_sql(index).execute(&mut *superuser).await?;
    Ok(workspaces)
}

/// Milliseconds over HTTP and in the database alone, one pair of lists for each workspace.
type Latencies = Vec<(Vec<f64>, Vec<f64>)>;

async fn ask_all(
    workspaces: &[Filled],
    times: usize,
    mode: &str,
    target: &Target,
    connection: &mut Connection,
    superuser: &mut PgConnection,
) -> Result<Latencies> {
    let mut latencies = vec![(Vec::new(), Vec::new()); workspaces.len()];
    for time in 0..times + WARMING {
        for (filled, (over_http, direct)) in workspaces.iter().zip(&mut latencies) {
            let embedding = filled.place_vector(superuser, time).await?;
            // Whoever asks first reads what the other finds in memory, so they take turns.
            let early_ms = if time % 2 == 0 { Some(filled.ask_directly(superuser, time, mode, &embedding).await?) } else { None };
            let http_ms = filled.ask(target, connection, time, mode, (time as f64 / 1e6, false)).await?;
            let sql_ms = match early_ms {
                Some(early_ms) => early_ms,
                None => filled.ask_directly(superuser, time, mode, &embedding).await?,
            };
            if time >= WARMING {
                over_http.push(http_ms);
                direct.push(sql_ms);
            }
        }
    }
    for (over_http, direct) in &mut latencies {
        over_http.sort_by(f64::total_cmp);
        direct.sort_by(f64::total_cmp);
    }
    Ok(latencies)
}

impl SearchReport {
    /// How many questions by vectors alone one asker has answered in a second, in the largest workspace.
    pub(crate) fn questions_per_second(&self) -> Option<f64> {
        let by_vectors = self.questions.iter().find(|figures| figures.mode == "vector")?;
        Some(1000.0 / by_vectors.p50_ms.last()?)
    }
}

impl QuestionFigures {
    fn of(mode: &'static str, sizes: &[i64], latencies: Latencies) -> Self {
        let p95_ms: Vec<f64> = latencies.iter().map(|(over_http, _)| percentile(over_http, 95)).collect();
        Self {
            mode,
            sizes: sizes.to_vec(),
            of_sql: latencies.iter().zip(&p95_ms).map(|((_, direct), p95)| p95 / percentile(direct, 95)).collect(),
            p50_ms: latencies.into_iter().map(|(over_http, _)| median(over_http)).collect(),
            exponent: exponent(sizes, &p95_ms),
            p95_ms,
        }
    }
}
