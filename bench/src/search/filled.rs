//! A workspace of chunks with words and vectors, and its questions.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use noted_shared::domain::{ContentHash, Question, Words};
use serde_json::json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::Recall;
use crate::load::{Connection, NUMBER, Request, Target};
use crate::tenants::Tenants;

/// Chunks of one note.
const CHUNKS_A_NOTE: i64 = 16;
/// Words that notes are made of; low numbers are common.
const VOCABULARY: u32 = 20_000;
const MODEL: &str = "bench";
/// Results of one question.
const K: i32 = 10;

const FILL: &str = include_str!("fill.sql");
const RECALL: &str = include_str!("recall.sql");
const BEGIN: &str = "select outcome from api.rag_query_begin($1, null, $2, $3, 'hybrid')";
const FIND: &str = "select bulk from api.rag_query_find($1, null, null, '', $2, $3, $4, $5, $6, '{1}', '{0}', '{}', null, null, $7)";

/// A workspace with so many chunks.
pub(super) struct Filled {
    key: String,
    key_hash: Vec<u8>,
    pub(super) workspace: Uuid,
    chunks: i64,
}

impl Filled {
    pub(super) async fn new(size: i64, tenants: &mut Tenants, superuser: &mut PgConnection) -> Result<Self> {
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
        let begun = sqlx::query("insert into search.slices (workspace_id, task) values ($1, 'count') on conflict do nothing");
        begun.bind(workspace).execute(&mut *superuser).await?;
        while sqlx::query_scalar("select search.do_slice('count', $1)").bind(workspace).fetch_one(&mut *superuser).await? {}
        Ok(Self { key, key_hash, workspace, chunks: size / CHUNKS_A_NOTE * CHUNKS_A_NOTE })
    }

    /// Puts the vector of a question where the component looks for it: one of the workspace's own.
    pub(super) async fn place_vector(&self, superuser: &mut PgConnection, time: usize) -> Result<String> {
        let placed = "insert into search.questions (workspace_id, model, question_hash, embedding, created_at)
            select $1, $2, decode($3, 'hex'), embedding, now() + interval '1 day' from search.embeddings
            where workspace_id = $1 and model = $2 order by text_hash offset $4 limit 1
            on conflict (workspace_id, model, question_hash) do update set created_at = excluded.created_at returning embedding::text";
        let hash = ContentHash::of(&question(time)).to_string();
        let place = i64::try_from(time)? * 7 % self.chunks;
        Ok(sqlx::query_scalar(placed).bind(self.workspace).bind(MODEL).bind(hash).bind(place).fetch_one(superuser).await?)
    }

    /// How long an answer took, with a threshold, and given again or not as is expected.
    pub(super) async fn ask(
        &self,
        target: &Target,
        connection: &mut Connection,
        time: usize,
        mode: &str,
        (threshold, is_again): (f64, bool),
    ) -> Result<f64> {
        let body = json!({ "query": question(time), "k": K, "mode": mode, "similarity_threshold": threshold });
        let begin = Instant::now();
        let answer = connection.ask(self.request(target, &serde_json::to_vec(&body)?).numbered(0)).await?;
        let latency_ms = begin.elapsed().as_secs_f64() * 1000.0;
        let text = String::from_utf8_lossy(&answer.body);
        let is_expected = text.contains(&format!("\"cached\":{is_again}")) && text.contains("\"degraded\":false");
        ensure!(answer.status == 200 && is_expected, "{} {text}", answer.status);
        Ok(latency_ms)
    }

    /// Hybrid questions whose vectors were placed, each sending with a threshold of its own.
    pub(super) fn script(&self, target: &Target, questions: usize) -> Vec<Request> {
        let body = |time| format!(r#"{{"query":"{}","k":{K},"similarity_threshold":0.0000{NUMBER}}}"#, question(time));
        (0..questions).map(|time| self.request(target, body(time).as_bytes())).collect()
    }

    fn request(&self, target: &Target, body: &[u8]) -> Request {
        Request::new(target, "POST", "/v1/rag-query", &[("authorization", &format!("Bearer {}", self.key))], body)
    }

    /// The statements that the component runs, with the same values.
    pub(super) async fn ask_directly(&self, superuser: &mut PgConnection, time: usize, mode: &str, embedding: &str) -> Result<f64> {
        let question = question(time);
        let hash = ContentHash::of(&question).to_string();
        let asked = serde_json::to_string(&Question::parse(&question))?;
        let (models, embeddings) = if mode == "text" { (vec![], vec![]) } else { (vec![MODEL], vec![embedding]) };
        let begin = Instant::now();
        sqlx::query(BEGIN).bind(&self.key_hash).bind(&hash).bind(&hash).execute(&mut *superuser).await?;
        let find = sqlx::query(FIND).bind(&self.key_hash).bind(&hash).bind(mode).bind(&asked);
        find.bind(models).bind(embeddings).bind(K).fetch_one(&mut *superuser).await?;
        Ok(begin.elapsed().as_secs_f64() * 1000.0)
    }

    pub(super) async fn recall(&self, superuser: &mut PgConnection) -> Result<Vec<Recall>> {
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
