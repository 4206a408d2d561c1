//! What agents write, and what people think of it, as it arrives.

use super::note::{check_hash, check_size, tags};
use super::search::share;
use super::{Fields, boolean, object, string, text, texts};
use crate::domain::{Content, ContentHash, FolderId, Invalid, NoteId, NotePath, OriginId, Timestamp, Title};
use crate::error::Error;
use crate::limits;
use crate::wire::{AgentMetadata, AgentNote, Feedback, Rating, Reason};
use serde_json::{Map, Value};

impl AgentNote {
    /// Reads the body. Reports every field at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let note_id = fields.optional("note_id", text(NoteId::parse));
        let title = fields.optional("title", text(Title::parse));
        let content = fields.required("content", |value| string(value).and_then(Content::parse));
        let expected = fields.optional("content_sha256", text(ContentHash::parse));
        let ide_file_path = fields.optional("ide_file_path", text(NotePath::parse));
        let folder_id = fields.optional("folder_id", text(FolderId::parse));
        let tags = fields.optional("tags", tags);
        let if_version = fields.optional("if_version", version);
        let metadata = match fields.required("metadata", object) {
            Some(given) => fields.part(given, metadata),
            None => AgentMetadata::default(),
        };
        let sync_origin_id = fields.optional("sync_origin_id", text(OriginId::parse));
        if if_version.is_some() && note_id.is_none() {
            fields.problem("if_version", Invalid::malformed("belongs to a note that exists; name it in note_id"));
        }
        check_size(content.as_ref())?;
        let Some(content) = content else { return Err(fields.into_error()) };
        fields.finish()?;
        let content_sha256 = check_hash(&content, expected)?;
        Ok(Self { note_id, title, content, content_sha256, ide_file_path, folder_id, tags, if_version, metadata, sync_origin_id })
    }

    /// Takes the text out, which is large and goes its own way.
    pub fn take_content(&mut self) -> String {
        std::mem::take(&mut self.content).into_string()
    }
}

/// Reads what an agent says of its text.
fn metadata(given: &mut Fields) -> AgentMetadata {
    AgentMetadata {
        agent_model: given.required("agent_model", |value| string(value).and_then(name)),
        agent_name: given.optional("agent_name", |value| string(value).and_then(name)),
        agent_version: given.optional("agent_version", |value| string(value).and_then(name)),
        generation_prompt: given.optional("generation_prompt", |value| string(value).and_then(prompt)),
        confidence_score: given.optional("confidence_score", share),
        rag_context_ids: given.optional("rag_context_ids", context_ids).unwrap_or_default(),
        generation_timestamp: given.optional("generation_timestamp", text(Timestamp::parse)),
        allow_duplicate: given.optional("allow_duplicate", boolean).unwrap_or(false),
    }
}

fn context_ids(value: Value) -> Result<Vec<String>, Invalid> {
    texts(value, limits::RAG_CONTEXT_IDS_MAX)?.into_iter().map(name).collect()
}

fn prompt(prompt: String) -> Result<String, Invalid> {
    match prompt.as_str() {
        long if long.len() > limits::METADATA_TEXT_BYTES_MAX => {
            Err(Invalid::refused(format!("must not be longer than {} bytes", limits::METADATA_TEXT_BYTES_MAX)))
        }
        text if text.contains('\0') => Err(Invalid::refused("contains a NUL character")),
        _ => Ok(prompt),
    }
}

/// A short text that something is called by.
fn name(name: String) -> Result<String, Invalid> {
    match name.as_str() {
        "" => Err(Invalid::refused("must not be empty")),
        long if long.len() > limits::NAME_BYTES_MAX => {
            Err(Invalid::refused(format!("must not be longer than {} bytes", limits::NAME_BYTES_MAX)))
        }
        control if control.contains(char::is_control) => Err(Invalid::refused("must not have control characters")),
        _ => Ok(name),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a reader takes the value it reads")]
fn version(value: Value) -> Result<i64, Invalid> {
    const REASON: &str = "must be a whole number from 1";
    let version = value.as_i64().ok_or_else(|| Invalid::malformed(REASON))?;
    if version >= 1 { Ok(version) } else { Err(Invalid::refused(REASON)) }
}

impl AgentMetadata {
    /// What a note says of the agent that wrote its text, as its `source_metadata` has it.
    #[must_use]
    pub fn source(&self) -> Map<String, Value> {
        let texts = [
            ("agent_model", &self.agent_model),
            ("agent_name", &self.agent_name),
            ("agent_version", &self.agent_version),
            ("generation_prompt", &self.generation_prompt),
        ];
        let mut source: Map<String, Value> =
            texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into()))).collect();
        source.extend(self.confidence_score.map(|score| ("confidence_score".to_owned(), score.into())));
        source
    }
}

impl Feedback {
    /// Reads the body. Reports every field at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let note_id = fields.required("note_id", text(NoteId::parse));
        let rating = fields.required("rating", text(rating));
        let reasons: Vec<Reason> = fields.optional("reasons", reasons).unwrap_or_default();
        if rating == Some(Rating::Up) && !reasons.is_empty() {
            fields.problem("reasons", Invalid::malformed("belong to the rating down only"));
        }
        let (Some(note_id), Some(rating)) = (note_id, rating) else { return Err(fields.into_error()) };
        fields.finish().map(|()| Self { note_id, rating, reasons })
    }
}

fn rating(text: &str) -> Result<Rating, Invalid> {
    match text {
        "up" => Ok(Rating::Up),
        "down" => Ok(Rating::Down),
        _ => Err(Invalid::refused("must be up or down")),
    }
}

fn reasons(value: Value) -> Result<Vec<Reason>, Invalid> {
    let mut reasons = Vec::new();
    for name in texts(value, Reason::ALL.len())? {
        let reason = Reason::ALL.into_iter().find(|reason| reason.name() == name);
        match reason.ok_or_else(|| Invalid::refused("must be out of inaccurate, wrong_format, unhelpful and too_long"))? {
            twice if reasons.contains(&twice) => return Err(Invalid::refused("must name each reason once")),
            reason => reasons.push(reason),
        }
    }
    Ok(reasons)
}

impl Reason {
    const ALL: [Self; 4] = [Self::Inaccurate, Self::WrongFormat, Self::Unhelpful, Self::TooLong];

    /// The name used on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inaccurate => "inaccurate",
            Self::WrongFormat => "wrong_format",
            Self::Unhelpful => "unhelpful",
            Self::TooLong => "too_long",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(body: &Value) -> Fields {
        Fields::from_value(body.clone()).expect("an object")
    }

    #[test]
    fn every_fault_of_a_text_is_told() {
        let check = |body: Value, expected: &[&str]| {
            let wrong = AgentNote::parse(fields(&body)).expect_err("faults");
            let messages: Vec<String> = wrong.problems().into_iter().map(|problem| problem.message).collect();
            assert_eq!(messages, expected, "{body}");
        };
        check(json!({}), &["Missing required field: content", "Missing required field: metadata"]);
        check(json!({ "content": "c", "metadata": {} }), &["Missing required field: agent_model"]);
        check(json!({ "content": "c", "metadata": { "agent_model": "a\0" } }), &["agent_model must not have control characters"]);
        check(
            json!({ "content": "c", "if_version": 1, "metadata": { "agent_model": "m", "rag_context_ids": [""] } }),
            &["rag_context_ids must not be empty", "if_version belongs to a note that exists; name it in note_id"],
        );
        check(
            json!({ "content": "c", "metadata": { "agent_model": "m", "rag_context_ids": vec!["x"; 101] } }),
            &["rag_context_ids must be at most 100 strings"],
        );
    }

    #[test]
    fn a_text_has_a_hash_whether_or_not_it_was_sent() {
        let body = json!({ "content": "c", "metadata": { "agent_model": "m" } });
        let note = AgentNote::parse(fields(&body)).expect("a note");
        assert_eq!((note.content_sha256, note.metadata.allow_duplicate), (ContentHash::of("c"), false));
        let body = json!({ "content": "c", "content_sha256": ContentHash::of("d"), "metadata": { "agent_model": "m" } });
        assert_eq!(AgentNote::parse(fields(&body)).map_err(|wrong| wrong.status()).err(), Some(422));
    }

    #[test]
    fn what_an_agent_says_of_itself_is_what_notes_of_its_kind_may_say() {
        let metadata = json!({
            "agent_model": "m", "agent_name": "scribe", "agent_version": "2", "generation_prompt": "Write.", "confidence_score": 0.5,
        });
        let body = json!({ "content": "c", "metadata": metadata });
        let source = AgentNote::parse(fields(&body)).expect("a note").metadata.source();
        assert_eq!(Value::Object(source.clone()), metadata);
        assert_eq!(crate::domain::NoteType::AgentGenerated.check_source(&source), Ok(()));
        for (name, wrong) in [("confidence_score", json!(1.5)), ("generation_prompt", json!("x".repeat(4097))), ("agent_name", json!(""))] {
            let mut body = body.clone();
            body["metadata"][name] = wrong;
            assert_eq!(AgentNote::parse(fields(&body)).map_err(|wrong| wrong.status()).err(), Some(422), "{name}");
        }
    }

    #[test]
    fn reasons_belong_to_a_bad_rating_and_are_named_once() {
        let parse = |rating: &str, reasons: Value| {
            let body = json!({ "note_id": "018f4d2e-7c1a-7000-8000-0123456789ab", "rating": rating, "reasons": reasons });
            Feedback::parse(fields(&body)).map(|feedback| feedback.reasons).map_err(|wrong| wrong.message().into_owned())
        };
        assert_eq!(parse("down", json!(["too_long", "inaccurate"])), Ok(vec![Reason::TooLong, Reason::Inaccurate]));
        assert_eq!(parse("up", Value::Null), Ok(Vec::new()));
        assert_eq!(parse("up", json!(["too_long"])), Err("reasons belong to the rating down only".to_owned()));
        assert_eq!(parse("down", json!(["too_long", "too_long"])), Err("reasons must name each reason once".to_owned()));
        assert_eq!(parse("sideways", Value::Null), Err("rating must be up or down".to_owned()));
        for reason in [Reason::Inaccurate, Reason::WrongFormat, Reason::Unhelpful, Reason::TooLong] {
            assert_eq!(serde_json::to_value(reason).ok(), Some(json!(reason.name())));
        }
    }
}
