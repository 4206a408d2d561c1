//! `POST /v1/rag-query`: the parts of notes that answer a question.
//!
//! Two statements: `api.rag_query_begin` says what the workspace has and whether the same was just asked, `api.rag_query_find` searches words and
//! vectors together. Between them the question's vector is fetched, unless it is known; a provider that does not give it in time makes the answer
//! degraded, never slow.
//! Outcomes: 200, 400, 401, 403, 409 (vectors alone were asked for, and the workspace lets no text go to a provider), 413, 415, 422, 429, 503.

mod answer;
mod vectors;

use answer::Answer;
use noted_shared::domain::{ContentHash, Question, Scope};
use noted_shared::edge::voyage::Provider;
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Statement};
use noted_shared::error::Error;
use noted_shared::params;
use noted_shared::wire::{Degraded, RagQuery, SearchMode};
use serde::Deserialize;
use std::time::Instant;
use vectors::{Model, Vectors};

const ROUTE: Route = Route { operation: "rag_query", method: Some("POST"), scopes: &[Scope::RagQuery] };

const BEGIN: Statement = Statement::new("beginning a question", "select * from api.rag_query_begin($1, $2, $3, $4, $5)");

const FIND: Statement = Statement::new(
    "answering a question",
    "select * from api.rag_query_find($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
);

/// What the first statement says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Begun {
    state: String,
    consents: bool,
    models: Vec<Model>,
    pending_count: i64,
}

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, query).await
}

async fn query(call: &mut Call) -> Result<Reply, Error> {
    let started = Instant::now();
    let query = RagQuery::parse(call.fields().await?)?;
    let request_hash = ContentHash::of_json(&query).to_string();
    let question_hash = ContentHash::of(&query.query).to_string();

    let mode = query.mode.name();
    let mut row = call.ask(&BEGIN, || params![request_hash.as_str(), question_hash.as_str(), mode]).await?;
    let outcome = row.outcome()?;
    match outcome {
        Outcome::Answered | Outcome::Ready => {}
        Outcome::NoConsent => return Err(Error::NoConsent),
        _ => return Err(row.refusal()),
    }
    let begun: Begun = row.body()?;
    let answer = Answer { query: &query, pending_count: begun.pending_count, started };
    if outcome == Outcome::Answered {
        return answer.cached(&row.bulk());
    }

    let vectors = match query.mode {
        SearchMode::Text => Vectors::default(),
        SearchMode::Hybrid | SearchMode::Vector => {
            Vectors::fetch(&Provider::configured().await?, &query.query, query.similarity_threshold, begun.models).await
        }
    };
    let degraded = match query.mode {
        SearchMode::Text => None,
        _ if !vectors.models.is_empty() => None,
        _ if !begun.consents => Some(Degraded::NoConsent),
        _ if vectors.is_failed => Some(Degraded::Provider),
        _ => Some(Degraded::NoVectors),
    };

    let question = answer::json(&Question::parse(&query.query))?;
    let filter = query.filters.as_json();
    let params = || {
        params![
            // A degraded answer would be given after its reason has gone.
            degraded.is_none().then_some(request_hash.as_str()),
            begun.state.as_str(),
            question_hash.as_str(),
            query.mode.name(),
            question.as_str(),
            vectors.models.as_slice(),
            vectors.embeddings.as_slice(),
            vectors.weights.as_slice(),
            vectors.thresholds.as_slice(),
            vectors.fresh.as_slice(),
            vectors.failed.as_deref(),
            filter.as_deref(),
            query.k.cast_signed(),
        ]
    };
    let mut row = call.ask(&FIND, params).await?;
    match row.outcome()? {
        Outcome::Found => answer.fresh(&row.bulk(), degraded),
        _ => Err(row.refusal()),
    }
}
