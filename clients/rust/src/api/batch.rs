//! Many requests in one: each says what it would say alone, under the same key, and so can be repeated alone whatever became of the batch.

use std::io::Write;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use noted_shared::domain::{Content, IdempotencyKey, NoteId, OriginId};
use noted_shared::limits::BATCH_BYTES_MAX;
use noted_shared::wire::{BatchReply, BatchResult, NoteIn, NoteUpdate};
use reqwest::{Method, header};
use serde::Serialize;

use super::exchange::{note_in, note_update};
use super::{Api, Refusal};
use crate::engine::{Answer, Pending, Request, Written};

/// What became of a batch.
#[derive(Debug)]
pub enum Batched {
    /// Each request's answer, in their order; none for one that must be sent alone, because the batch does not tell what it needs to know.
    Each(Vec<Option<Answer>>),
    /// Nothing was done: too many of them fail together, or are too much for one request.
    Nothing,
}

#[derive(Serialize)]
struct Batch<'a> {
    notes: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    idempotency_key: &'a IdempotencyKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    note_id: Option<NoteId>,
    #[serde(flatten)]
    change: Change,
}

/// The body that the request would have alone: its hash must be the same on both routes.
#[derive(Serialize)]
#[serde(untagged)]
enum Change {
    Create(NoteIn),
    Update(NoteUpdate),
}

impl Api {
    /// Sends creations and updates together. Tries again as long as nobody has answered.
    ///
    /// # Errors
    /// When there is no answer at all: some of it may have been done, and all of it is to be sent again.
    pub async fn deliver_batch(&self, origin: &OriginId, requests: Vec<(Pending, Content)>) -> Result<Batched> {
        let total = requests.len();
        let notes = requests.iter().filter_map(|(pending, text)| item(origin, pending, text.clone())).collect::<Vec<_>>();
        let body = serde_json::to_vec(&Batch { notes })?;
        drop(requests);
        if body.len() > BATCH_BYTES_MAX {
            return Ok(Batched::Nothing);
        }
        let request = self.request(Method::POST, "batch", None)?;
        let request = request.header(header::CONTENT_TYPE, "application/json").header(header::CONTENT_ENCODING, "gzip").body(pack(&body)?);
        match self.send::<BatchReply>(request).await {
            Ok(reply) => {
                let mut answers: Vec<_> = (0..total).map(|_| None).collect();
                for result in reply.results {
                    let place = answers.get_mut(result.idx).context("the server answered something that was not asked")?;
                    *place = done(result);
                }
                Ok(Batched::Each(answers))
            }
            Err(error) if error.downcast_ref::<Refusal>().is_some() => Ok(Batched::Nothing),
            Err(error) => Err(error),
        }
    }
}

fn item<'a>(origin: &OriginId, pending: &'a Pending, text: Content) -> Option<Item<'a>> {
    let change = match &pending.request {
        Request::Create { file } => Change::Create(note_in(origin, &pending.path, file, text)),
        Request::Update { .. } => Change::Update(note_update(origin, pending, text)?),
        Request::Delete { .. } => return None,
    };
    Some(Item { idempotency_key: &pending.key, note_id: pending.request.note_id(), change })
}

fn pack(body: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::fast());
    encoder.write_all(body)?;
    Ok(encoder.finish()?)
}

fn done(result: BatchResult) -> Option<Answer> {
    result.note.filter(|_| result.success).map(|note| Answer::Written(Written::from(note)))
}
