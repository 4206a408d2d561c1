//! The shapes of requests and answers, as they travel.
//!
//! Components and clients share them, so that neither can drift. A client reads an answer as `Envelope<NoteReply>`; fields that it
//! does not know are ignored, because new ones may come within a version.

pub mod account;
pub mod agent;
pub mod batch;
pub mod changes;
pub mod conflicts;
pub mod embeddings;
pub mod envelope;
pub mod folders;
pub mod health;
pub mod list;
pub mod note;
pub mod notes;
pub mod search;
pub mod status;
pub mod trash;

pub use account::{KeyOut, Me, RateLeft, SettingsChange, UserOut, WorkspaceOut, WorkspaceSettings};
pub use agent::{
    AgentMetadata, AgentNote, AgentNoteRefused, AgentNoteReply, AgentReport, AgentWindow, CorrectionShare, Feedback, FeedbackReply, Rating,
    Reason,
};
pub use batch::{BatchIn, BatchItem, BatchReply, BatchResult, BatchSummary};
pub use changes::{Change, ChangeList, FullResync, ResyncReason};
pub use conflicts::{ConflictKind, ConflictList, ConflictOut, ConflictResolved, Resolution, ResolutionStrategy, ResolvedBy};
pub use embeddings::{EmbeddingFailure, Embeddings, EmbeddingsQueued, EmbeddingsStatus, NoteCounts, VectorCount};
pub use envelope::{Envelope, Meta, Problem};
pub use folders::{FolderDeleted, FolderDraft, FolderList, FolderOut, FolderPatch, FolderReply, FolderUse};
pub use health::{Check, Checks, Health, State};
pub use list::NoteList;
pub use note::{
    Author, BaseVersion, Conflict, ConflictFound, Gone, MergeMode, MergeProposal, NoteDeleted, NoteIn, NoteOut, NoteReply, NoteUpdate,
    NotedVersion, PathTaken, VersionMismatch,
};
pub use notes::{NoteDraft, NotePatch, NoteVersion, RevisionList, RevisionReply, VersionDiff};
pub use search::{Degraded, RagQuery, RagReply, RagResult, SearchFilter, SearchMode, SearchReply, SearchResult};
pub use status::SyncStatus;
pub use trash::{TrashList, TrashRestore, TrashedNote};
