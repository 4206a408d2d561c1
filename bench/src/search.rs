//! Questions in workspaces of 1,000, 10,000 and 100,000 chunks, beside the same statements asked of the database directly, and what the index of
//! vectors misses.
//!
//! The vectors are clustered, as those of texts are: uniform ones would be the easier case for nothing that is real. The question's own vector is put where
//! the component finds it, so that no provider's time is in it; a threshold of its own for each question keeps answers from being given again.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use noted_shared::domain::{ContentHash, Question, Words};
use serde::Serialize;
use serde_json::json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::growth::exponent;
use crate::load::{Connection, Request, Target};
use crate::rounds::median;
use crate::tenants::Tenants;

/// Chunks of one note.
const CHUNKS_A_NOTE: i64 = 16;
/// Words that notes are made of; low numbers are common.
const VOCABULARY: u32 = 20_000;
const MODEL: &str = "bench";
/// Results of one question.
const K: i32 = 10;

const FILL: &str = include_str!("search/fill.sql");
const RECALL: &str = include_str!("search/recall.sql");
const BEGIN: &str = "select outcome from api.rag_query_begin($1, null, $2, $3, 'hybrid')";
const FIND: &str = "select bulk from api.rag_query_find($1, null, null, '', $2, $3, $4, null, $5, $6, '{1}', '{}', null, $7, null, $8)";

/// One way of asking at every size.
#[derive(Debug, Serialize)]
pub(crate) struct SearchFigures {
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

struct Filled {
    key: String,
    key_hash: Vec<u8>,
    workspace: Uuid,
}

/// Fills a workspace of each size and asks all of them in turn.
pub(crate) async fn measure(
    sizes: &[i64],
    times: usize,
    target: &Target,
    tenants: &mut Tenants,
    superuser: &mut PgConnection,
) -> Result<(Vec<SearchFigures>, Vec<Recall>)> {
    // An index that grows row by row takes ten times as long as one that is made of all of them.
    sqlx::raw_sql("drop index if exists search.embeddings_near").execute(&mut *superuser).await?;
    let mut workspaces = Vec::new();
    for &size in sizes {
        workspaces.push(Filled::new(size, tenants, superuser).await.with_context(|| format!("filling a workspace with {size} chunks"))?);
    }
    let index = "set maintenance_work_mem = '1GB'; create index embeddings_near on search.embeddings using hnsw (embedding halfvec_cosine_ops); analyze";
    sqlx::raw_sql(index).execute(&mut *superuser).await?;
    let mut connection = Connection::open(target).await?;
    let mut figures = Vec::new();
    for mode in ["text", "hybrid"] {
        let mut latencies = vec![(Vec::new(), Vec::new()); sizes.len()];
        for time in 0..times + 5 {
            for (filled, (over_http, direct)) in workspaces.iter().zip(&mut latencies) {
                let question = question(time);
                let embedding = filled.place_vector(superuser, &question).await?;
                let http_ms = filled.ask(target, &mut connection, &question, mode, time).await?;
                let sql_ms = filled.ask_directly(superuser, &question, mode, &embedding).await?;
                if time >= 5 {
                    over_http.push(http_ms);
                    direct.push(sql_ms);
                }
            }
        }
        let p95_ms: Vec<f64> = latencies.iter().map(|(over_http, _)| percentile(over_http, 95)).collect();
        figures.push(SearchFigures {
            mode,
            sizes: sizes.to_vec(),
            of_sql: latencies.iter().zip(&p95_ms).map(|((_, direct), p95)| p95 / percentile(direct, 95)).collect(),
            p50_ms: latencies.into_iter().map(|(over_http, _)| median(over_http)).collect(),
            exponent: exponent(sizes, &p95_ms),
            p95_ms,
        });
    }
    let largest = workspaces.last().context("no sizes")?;
    Ok((figures, largest.recall(superuser).await?))
}

impl Filled {
    async fn new(size: i64, tenants: &mut Tenants, superuser: &mut PgConnection) -> Result<Self> {
        let key = tenants.key().await?;
        let workspace = tenants.workspace(&key).await?;
        let key_hash = tenants.key_hash(&key)?.to_vec();
        // As the analysis writes them, so that questions find them.
        let lexemes: Vec<String> =
            (0..VOCABULARY).map(|number| Words::of(&word(number)).lexemes().next().unwrap_or_default().to_owned()).collect();
        let numbered =
            "insert into search.workspaces (workspace_id, chunks, words, counted_chunks) values ($1, $2, $2 * 100, $2) returning number";
        let number: i32 = sqlx::query_scalar(numbered).bind(workspace).bind(size).fetch_one(&mut *superuser).await?;
        for statement in FILL.split(";\n").filter(|statement| !statement.trim().is_empty()) {
            let filled = sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()))
                .bind(workspace)
                .bind(size / CHUNKS_A_NOTE)
                .bind(&lexemes)
                .bind(number);
            filled.bind(MODEL).execute(&mut *superuser).await.with_context(|| statement.lines().next().unwrap_or_default().to_owned())?;
        }
        sqlx::query("select search.count_lexemes($1)").bind(workspace).execute(&mut *superuser).await?;
        Ok(Self { key, key_hash, workspace })
    }

    /// Puts the vector of a question where the component looks for it: near one of the workspace's own.
    async fn place_vector(&self, superuser: &mut PgConnection, question: &str) -> Result<String> {
        let placed = "insert into search.questions (workspace_id, model, question_hash, embedding, created_at)
            select $1, $2, decode($3, 'hex'), embedding, now() + interval '1 day' from search.embeddings
            where workspace_id = $1 order by text_hash offset $4 limit 1
            on conflict (workspace_id, model, question_hash) do update set created_at = excluded.created_at returning embedding::text";
        let hash = ContentHash::of(question).to_string();
        let place = i64::try_from(question.len())? * 7;
        Ok(sqlx::query_scalar(placed).bind(self.workspace).bind(MODEL).bind(hash).bind(place).fetch_one(superuser).await?)
    }

    async fn ask(&self, target: &Target, connection: &mut Connection, question: &str, mode: &str, time: usize) -> Result<f64> {
        let body = json!({ "query": question, "k": K, "mode": mode, "similarity_threshold": time as f64 / 1e6 });
        let authorization = format!("Bearer {}", self.key);
        let mut request = Request::new(target, "POST", "/v1/rag-query", &[("authorization", &authorization)], &serde_json::to_vec(&body)?);
        let begin = Instant::now();
        let answer = connection.ask(request.numbered(0)).await?;
        let latency_ms = begin.elapsed().as_secs_f64() * 1000.0;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(
            answer.status == 200 && text.contains("\"cached\":false") && text.contains("\"degraded\":false"),
            "{} {text}",
            answer.status
        );
        Ok(latency_ms)
    }

    /// The statements that the component runs, with the same values.
    async fn ask_directly(&self, superuser: &mut PgConnection, question: &str, mode: &str, embedding: &str) -> Result<f64> {
        let hash = ContentHash::of(question).to_string();
        let words = Question::parse(question);
        let (models, embeddings) = if mode == "text" { (vec![], vec![]) } else { (vec![MODEL], vec![embedding]) };
        let begin = Instant::now();
        sqlx::query(BEGIN).bind(&self.key_hash).bind(&hash).bind(&hash).execute(&mut *superuser).await?;
        let find = sqlx::query(FIND).bind(&self.key_hash).bind(&hash).bind(words.terms()).bind(words.candidates());
        find.bind(models).bind(embeddings).bind(0.0).bind(K).fetch_one(&mut *superuser).await?;
        Ok(begin.elapsed().as_secs_f64() * 1000.0)
    }

    async fn recall(&self, superuser: &mut PgConnection) -> Result<Vec<Recall>> {
        let rows = sqlx::query(RECALL).bind(self.workspace).bind(MODEL).fetch_all(superuser).await?;
        rows.iter().map(|row| Ok(Recall { selectivity: row.try_get(0)?, recall_at_10: row.try_get(1)? })).collect()
    }
}

/// A word of letters alone, each number its own.
fn word(mut number: u32) -> String {
    let mut word = String::from("q");
    for _ in 0..4 {
        word.push(char::from(b"bcdfgjklmnpr"[number as usize % 12]));
        number /= 12;
    }
    word.push('o');
    word
}

/// Four words: some that many chunks have, some that few have.
fn question(time: usize) -> String {
    let number = |factor: usize| u32::try_from(time * factor % VOCABULARY as usize).unwrap_or_default();
    [number(7919) / 400, number(104_729) / 20, number(1_299_709), number(15_485_863)].map(word).join(" ")
}

fn percentile(times: &[f64], percent: usize) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
