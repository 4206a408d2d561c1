//! How notes change: create, replace, patch, delete, and back from an earlier text or from deletion.
//!
//! What replaces something has to name the version that it replaces. Only a create must bring an idempotency key: everything else, done twice
//! at one version, is done once.

use crate::ID;
use crate::revisions::version;
use noted_shared::domain::{Analysis, ContentHash, IdempotencyKey, Judgement, NoteId, NoteType, OriginId};
use noted_shared::edge::{Call, IfMatch, Outcome, Reply, Statement};
use noted_shared::error::Error;
use noted_shared::input::text;
use noted_shared::params;
use noted_shared::wire::{NoteDeleted, NoteDraft, NoteOut, NotePatch, NoteReply};

const CREATE: Statement =
    Statement::new("creating a note", "select * from api.notes_create($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)");

const EDIT: Statement = Statement::new(
    "changing a note",
    "select * from api.notes_edit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
);

const DELETE: Statement = Statement::new("deleting a note", "select * from api.notes_delete($1, $2, $3, $4, $5, $6, $7)");

/// `POST /v1/notes`. Outcomes: 201, 400, 401, 403, 404 (no such folder), 409 (another note has the path), 413, 415, 422, 429, 503.
pub(crate) async fn create(call: &mut Call) -> Result<Reply, Error> {
    let (idempotency_key, mut draft) = call.change(NoteDraft::parse).await?;
    let content = std::mem::take(&mut draft.content).into_string();
    if let Some(origin) = &draft.sync_origin_id {
        call.is_from(origin);
    }
    let analysis = Analysis::default()
        .with_text(&content, draft.content_sha256)
        .with_title(Some(&draft.title))
        .with_path(draft.ide_file_path.as_ref());
    let judge = |rules| Judgement::of(&content, draft.content_sha256, rules).with_title(Some(&draft.title));
    let params = |analysis: &Analysis| {
        params![
            &idempotency_key,
            ContentHash::of_json(&draft),
            draft.sync_origin_id.as_ref(),
            &draft.title,
            content.as_str(),
            draft.content_sha256,
            draft.ide_file_path.as_ref(),
            draft.folder_id,
            draft.note_type,
            &draft.source_metadata,
            &draft.file_metadata,
            analysis,
        ]
    };
    let row = call.ask_judged(&CREATE, analysis, judge, params).await?;
    match row.outcome()? {
        outcome @ (Outcome::Created | Outcome::Replayed) => {
            let note = NoteOut { content: Some(content), ..row.body()? };
            let (note_id, location) = (note.id, format!("/v1/notes/{}", note.id));
            call.is_about(note_id);
            let reply = Reply::created(&NoteReply { success: true, note })?.with_header(http::header::LOCATION, &location);
            Ok(reply.with_version(note_id, 1).replayed(outcome == Outcome::Replayed))
        }
        _ => Err(row.note_refusal(None, draft.folder_id)),
    }
}

/// One change of one note, whichever route it comes by.
struct Edit {
    note_id: NoteId,
    /// Method and path, which an idempotency key belongs to.
    endpoint: String,
    if_match: IfMatch,
    idempotency_key: Option<IdempotencyKey>,
    request_hash: ContentHash,
    patch: NotePatch,
    restores: bool,
    revision: Option<i64>,
}

/// `PUT /v1/notes/{id}`. Outcomes: 200, 400, 401, 403, 404, 409 (another note has the path), 410, 412, 413, 415, 422, 428, 429, 503.
pub(crate) async fn replace(call: &mut Call) -> Result<Reply, Error> {
    let note_id = call.note_id(ID)?;
    let if_match = call.must_match(note_id)?;
    let (idempotency_key, draft) = call.repeatable_change(NoteDraft::parse).await?;
    let patch = NotePatch {
        title: Some(draft.title),
        content: Some(draft.content),
        content_sha256: Some(draft.content_sha256),
        ide_file_path: Some(draft.ide_file_path),
        folder_id: Some(draft.folder_id),
        note_type: Some(draft.note_type),
        source_metadata: Some(draft.source_metadata),
        tags: None,
        file_metadata: Some(draft.file_metadata),
        sync_origin_id: draft.sync_origin_id,
    };
    Edit::new("PUT", note_id, if_match, idempotency_key, patch).run(call).await
}

/// `PATCH /v1/notes/{id}`. Outcomes: as [`replace`].
pub(crate) async fn patch(call: &mut Call) -> Result<Reply, Error> {
    let note_id = call.note_id(ID)?;
    let if_match = call.must_match(note_id)?;
    let (idempotency_key, patch) = call.repeatable_change(NotePatch::parse).await?;
    Edit::new("PATCH", note_id, if_match, idempotency_key, patch).run(call).await
}

/// `POST /v1/notes/{id}/restore`: a deleted note lives again, one that lives stays as it is. Outcomes: 200, 400, 401, 403, 404, 409 (another
/// note has the path), 412, 429, 503.
pub(crate) async fn restore(call: &mut Call) -> Result<Reply, Error> {
    let note_id = call.note_id(ID)?;
    let edit = without_body(call, note_id, format!("POST /v1/notes/{note_id}/restore"))?;
    Edit { restores: true, ..edit }.run(call).await
}

/// `POST /v1/notes/{id}/restore/{version}`: the note says again what it said then, as a new version. Outcomes: 200, 400, 401, 403, 404, 410,
/// 412, 429, 503.
pub(crate) async fn restore_version(call: &mut Call) -> Result<Reply, Error> {
    let note_id = call.note_id(ID)?;
    let number = version(call.segment(ID + 2)).map_err(|wrong| Error::field("version", wrong))?;
    let edit = without_body(call, note_id, format!("POST /v1/notes/{note_id}/restore/{number}"))?;
    Edit { revision: Some(number), ..edit }.run(call).await
}

/// `DELETE /v1/notes/{id}`. Outcomes: 200, 400, 401, 403, 404, 412, 428, 429, 503.
pub(crate) async fn delete(call: &mut Call) -> Result<Reply, Error> {
    let note_id = call.note_id(ID)?;
    let if_version = call.must_match(note_id)?.version();
    let (idempotency_key, origin) = from_headers(call)?;
    let request_hash = ContentHash::of_json(&(&origin, if_version));
    let params = || params![idempotency_key.as_ref(), request_hash, origin.as_ref(), note_id, if_version];
    let row = call.ask(&DELETE, params).await?;
    match row.outcome()? {
        outcome @ (Outcome::Deleted | Outcome::AlreadyDeleted | Outcome::Replayed) => {
            Ok(Reply::ok(&NoteDeleted::new(note_id, row.body()?))?.replayed(outcome == Outcome::Replayed))
        }
        _ => Err(row.note_refusal(Some(note_id), None)),
    }
}

fn without_body(call: &mut Call, note_id: NoteId, endpoint: String) -> Result<Edit, Error> {
    let if_match = call.if_match(note_id)?.unwrap_or(IfMatch::Any);
    let (idempotency_key, sync_origin_id) = from_headers(call)?;
    let patch = NotePatch { sync_origin_id, ..NotePatch::default() };
    Ok(Edit { endpoint, ..Edit::new("POST", note_id, if_match, idempotency_key, patch) })
}

fn from_headers(call: &mut Call) -> Result<(Option<IdempotencyKey>, Option<OriginId>), Error> {
    let mut fields = call.query()?;
    call.add_headers(&mut fields);
    let idempotency_key = fields.optional("idempotency_key", text(IdempotencyKey::parse));
    let origin = fields.optional("sync_origin_id", text(OriginId::parse));
    fields.finish().map(|()| (idempotency_key, origin))
}

impl Edit {
    fn new(method: &str, note_id: NoteId, if_match: IfMatch, idempotency_key: Option<IdempotencyKey>, patch: NotePatch) -> Self {
        // Of the text its hash stands for it.
        let said = NotePatch { content: None, ..patch.clone() };
        let request_hash = ContentHash::of_json(&(&said, if_match.version()));
        let endpoint = format!("{method} /v1/notes/{note_id}");
        Self { note_id, endpoint, if_match, idempotency_key, request_hash, patch, restores: false, revision: None }
    }

    async fn run(self, call: &mut Call) -> Result<Reply, Error> {
        let patch = &self.patch;
        if let Some(origin) = &patch.sync_origin_id {
            call.is_from(origin);
        }
        let path = patch.ide_file_path.as_ref().and_then(Option::as_ref);
        let mut analysis = Analysis::default().with_title(patch.title.as_ref()).with_path(path);
        if let (Some(content), Some(hash)) = (&patch.content, patch.content_sha256) {
            analysis = analysis.with_text(content.as_str(), hash);
        }
        let judge = |rules| {
            let content = patch.content.as_ref().map(|content| content.as_str()).unwrap_or_default();
            let hash = patch.content_sha256.unwrap_or_else(|| ContentHash::of(content));
            Judgement::of(content, hash, rules).about_note(self.note_id).with_title(patch.title.as_ref())
        };
        let kinds: Vec<&str> = patch.kinds().into_iter().map(NoteType::name).collect();
        let params = |analysis: &Analysis| {
            params![
                self.idempotency_key.as_ref(),
                self.request_hash,
                self.endpoint.as_str(),
                patch.sync_origin_id.as_ref(),
                self.note_id,
                self.if_match.version(),
                patch.title.as_ref(),
                patch.content.as_ref().map(|content| content.as_str()),
                patch.content_sha256,
                patch.ide_file_path.is_some(),
                path,
                patch.folder_id.is_some(),
                patch.folder_id.flatten(),
                kinds.as_slice(),
                patch.source_metadata.as_ref(),
                patch.tags.as_deref(),
                patch.file_metadata.as_ref(),
                self.restores,
                self.revision,
                analysis,
            ]
        };
        let row = call.ask_judged(&EDIT, analysis, judge, params).await?;
        match row.outcome()? {
            outcome @ (Outcome::Updated | Outcome::Unchanged | Outcome::Replayed) => {
                let mut note: NoteOut = row.body()?;
                note.content = note.content.or_else(|| self.patch.content.map(|content| content.into_string()));
                let version = note.version;
                let reply = Reply::ok(&NoteReply { success: true, note })?.with_version(self.note_id, version);
                Ok(reply.replayed(outcome == Outcome::Replayed))
            }
            Outcome::TypeDiffers => {
                let kind: NoteType = row.body()?;
                Err(patch.check_kind(kind).err().unwrap_or(Error::TypeDiffers(kind)))
            }
            Outcome::NoRevision => Err(Error::NoRevision { note_id: self.note_id, version: self.revision.unwrap_or_default() }),
            _ => Err(row.note_refusal(Some(self.note_id), patch.folder_id.flatten())),
        }
    }
}
