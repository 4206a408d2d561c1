//! How an agent's text was judged, in the form that the database takes: `sync.judge` adds what only it knows.
//!
//! Beside the rules that the text breaks, this is what is kept of the attempt to write it.

use super::agent_rules::violations;
use super::{ConflictId, ContentHash, NoteId, Title, Violation, WorkspaceRules};
use crate::wire::AgentMetadata;
use serde::Serialize;

/// Characters of a text that are kept of an attempt.
const PREVIEW_CHARS_MAX: usize = 500;

/// A text, what is said of it, and the rules that it breaks.
#[derive(Clone, Debug, Serialize)]
pub struct Judgement {
    content_sha256: ContentHash,
    preview: String,
    note_id: Option<NoteId>,
    conflict_id: Option<ConflictId>,
    title: Option<String>,
    #[serde(flatten)]
    metadata: AgentMetadata,
    violations: Vec<Violation>,
    /// What the text was judged by: the database knows whether those are the workspace's rules.
    rules: WorkspaceRules,
    #[serde(skip_serializing_if = "Option::is_none")]
    likeness: Option<Likeness>,
}

/// What a text is compared with others by: the vectors of its chunks.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Likeness {
    /// The model that made them; none until somebody asks for them.
    pub model: Option<String>,
    /// One for each chunk that has words, in their order; none at all where the provider did not give them.
    pub embeddings: Vec<String>,
    /// What they cost.
    pub tokens: i64,
}

impl Judgement {
    /// Judges a text of which the agent has said nothing; so it was given no notes, and can cite none.
    #[must_use]
    pub fn of(text: &str, hash: ContentHash, rules: WorkspaceRules) -> Self {
        Self::with_metadata(text, hash, AgentMetadata::default(), rules)
    }

    /// Judges a text by what the agent said of it.
    #[must_use]
    pub fn with_metadata(text: &str, hash: ContentHash, metadata: AgentMetadata, rules: WorkspaceRules) -> Self {
        Self {
            content_sha256: hash,
            preview: text.chars().take(PREVIEW_CHARS_MAX).collect(),
            note_id: None,
            conflict_id: None,
            title: None,
            violations: violations(text, &metadata.rag_context_ids, &rules),
            metadata,
            rules,
            likeness: None,
        }
    }

    /// Says which note the text is for.
    #[must_use]
    pub const fn about_note(mut self, note_id: NoteId) -> Self {
        self.note_id = Some(note_id);
        self
    }

    /// Says which conflict the text settles, where the note is not known.
    #[must_use]
    pub const fn about_conflict(mut self, conflict_id: ConflictId) -> Self {
        self.conflict_id = Some(conflict_id);
        self
    }

    /// Lets the text be compared with others by these vectors, or asks to be told which are needed.
    #[must_use]
    pub fn with_likeness(mut self, likeness: Likeness) -> Self {
        self.likeness = Some(likeness);
        self
    }

    /// Says what the note is to be called, if anything new.
    #[must_use]
    pub fn with_title(mut self, title: Option<&Title>) -> Self {
        self.title = title.map(Title::to_string);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_judgement_has_the_form_that_the_database_takes() {
        let text = format!("Short [1]. {}", "\u{e9}".repeat(600));
        let rules = WorkspaceRules::default();
        let judgement = Judgement::of(&text, ContentHash::of(&text), rules.clone()).with_title(Some(&Title::parse("t").expect("a title")));
        let json = serde_json::to_value(&judgement).expect("string keys");
        assert_eq!(json["preview"].as_str().map(|preview| preview.chars().count()), Some(500));
        assert_eq!((&json["title"], &json["note_id"], &json["allow_duplicate"]), (&json!("t"), &json!(null), &json!(false)));
        assert_eq!((&json["rag_context_ids"], &json["agent_model"]), (&json!([]), &json!(null)));
        assert_eq!(json["rules"], json!({ "bytes_max": 102_400, "refused_words": [] }), "as the database has them by default");
        assert_eq!(json.get("likeness"), None);
        assert_eq!(json["violations"][0]["rule"], "hallucination_detection", "nothing was given, so nothing can be cited: {json}");
        let metadata = AgentMetadata { rag_context_ids: vec!["a".to_owned()], ..AgentMetadata::default() };
        let json = serde_json::to_value(Judgement::with_metadata(&text, ContentHash::of(&text), metadata, rules)).expect("string keys");
        assert_eq!((&json["violations"], &json["rag_context_ids"]), (&json!([]), &json!(["a"])));
    }
}
