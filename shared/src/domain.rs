//! Values that cannot be wrong once they exist, and the rules between them.
//!
//! Nothing here reads a clock, an environment or a socket: given the same input, the same value.

pub mod agent_rules;
pub mod analysis;
pub mod api_key;
pub mod change_cursor;
pub mod chunk;
pub mod content;
pub mod correction;
pub mod cursor;
pub mod embedding;
pub mod file_metadata;
pub mod folder_name;
pub mod id;
pub mod idempotency_key;
pub mod invalid;
pub mod judgement;
pub mod merge;
pub mod note_path;
pub mod note_type;
pub mod origin;
pub mod place_cursor;
pub mod scope;
pub mod snippet;
pub mod timestamp;
pub mod title;
pub mod version_vector;
pub mod words;

pub use agent_rules::{Violation, WorkspaceRules};
pub use analysis::Analysis;
pub use api_key::{ApiKey, KeyKind};
pub use change_cursor::ChangeCursor;
pub use chunk::{Chunk, chunks};
pub use content::{Content, ContentHash};
pub use correction::{Correction, CorrectionType};
pub use cursor::Cursor;
pub use file_metadata::FileMetadata;
pub use folder_name::FolderName;
pub use id::{ConflictId, EpochId, FolderId, KeyId, NoteId, WorkspaceId};
pub use idempotency_key::IdempotencyKey;
pub use invalid::{Invalid, Kind};
pub use judgement::{Judgement, Likeness};
pub use note_path::NotePath;
pub use note_type::NoteType;
pub use origin::OriginId;
pub use place_cursor::PlaceCursor;
pub use scope::Scope;
pub use timestamp::Timestamp;
pub use title::Title;
pub use version_vector::VersionVector;
pub use words::{Question, Understood, Words};
