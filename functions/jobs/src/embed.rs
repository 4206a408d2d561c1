//! Vectors for what lacks them.
//!
//! A vector is stored by the hash of the text it was made of, so a note that changed meanwhile, a worker that died and a round that ran twice can
//! leave nothing wrong behind; at worst a text is embedded once more.

use noted_shared::domain::embedding::{Embedded, InputType, ProviderFault, batches};
use noted_shared::domain::{Analysis, ContentHash, NoteId, NotePath, Title, WorkspaceId};
use noted_shared::edge::voyage::Provider;
use noted_shared::edge::{Outcome, Row, Statement, db};
use noted_shared::error::Error;
use noted_shared::{limits, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::time::Instant;

const BEGIN: Statement = Statement::new("beginning a round", "select * from api.jobs_begin($1)");
const STALE: Statement = Statement::new("taking stale notes", "select * from api.jobs_stale()");
const ANALYSED: Statement = Statement::new("storing chunks", "select * from api.jobs_analysed($1, $2, $3)");
const TAKE: Statement = Statement::new("taking a turn", "select * from api.jobs_take($1)");
const SLICE: Statement = Statement::new("doing a slice", "select * from api.jobs_slice($1, $2)");
const CLAIM: Statement = Statement::new("claiming notes", "select * from api.jobs_claim($1, $2, $3)");
const EMBEDDED: Statement = Statement::new("storing vectors", "select * from api.jobs_embedded($1, $2, $3, $4, $5, $6)");
const FAILED: Statement = Statement::new("putting notes off", "select * from api.jobs_failed($1, $2, $3, $4)");

/// Notes of one claim: a few, so that a round that dies holds up little.
const NOTES_MAX: i32 = 16;
/// Texts of one claim.
const TEXTS_MAX: i32 = 256;

/// What is done in slices.
const TASKS: [&str; 3] = ["queue", "count", "drop"];
/// Slices of a task before vectors are fetched: whoever waits for those is not to wait for these. What is left is done afterwards.
const SLICES_BEFORE: usize = 2;

/// What a round did.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Round {
    /// Notes that were cut into chunks.
    analysed: usize,
    /// Texts that have a vector now.
    embedded: usize,
    /// Notes that have all their vectors now.
    completed: i64,
    /// Slices of what takes long for large workspaces.
    slices: usize,
    /// Claims that the provider failed, and notes and slices that the database failed; those wait, and the others go on.
    failed: usize,
    /// What the last one failed for.
    last_failure: Option<String>,
    /// Whether nothing was left that is due.
    is_idle: bool,
}

/// A note that is to be cut.
#[derive(Deserialize)]
struct NotAnalysed {
    workspace_id: WorkspaceId,
    note_id: NoteId,
    title: Title,
    path: Option<NotePath>,
    content: String,
    content_sha256: ContentHash,
}

/// A text that lacks a vector.
#[derive(Deserialize)]
struct Lacking {
    workspace_id: String,
    text_hash: String,
    text: String,
}

/// Works until nothing is due or the time is over.
pub(crate) async fn round() -> Result<Round, Error> {
    let provider = Provider::configured().await?;
    let started = Instant::now();
    let mut round = Round::default();
    let mut is_cut = false;
    while !is_cut && started.elapsed() < limits::ROUND_TIME_MAX {
        let row = db::one(&BEGIN, &|| params![provider.model.as_str()]).await?;
        is_cut = cut(&mut round, row).await? == 0;
    }
    slices(&mut round, SLICES_BEFORE, started).await?;
    // What is found already by the words of an earlier release takes a turn with what waits for vectors.
    cut(&mut round, db::one(&STALE, &Vec::new).await?).await?;
    while started.elapsed() < limits::ROUND_TIME_MAX {
        let mut claim = db::one(&CLAIM, &|| params![provider.model.as_str(), NOTES_MAX, TEXTS_MAX]).await?;
        if claim.outcome()? == Outcome::Idle {
            // A provider that failed is left alone until something is due again.
            round.is_idle = !slices(&mut round, usize::MAX, started).await?;
            while cut(&mut round, db::one(&STALE, &Vec::new).await?).await? > 0 {
                if started.elapsed() >= limits::ROUND_TIME_MAX {
                    round.is_idle = false;
                    break;
                }
            }
            break;
        }
        embed(&provider, &mut claim, &mut round).await?;
    }
    Ok(round)
}

impl Round {
    /// Notes down a failure that concerns one workspace. One that concerns the database ends the round.
    fn failed(&mut self, wrong: &Error) -> Result<(), Error> {
        match wrong.fault() {
            Some(fault) if fault.has_cost => {
                self.failed += 1;
                self.last_failure = Some(format!("{}: {}", fault.doing, fault.cause));
                Ok(())
            }
            _ => Err(wrong.clone()),
        }
    }
}

/// Does at most so many slices of each task, each for the workspace whose turn it is. Answers whether the time was over before that.
async fn slices(round: &mut Round, slices_max: usize, started: Instant) -> Result<bool, Error> {
    for task in TASKS {
        let mut seen = HashSet::new();
        for _ in 0..slices_max {
            if started.elapsed() >= limits::ROUND_TIME_MAX {
                return Ok(true);
            }
            let taken = db::one(&TAKE, &|| params![task]).await?;
            if taken.outcome()? == Outcome::Idle {
                break;
            }
            let workspace: WorkspaceId = taken.body()?;
            match db::one(&SLICE, &|| params![task, workspace]).await {
                Ok(row) => {
                    round.slices += 1;
                    // What waits for something else comes round again, after all others.
                    if !row.body::<bool>()? && !seen.insert(workspace) {
                        break;
                    }
                }
                Err(wrong) => round.failed(&wrong)?,
            }
        }
    }
    Ok(false)
}

/// Cuts the notes that were handed out, and answers how many those were.
async fn cut(round: &mut Round, mut handed_out: Row) -> Result<usize, Error> {
    let notes: Vec<NotAnalysed> = bulk(&mut handed_out)?;
    for note in &notes {
        match analyse(note).await {
            Ok(()) => round.analysed += 1,
            Err(wrong) => round.failed(&wrong)?,
        }
    }
    Ok(notes.len())
}

async fn analyse(note: &NotAnalysed) -> Result<(), Error> {
    let analysis =
        Analysis::default().with_text(&note.content, note.content_sha256).with_title(Some(&note.title)).with_path(note.path.as_ref());
    db::one(&ANALYSED, &|| params![note.workspace_id, note.note_id, &analysis]).await.map(drop)
}

/// Fetches and stores the vectors of one claim, in as many requests as the provider's limits ask for.
async fn embed(provider: &Provider, claim: &mut Row, round: &mut Round) -> Result<(), Error> {
    let notes = claim.text().to_owned();
    let lacking: Vec<Lacking> = bulk(claim)?;
    let texts: Vec<&str> = lacking.iter().map(|lacking| lacking.text.as_str()).collect();
    for batch in batches(&texts) {
        match provider.embed(&texts[batch.clone()], &provider.model, InputType::Document, limits::EMBEDDING_TIMEOUT).await {
            Ok(embedded) => {
                round.embedded += batch.len();
                store(provider, "[]", &lacking[batch], &embedded).await?;
            }
            Err(fault) => return put_off(provider, &notes, &fault, round).await,
        }
    }
    round.completed += store(provider, &notes, &[], &Embedded { vectors: Vec::new(), tokens: 0 }).await?;
    Ok(())
}

/// Stores vectors, and ends the leases of notes; answers how many of those are complete.
async fn store(provider: &Provider, notes: &str, lacking: &[Lacking], embedded: &Embedded) -> Result<i64, Error> {
    let workspaces: Vec<&str> = lacking.iter().map(|lacking| lacking.workspace_id.as_str()).collect();
    let hashes: Vec<&str> = lacking.iter().map(|lacking| lacking.text_hash.as_str()).collect();
    let model = provider.model.as_str();
    let params = || params![model, notes, workspaces.as_slice(), hashes.as_slice(), embedded.vectors.as_slice(), embedded.tokens];
    db::one(&EMBEDDED, &params).await?.body()
}

/// Ends the leases of notes whose vectors did not come.
async fn put_off(provider: &Provider, notes: &str, fault: &ProviderFault, round: &mut Round) -> Result<(), Error> {
    let wait_ms = match fault {
        ProviderFault::RateLimited { wait } => i64::try_from(wait.as_millis()).ok(),
        _ => None,
    };
    let reason = fault.to_string();
    db::one(&FAILED, &|| params![provider.model.as_str(), notes, reason.as_str(), wait_ms]).await?;
    round.failed += 1;
    round.last_failure = Some(reason);
    Ok(())
}

fn bulk<T: DeserializeOwned>(row: &mut Row) -> Result<Vec<T>, Error> {
    let bulk = row.bulk();
    if bulk.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(&bulk)
        .map_err(|wrong| Error::internal("reading a claim", format!("not the expected JSON at column {}", wrong.column())))
}
