//! Questions, and the parts of notes that answer them.

use crate::domain::{FolderId, NoteId, NotePath, NoteType, Timestamp, Understood};
use serde::{Deserialize, Serialize};

/// What an answer is looked for with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchMode {
    /// Words and vectors together.
    Hybrid,
    /// Vectors only.
    Vector,
    /// Words only; nothing leaves the database.
    Text,
}

impl SearchMode {
    /// The mode on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Vector => "vector",
            Self::Text => "text",
        }
    }
}

/// Which notes may answer; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchFilter {
    /// Only notes in this folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder_id: Option<FolderId>,
    /// Only notes of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_type: Option<NoteType>,
    /// Only the note that has this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<NotePath>,
    /// Only notes whose path begins so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// Only notes that come from an editor, or only others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced_from_ide: Option<bool>,
    /// Only notes made at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_since: Option<Timestamp>,
    /// Only notes made before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_before: Option<Timestamp>,
    /// Only notes changed at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_since: Option<Timestamp>,
    /// Only notes changed before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_before: Option<Timestamp>,
    /// Only notes whose file was changed at this time or later, by its own clock (`file_metadata.original_mtime`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_modified_since: Option<Timestamp>,
    /// Only notes whose file was changed before this time, by its own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_modified_before: Option<Timestamp>,
    /// Only notes whose file was last changed by this author (`file_metadata.author_email`), in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_email: Option<String>,
    /// Only notes whose metadata have all these tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
}

/// The body of `POST /v1/rag-query`.
#[derive(Clone, Debug, Serialize)]
pub struct RagQuery {
    /// The question: 1 to 500 characters. A note must have words in quotes, and must not have `-word` or `-"words"`, in every mode; everything else
    /// may occur. Behind a minus one or two letters are an option of a command, and so is what a note has as one.
    pub query: String,
    /// Results at most: 1 to 20, 5 when absent.
    pub k: u32,
    /// The least cosine similarity of a result that the words did not find: 0 to 1. When absent, what suits the model: 0.25 for the stand-in, 0.7 for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity_threshold: Option<f64>,
    /// `hybrid` when absent.
    pub mode: SearchMode,
    /// Which notes may answer.
    pub filters: SearchFilter,
    /// How long all results may be together, in tokens of four characters: 100 to 8,000, 8,000 when absent.
    pub token_budget: u32,
}

/// What answers a question: the best part of a note, and why it is here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RagResult {
    /// The note.
    pub note_id: NoteId,
    /// Its title.
    pub title: String,
    /// The part: at most 2,000 characters, `content[byte_start..byte_end]` of the note at `version`.
    pub content: String,
    /// The cosine of the angle between the question's and the part's vector, -1 to 1; absent where only the words matched.
    pub similarity: Option<f64>,
    /// Where its file lies.
    pub ide_file_path: Option<NotePath>,
    /// Its kind.
    pub note_type: NoteType,
    /// The version that was searched.
    pub version: i64,
    /// When the note was made.
    pub created_at: Timestamp,
    /// When the note was changed.
    pub updated_at: Timestamp,
    /// Which part of the note it is; 0 is the whole note.
    pub chunk_index: i32,
    /// The headings that it stands under, the outermost first.
    pub heading_path: Vec<String>,
    /// Where it begins, in bytes of the note's text.
    pub byte_start: i32,
    /// Where it ends.
    pub byte_end: i32,
    /// What the results are ordered by: the sum of both scores below, each between the least and the greatest of its kind as 0 to 1, that of the
    /// vector times its model's weight.
    pub score: f64,
    /// Its place among those that the words found, from 1.
    pub words_rank: Option<i32>,
    /// BM25 of its words.
    pub words_score: Option<f64>,
    /// Its place among those that the vectors found, from 1.
    pub vector_rank: Option<i32>,
    /// The model of the vector.
    pub model: Option<String>,
    /// How to name it as a source: the title, and the section.
    #[serde(default)]
    pub citation: String,
}

/// Why words alone were searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Degraded {
    /// The workspace lets no text go to a provider of embeddings.
    NoConsent,
    /// No vector has come yet.
    NoVectors,
    /// The provider of embeddings did not answer in time.
    Provider,
}

/// The answer of `POST /v1/rag-query`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RagReply {
    /// The best first.
    pub results: Vec<RagResult>,
    /// Notes without vectors, because those are still to come or were given up; their words are found already. Counted up to 10,000.
    pub pending_count: i64,
    /// Notes that were near enough to be looked at, and are held back because they are less similar than the threshold asks; up to 50.
    #[serde(default)]
    pub held_back: u32,
    /// What the question was taken for.
    #[serde(default)]
    pub understood: Understood,
    /// Whether vectors were asked for and only words could be searched.
    pub degraded: bool,
    /// Why.
    pub degraded_reason: Option<Degraded>,
    /// Whether results were left out because of the budget.
    pub truncated: bool,
    /// Whether this is the answer of a moment ago; nothing has changed since.
    pub cached: bool,
    /// How long it took, in milliseconds.
    pub query_time_ms: u64,
}

/// A note that has the words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchResult {
    /// The note.
    pub note_id: NoteId,
    /// Its title.
    pub title: String,
    /// Where its file lies.
    pub ide_file_path: Option<NotePath>,
    /// Its kind.
    pub note_type: NoteType,
    /// The version that was searched.
    pub version: i64,
    /// When the note was changed.
    pub updated_at: Timestamp,
    /// The headings that the snippet stands under, the outermost first.
    pub heading_path: Vec<String>,
    /// The words with what is around them: plain text, nothing in it is marked up.
    pub snippet: String,
    /// Where the words are in the snippet: begin and end of each, in Unicode characters.
    pub highlights: Vec<(usize, usize)>,
    /// BM25.
    pub score: f64,
}

/// The answer of `GET /v1/notes/search`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchReply {
    /// The best first.
    pub results: Vec<SearchResult>,
    /// What the question was taken for.
    #[serde(default)]
    pub understood: Understood,
    /// How long it took, in milliseconds.
    pub query_time_ms: u64,
}
