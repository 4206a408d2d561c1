//! `POST /v1/agent/write-note`: make a note, or replace the text of one, for an agent.
//!
//! One statement does the work, `api.agent_write_note`. Whoever comes here writes for an agent, so the rules are asked at once. It is sent again
//! where the workspace has rules of its own, and where the text can be compared with others by its vectors: those are fetched then, and if the
//! provider does not give them in time, the text goes without.
//! Outcomes: 200, 201, 400, 401, 403 (also where the key is of another kind), 404, 409 (another note has the path), 410, 412, 413, 415, 422 (also where the text breaks rules), 428,
//! 429, 503.

use noted_shared::domain::embedding::{InputType, batches};
use noted_shared::domain::{Analysis, ContentHash, Invalid, Judgement, Likeness, Title, Violation, WorkspaceRules};
use noted_shared::edge::voyage::Provider;
use noted_shared::edge::{Call, IfMatch, Outcome, Reply, Row, Statement};
use noted_shared::error::Error;
use noted_shared::wire::{AgentNote, AgentNoteRefused, AgentNoteReply, NoteOut};
use noted_shared::{limits, params};

const WRITE: Statement = Statement::new(
    "writing an agent's note",
    "select * from api.agent_write_note($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
);

pub(crate) async fn write_note(call: &mut Call) -> Result<Reply, Error> {
    let (idempotency_key, mut note) = call.change(AgentNote::parse).await?;
    let content = note.take_content();
    if let Some(origin) = &note.sync_origin_id {
        call.is_from(origin);
    }
    let if_version = if_version(call, &note)?;
    let request_hash = ContentHash::of_json(&(&note, if_version));
    if note.note_id.is_none() {
        note.title.get_or_insert_with(|| Title::of_text(&content, None));
    }

    let judge = |rules: WorkspaceRules, likeness: Likeness| {
        let judgement = Judgement::with_metadata(&content, note.content_sha256, note.metadata.clone(), rules);
        let judgement = judgement.with_title(note.title.as_ref()).with_likeness(likeness);
        if let Some(note_id) = note.note_id { judgement.about_note(note_id) } else { judgement }
    };
    let mut rules = WorkspaceRules::default();
    let unjudged =
        Analysis::default().with_text(&content, note.content_sha256).with_title(note.title.as_ref()).with_path(note.ide_file_path.as_ref());
    let mut analysis = unjudged.clone().with_judgement(judge(rules.clone(), Likeness::default()));
    let mut source = note.metadata.source();
    source.extend(note.tags.clone().map(|tags| ("tags".to_owned(), tags.into())));
    let params = |analysis: &Analysis| {
        params![
            &idempotency_key,
            request_hash,
            note.sync_origin_id.as_ref(),
            note.note_id,
            if_version,
            note.title.as_ref(),
            content.as_str(),
            note.content_sha256,
            note.ide_file_path.as_ref(),
            note.folder_id,
            &source,
            analysis,
        ]
    };
    let mut row = call.ask(&WRITE, || params(&analysis)).await?;
    if row.outcome()? == Outcome::NotJudged {
        rules = row.body()?;
        analysis = unjudged.clone().with_judgement(judge(rules.clone(), Likeness::default()));
        row = call.ask(&WRITE, || params(&analysis)).await?;
    }
    if row.outcome()? == Outcome::NotCompared {
        let likeness = likeness(row.body()?, &unjudged.embedded_texts(&content, note.content_sha256)).await?;
        analysis = unjudged.with_judgement(judge(rules, likeness));
        row = call.ask(&WRITE, || params(&analysis)).await?;
    }
    answer(call, row, &note, content)
}

/// The vectors of the text's chunks. None of them if the provider fails or is slow, or if they were more than one request may ask for: a copy that
/// nobody notices is a smaller evil than a text that is not kept.
async fn likeness(model: String, texts: &[String]) -> Result<Likeness, Error> {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut likeness = Likeness::default();
    if batches(&texts).len() == 1 {
        let asked = Provider::configured().await?.embed(&texts, &model, InputType::Document, limits::QUESTION_EMBEDDING_TIMEOUT).await;
        if let Ok(embedded) = asked {
            (likeness.embeddings, likeness.tokens) = (embedded.vectors, embedded.tokens);
        }
    }
    likeness.model = Some(model);
    Ok(likeness)
}

/// The version that the agent has seen of the note that it replaces; none for a new note, or where any version will do. What the body and `If-Match`
/// both say must be the same.
fn if_version(call: &mut Call, note: &AgentNote) -> Result<Option<i64>, Error> {
    let Some(note_id) = note.note_id else { return Ok(None) };
    call.is_about(note_id);
    match (note.if_version, call.if_match(note_id)?) {
        (Some(version), Some(if_match)) if if_match.version().is_some_and(|other| other != version) => {
            Err(Error::field("if_version", Invalid::refused("is another version than that of If-Match")))
        }
        (Some(version), _) => Ok(Some(version)),
        (None, if_match) => if_match.map(IfMatch::version).ok_or(Error::PreconditionRequired(Some("if_version"))),
    }
}

fn answer(call: &mut Call, row: Row, written: &AgentNote, content: String) -> Result<Reply, Error> {
    let outcome = row.outcome()?;
    match outcome {
        Outcome::Created | Outcome::Updated | Outcome::Unchanged | Outcome::Replayed => {
            let note = NoteOut { content: Some(content), ..row.body()? };
            let (id, version) = (note.id, note.version);
            call.is_about(id);
            let reply = AgentNoteReply { status: "success".into(), note_id: id, version, validation_passed: true, note };
            let reply = if written.note_id.is_none() { Reply::created(&reply)? } else { Reply::ok(&reply)? };
            Ok(reply.with_version(id, version).replayed(outcome == Outcome::Replayed))
        }
        Outcome::RuleBroken => refused(row.body()?),
        Outcome::WrongKind => Err(Error::WrongKind { kinds: "agent or user" }),
        _ => Err(row.note_refusal(written.note_id, written.folder_id)),
    }
}

/// The one refusal that is in the data too: agents are told there what to mend.
fn refused(violations: Vec<Violation>) -> Result<Reply, Error> {
    let error = Error::RuleBroken(violations.clone());
    let recoverable = violations.iter().all(|violation| violation.recoverable);
    let error_code = error.code().name().into();
    let data = AgentNoteRefused { status: "error".into(), error_code, validation_errors: violations, recoverable };
    Ok(Reply::with_status(error.status(), &data)?.with_problem(&error))
}
