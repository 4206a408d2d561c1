//! `PUT /v1/ide-sync/update/{id}`: replace a note's text, and whatever else its file says.
//!
//! One statement does the work, `api.ide_sync_update`. The version vector decides whether the sender has seen what would be replaced;
//! `If-Match` may demand a version besides. An update that changes nothing is accepted and makes no new version. Where the two texts were
//! made side by side, the answer says how they could be brought together; with `merge: "auto"` that is done if no line was changed by both.
//! Outcomes: 200, 400, 401, 403, 404, 409 (changed side by side, or the path is taken), 410, 412, 413, 415, 422, 429, 503.

use noted_shared::domain::{Analysis, ContentHash, IdempotencyKey, Judgement, NoteId, Scope, VersionVector, merge};
use noted_shared::edge::{self, Call, IfMatch, Outcome, Reply, Request, Response, Route, Row, Statement};
use noted_shared::error::Error;
use noted_shared::params;
use noted_shared::wire::{Conflict, ConflictFound, MergeMode, MergeProposal, NoteOut, NoteReply, NoteUpdate};

const ROUTE: Route = Route { operation: "ide_sync_update", method: Some("PUT"), scopes: &[Scope::NotesWrite, Scope::IdeSync] };

const UPDATE: Statement = Statement::new(
    "updating a note",
    "select * from api.ide_sync_update($1, $2, $3, $4, $5, $6, $7, $8, $9::text::timestamptz, $10, $11, $12::text::timestamptz, \
     $13, $14, $15, $16, $17, $18, $19, $20)",
);

/// Merges tried before a conflict is reported: each can be overtaken by another writer.
const MERGES_MAX: usize = 3;

/// One update of one note, whatever text it turns out to write.
struct Update {
    note_id: NoteId,
    if_version: Option<i64>,
    idempotency_key: IdempotencyKey,
    request_hash: ContentHash,
    note: NoteUpdate,
    content: String,
}

/// Where the path names the note: `/v1/ide-sync/update/{id}`.
const ID: usize = 3;

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, update).await
}

async fn update(call: &mut Call) -> Result<Reply, Error> {
    let note_id = call.note_id(ID)?;
    let if_version = call.if_match(note_id)?.and_then(IfMatch::version);
    let (idempotency_key, mut note) = call.change(NoteUpdate::parse).await?;
    let content = note.take_content();
    call.is_from(&note.sync_origin_id);
    let update = Update { note_id, if_version, idempotency_key, request_hash: ContentHash::of_json(&note), note, content };

    let mut row = update.write(call, &update.content, update.note.content_sha256, &update.note.version_vector, None).await?;
    for _ in 0..MERGES_MAX {
        if row.outcome()? != Outcome::Conflict {
            break;
        }
        let found: ConflictFound = row.body()?;
        let sides = found.base.as_ref().zip(found.noted_version.content.as_ref());
        let proposal = sides.map(|(base, noted)| merge::merge(&base.content, &update.content, noted));
        match proposal {
            Some(MergeProposal { clean: true, content, content_sha256 }) if update.note.merge == Some(MergeMode::Auto) => {
                let seen = update.note.version_vector.merged(&found.noted_version.version_vector);
                row = update.write(call, &content, content_sha256, &seen, Some("auto")).await?;
            }
            proposal => {
                let conflict = Conflict::new(update.note.version_vector, Some(update.note.ide_last_modified), found, proposal);
                return Err(Error::Conflict(Box::new(conflict)));
            }
        }
    }
    update.answer(row)
}

impl Update {
    async fn write(
        &self,
        call: &mut Call,
        content: &str,
        content_sha256: ContentHash,
        seen: &VersionVector,
        decided_by: Option<&str>,
    ) -> Result<Row, Error> {
        let note = &self.note;
        let analysis =
            Analysis::default().with_text(content, content_sha256).with_title(note.title.as_ref()).with_path(note.ide_file_path.as_ref());
        let judge = |rules| Judgement::of(content, content_sha256, rules).about_note(self.note_id).with_title(note.title.as_ref());
        let params = |analysis: &Analysis| {
            params![
                &self.idempotency_key,
                self.request_hash,
                &note.sync_origin_id,
                self.note_id,
                seen,
                self.if_version,
                note.last_known_updated_at,
                content,
                content_sha256,
                note.ide_last_modified,
                note.title.as_ref(),
                note.ide_file_path.as_ref(),
                note.folder_id.is_some(),
                note.folder_id.flatten(),
                note.file_metadata.as_ref(),
                note.force_overwrite,
                decided_by,
                analysis,
            ]
        };
        call.ask_judged(&UPDATE, analysis, judge, params).await
    }

    fn answer(self, row: Row) -> Result<Reply, Error> {
        match row.outcome()? {
            outcome @ (Outcome::Updated | Outcome::Unchanged | Outcome::Replayed) => {
                let mut note: NoteOut = row.body()?;
                // The sender's own text is not sent through the database and back; a merged one comes from there.
                note.content.get_or_insert(self.content);
                let version = note.version;
                let reply = Reply::ok(&NoteReply { success: true, note })?;
                Ok(reply.with_version(self.note_id, version).replayed(outcome == Outcome::Replayed))
            }
            // Overtaken by other writers each time.
            Outcome::Conflict => {
                let conflict = Conflict::new(self.note.version_vector, Some(self.note.ide_last_modified), row.body()?, None);
                Err(Error::Conflict(Box::new(conflict)))
            }
            _ => Err(row.note_refusal(Some(self.note_id), self.note.folder_id.flatten())),
        }
    }
}
