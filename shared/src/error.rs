//! The closed list of what can go wrong.
//!
//! Status, code and message stand in three matches beside the enum, so that one look shows what a client will see. The cause of an
//! internal error is a field of its own: it is logged where the answer is made and never sent. 400 and 422 are told apart in one place,
//! [`Kind`]: what cannot be read, and what was read and is refused.

mod code;
mod message;

pub use code::Code;

use crate::domain::{ConflictId, ContentHash, FolderId, Invalid, Kind, NoteId, NoteType, OriginId, Scope, Violation};
use crate::limits;
use crate::wire::{Conflict, FolderUse, FullResync, Gone, PathTaken, Problem, ResyncReason, VersionMismatch};
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Why a request has no answer.
#[derive(Clone, Debug)]
pub enum Error {
    /// Fields that are missing, unreadable or refused; all that were found.
    Invalid(Vec<FieldProblem>),
    /// The body is not JSON; says why.
    NotJson(String),
    /// The body or the note's text is larger than allowed.
    TooLarge,
    /// A batch is larger than allowed.
    BatchTooLarge,
    /// More than a tenth of a batch failed, and so nothing of it was done.
    BatchFailed {
        /// Notes in it.
        total: usize,
        /// Notes that failed.
        failed: usize,
    },
    /// The text does not have the hash that was sent with it.
    Integrity {
        /// The hash that was sent.
        expected: ContentHash,
        /// The hash of the text that arrived.
        actual: ContentHash,
    },
    /// The body came too slowly to be waited for.
    BodyTooSlow,
    /// The body is of another media type.
    MediaType,
    /// The body is packed in a way that is not read here.
    Encoding,
    /// No version of this API can answer in the form that was asked for.
    NotAcceptable,
    /// The route has other methods.
    Method {
        /// The methods it has.
        allow: &'static str,
    },
    /// No such route.
    NoRoute,
    /// No such route: a segment of the path is empty.
    EmptySegment,
    /// No key, or one that does not open anything.
    Unauthorized,
    /// The key is for another workspace than the request names.
    WrongWorkspace,
    /// The key lacks a scope.
    MissingScope(Scope),
    /// Too many requests.
    RateLimited {
        /// Requests allowed in a minute.
        limit: i32,
        /// Seconds until the next one is allowed.
        retry_after: i64,
    },
    /// No such note in this workspace.
    NoNote(NoteId),
    /// The note has no such version, or it is not kept.
    NoRevision {
        /// The note.
        note_id: NoteId,
        /// The number that was asked for.
        version: i64,
    },
    /// No such conflict in this workspace.
    NoConflict(ConflictId),
    /// The conflict was settled before.
    AlreadyResolved(ConflictId),
    /// The note is of another type than the request says.
    TypeDiffers(NoteType),
    /// No such folder in this workspace.
    NoFolder(FolderId),
    /// Another folder has the name in the same place.
    FolderExists(FolderId),
    /// The folder holds something.
    FolderNotEmpty(FolderUse),
    /// The note was changed by somebody else since the sent version.
    Conflict(Box<Conflict>),
    /// The note was deleted.
    Gone(Box<Gone>),
    /// Another note has the path.
    PathTaken(Box<PathTaken>),
    /// The change must say which version it replaces: by `If-Match`, or by this field of the body.
    PreconditionRequired(Option<&'static str>),
    /// An agent changes what it need not have seen.
    AgentNamesNoVersion,
    /// `If-Match` names another version.
    VersionMismatch(Box<VersionMismatch>),
    /// The sent vector says that its sender has seen changes of the note that there never were. What is stored is told.
    UnknownVersion(Box<VersionMismatch>),
    /// Another key of the workspace writes under this name.
    OriginTaken(OriginId),
    /// The workspace keeps as many bytes as its tier allows.
    StorageFull,
    /// Changes that the sender has missed cannot be told any more.
    FullResync(ResyncReason),
    /// Only vectors were asked for, and the workspace lets no text go to a provider of embeddings.
    NoConsent,
    /// An agent's text breaks rules; all of them, at least one.
    RuleBroken(Vec<Violation>),
    /// The key is of another kind than the route is for.
    WrongKind {
        /// The kinds that it is for.
        kinds: &'static str,
    },
    /// The caller does not manage the workspace.
    NotOwner,
    /// The workspace lets no text be given to models.
    NoTraining,
    /// The idempotency key was used for another request.
    KeyReused,
    /// The database cannot be reached, or has no room.
    Unavailable(Fault),
    /// A fault of ours.
    Internal(Fault),
}

/// What the log says about a fault, and the client is not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What we were doing.
    pub doing: &'static str,
    /// What went wrong, without content and secrets.
    pub cause: String,
    /// Whether a statement ran and failed, so that the database had work and has counted nothing.
    pub has_cost: bool,
}

impl Fault {
    /// A fault in what we were doing.
    pub fn new(doing: &'static str, cause: impl Into<String>) -> Self {
        Self { doing, cause: cause.into(), has_cost: false }
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field, as the client named it.
    pub field: Cow<'static, str>,
    /// What is wrong; nothing when the field is missing.
    pub wrong: Option<Invalid>,
}

impl FieldProblem {
    fn is_malformed(&self) -> bool {
        self.wrong.as_ref().is_none_or(|wrong| wrong.kind == Kind::Malformed)
    }

    fn message(&self) -> String {
        match &self.wrong {
            None => format!("Missing required field: {}", self.field),
            Some(wrong) => format!("{} {}", self.field, wrong.reason),
        }
    }
}

impl Error {
    /// One field that is wrong.
    pub fn field(field: &'static str, wrong: Invalid) -> Self {
        Self::Invalid(vec![FieldProblem { field: field.into(), wrong: Some(wrong) }])
    }

    /// A fault of ours.
    pub fn internal(doing: &'static str, cause: impl Into<String>) -> Self {
        Self::Internal(Fault::new(doing, cause))
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(problems) if problems.iter().any(FieldProblem::is_malformed) => 400,
            Self::Invalid(_)
            | Self::Integrity { .. }
            | Self::KeyReused
            | Self::UnknownVersion(_)
            | Self::OriginTaken(_)
            | Self::TypeDiffers(_)
            | Self::BatchFailed { .. }
            | Self::RuleBroken(_) => 422,
            Self::NotJson(_) => 400,
            Self::Unauthorized => 401,
            Self::WrongWorkspace | Self::MissingScope(_) | Self::WrongKind { .. } | Self::NotOwner => 403,
            Self::NoRoute | Self::EmptySegment | Self::NoNote(_) | Self::NoRevision { .. } | Self::NoConflict(_) | Self::NoFolder(_) => 404,
            Self::Method { .. } => 405,
            Self::NotAcceptable => 406,
            Self::BodyTooSlow => 408,
            Self::Conflict(_)
            | Self::PathTaken(_)
            | Self::AlreadyResolved(_)
            | Self::FolderExists(_)
            | Self::FolderNotEmpty(_)
            | Self::NoConsent
            | Self::NoTraining => 409,
            Self::FullResync(_) | Self::Gone(_) => 410,
            Self::VersionMismatch(_) => 412,
            Self::TooLarge | Self::BatchTooLarge => 413,
            Self::MediaType | Self::Encoding => 415,
            Self::PreconditionRequired(_) | Self::AgentNamesNoVersion => 428,
            Self::RateLimited { .. } => 429,
            Self::Internal(_) => 500,
            Self::Unavailable(_) => 503,
            Self::StorageFull => 507,
        }
    }

    /// The code that a client switches on.
    pub const fn code(&self) -> Code {
        match self {
            Self::Invalid(_) | Self::NotJson(_) | Self::TypeDiffers(_) => Code::ValidationError,
            Self::Integrity { .. } => Code::IntegrityError,
            Self::TooLarge | Self::BatchTooLarge => Code::PayloadTooLarge,
            Self::BatchFailed { .. } => Code::BatchFailed,
            Self::MediaType | Self::Encoding => Code::UnsupportedMediaType,
            Self::NotAcceptable => Code::NotAcceptable,
            Self::BodyTooSlow => Code::RequestTimeout,
            Self::Method { .. } => Code::MethodNotAllowed,
            Self::NoRoute | Self::EmptySegment | Self::NoNote(_) | Self::NoRevision { .. } | Self::NoConflict(_) | Self::NoFolder(_) => {
                Code::NotFound
            }
            Self::Unauthorized => Code::Unauthorized,
            Self::WrongWorkspace | Self::WrongKind { .. } | Self::NotOwner => Code::Forbidden,
            Self::RuleBroken(_) => Code::ValidationFailed,
            Self::MissingScope(_) => Code::MissingScope,
            Self::RateLimited { .. } => Code::RateLimitExceeded,
            Self::Conflict(_) | Self::PathTaken(_) | Self::AlreadyResolved(_) | Self::FolderExists(_) | Self::FolderNotEmpty(_) => {
                Code::Conflict
            }
            Self::VersionMismatch(_) => Code::PreconditionFailed,
            Self::PreconditionRequired(_) | Self::AgentNamesNoVersion => Code::PreconditionRequired,
            Self::UnknownVersion(_) => Code::UnknownVersion,
            Self::OriginTaken(_) => Code::OriginTaken,
            Self::StorageFull => Code::StorageFull,
            Self::FullResync(_) => Code::FullResyncRequired,
            Self::Gone(_) => Code::Gone,
            Self::NoConsent | Self::NoTraining => Code::NoConsent,
            Self::KeyReused => Code::IdempotencyKeyReused,
            Self::Unavailable(_) => Code::ServiceUnavailable,
            Self::Internal(_) => Code::InternalError,
        }
    }

    /// The entries of the envelope's `errors`: one, or one for each invalid field or broken rule.
    pub fn problems(&self) -> Vec<Problem> {
        let code = Cow::Borrowed(self.code().name());
        match self {
            Self::Invalid(problems) => problems
                .iter()
                .take(limits::PROBLEMS_MAX)
                .map(|problem| Problem {
                    code: code.clone(),
                    message: problem.message(),
                    field: Some(problem.field.clone()),
                    details: None,
                })
                .collect(),
            Self::RuleBroken(violations) => violations
                .iter()
                .map(|broken| Problem {
                    code: code.clone(),
                    message: broken.message.clone(),
                    field: Some("content".into()),
                    details: Some(json!({ "rule": broken.rule, "line": broken.line, "recoverable": broken.recoverable })),
                })
                .collect(),
            _ => vec![Problem {
                code,
                message: self.message().into_owned(),
                field: self.only_field().map(Cow::Borrowed),
                details: self.details(),
            }],
        }
    }

    /// What the log is told beyond the status.
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Unavailable(fault) | Self::Internal(fault) => Some(fault),
            _ => None,
        }
    }

    /// How long to wait before the next try, in seconds.
    pub fn retry_after(&self) -> Option<i64> {
        match self {
            Self::RateLimited { retry_after, .. } => Some(*retry_after),
            Self::Unavailable(_) => Some(limits::RETRY_AFTER_SECONDS.into()),
            _ => None,
        }
    }

    /// Whether the request itself is at fault, as against who sent it or what it is about. Such an error is only told to a caller who
    /// may use the route.
    pub const fn is_about_the_request(&self) -> bool {
        matches!(
            self,
            Self::Invalid(_)
                | Self::NotJson(_)
                | Self::TooLarge
                | Self::BatchTooLarge
                | Self::Integrity { .. }
                | Self::BodyTooSlow
                | Self::MediaType
                | Self::Encoding
                | Self::PreconditionRequired(_)
        )
    }

    const fn only_field(&self) -> Option<&'static str> {
        match self {
            Self::NotJson(_) => Some("body"),
            Self::Integrity { .. } => Some("content_sha256"),
            Self::TooLarge => Some("content"),
            Self::BatchTooLarge | Self::BatchFailed { .. } => Some("notes"),
            Self::PathTaken(_) => Some("ide_file_path"),
            Self::NoFolder(_) => Some("folder_id"),
            Self::FolderExists(_) => Some("name"),
            Self::NoRevision { .. } => Some("version"),
            Self::TypeDiffers(_) => Some("note_type"),
            Self::VersionMismatch(_) | Self::PreconditionRequired(_) | Self::AgentNamesNoVersion => Some("If-Match"),
            Self::UnknownVersion(_) => Some("version_vector"),
            Self::OriginTaken(_) => Some("sync_origin_id"),
            Self::KeyReused => Some("idempotency_key"),
            _ => None,
        }
    }

    /// Facts to act on.
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::Integrity { expected, actual } => Some(json!({ "expected": expected, "actual": actual })),
            Self::RateLimited { limit, retry_after } => Some(json!({ "retry_after": retry_after, "limit": limit, "window": "1 minute" })),
            Self::Unavailable(_) => Some(json!({ "retry_after": limits::RETRY_AFTER_SECONDS })),
            Self::Conflict(conflict) => to_value(conflict),
            Self::Gone(gone) => to_value(gone),
            Self::FolderExists(id) => Some(json!({ "folder_id": id })),
            Self::FolderNotEmpty(holds) => to_value(holds),
            Self::PathTaken(taken) => to_value(taken),
            Self::VersionMismatch(now) | Self::UnknownVersion(now) => to_value(now),
            Self::FullResync(reason) => to_value(&FullResync::from(*reason)),
            Self::RuleBroken(violations) => Some(json!({ "violations": violations })),
            _ => None,
        }
    }
}

fn to_value(details: &impl Serialize) -> Option<Value> {
    serde_json::to_value(details).ok()
}

#[cfg(test)]
mod tests {
    use super::{Code, Error, Fault, FieldProblem};
    use crate::domain::{ContentHash, Invalid, Scope};
    use crate::wire::ResyncReason;

    fn check(error: &Error, status: u16, code: Code, message: &str) {
        assert_eq!((error.status(), error.code(), error.message().as_ref()), (status, code, message));
    }

    #[test]
    fn clients_see_the_promised_words() {
        let missing = FieldProblem { field: "content".into(), wrong: None };
        check(&Error::Invalid(vec![missing]), 400, Code::ValidationError, "Missing required field: content");
        check(&Error::Unauthorized, 401, Code::Unauthorized, "Invalid or expired API key");
        check(&Error::MissingScope(Scope::NotesWrite), 403, Code::MissingScope, "Missing required scope: notes:write");
        check(&Error::TooLarge, 413, Code::PayloadTooLarge, "Content exceeds 1MB limit");
        check(
            &Error::RateLimited { limit: 100, retry_after: 60 },
            429,
            Code::RateLimitExceeded,
            "Maximum 100 requests per minute exceeded. Retry after 60 seconds.",
        );
        let hash = ContentHash::of("");
        check(&Error::Integrity { expected: hash, actual: hash }, 422, Code::IntegrityError, "Content integrity check failed");
        check(
            &Error::FullResync(ResyncReason::DatabaseRestored),
            410,
            Code::FullResyncRequired,
            "The changes cannot be followed from here; a full resync is needed",
        );
        check(&Error::KeyReused, 422, Code::IdempotencyKeyReused, "Idempotency key reused with different request body");
    }

    #[test]
    fn one_unreadable_field_makes_the_whole_request_unreadable() {
        let refused = FieldProblem { field: "title".into(), wrong: Some(Invalid::refused("must not be empty")) };
        assert_eq!(Error::Invalid(vec![refused.clone()]).status(), 422);
        let both = Error::Invalid(vec![refused, FieldProblem { field: "content".into(), wrong: None }]);
        assert_eq!(both.status(), 400);
        let fields: Vec<_> = both.problems().into_iter().filter_map(|problem| problem.field).collect();
        assert_eq!(fields, ["title", "content"]);
    }

    #[test]
    fn a_fault_is_never_told() {
        let fault = Error::Internal(Fault::new("creating a note", "relation noted.note does not exist"));
        let told = serde_json::to_string(&fault.problems()).unwrap();
        assert!(!told.contains("relation") && !told.contains("creating"), "{told}");
    }
}
