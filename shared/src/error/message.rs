//! What a person reads of an error: what happened, and what to do.

use super::Error;
use crate::domain::Timestamp;
use crate::limits;
use crate::wire::FolderUse;
use std::borrow::Cow;

impl Error {
    /// The message for a person. Of several invalid fields or broken rules, each has its own in [`Error::problems`].
    pub fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Invalid(problems) => problems.first().map_or(Cow::Borrowed("Invalid request"), |first| first.message().into()),
            Self::NotJson(why) => format!("The body is not valid JSON: {why}").into(),
            Self::TooLarge => "Content exceeds 1MB limit".into(),
            Self::BatchTooLarge => "Batch exceeds 10MB limit".into(),
            Self::BatchFailed { total, failed } => {
                format!("{failed} of {total} notes failed, more than a tenth, so nothing was done; mend them or send fewer at once").into()
            }
            Self::Encoding => "Content-Encoding must be gzip, or absent".into(),
            Self::Integrity { .. } => "Content integrity check failed".into(),
            Self::MediaType => "Content-Type must be application/json".into(),
            Self::BodyTooSlow => format!(
                "The body came too slowly: at least {} KiB in {} seconds are expected, and all of it in {}",
                limits::BODY_WINDOW_BYTES_MIN >> 10,
                limits::BODY_WINDOW.as_secs(),
                limits::BODY_TIMEOUT.as_secs()
            )
            .into(),
            Self::NotAcceptable => "Only version v1 of this API can answer here, as application/json".into(),
            Self::Method { allow } => format!("Method not allowed; this route has {allow}").into(),
            Self::NoRoute => "No such route".into(),
            Self::EmptySegment => "No such route: the path has two slashes in a row".into(),
            Self::Unauthorized => "Invalid or expired API key".into(),
            Self::WrongWorkspace => "API key does not have required permissions".into(),
            Self::MissingScope(scope) => format!("Missing required scope: {scope}").into(),
            Self::RateLimited { limit, retry_after } => {
                format!("Maximum {limit} requests per minute exceeded. Retry after {retry_after} seconds.").into()
            }
            _ => self.message_about_what_is_stored(),
        }
    }

    /// The messages of what the request meets: notes, folders, settings, other writers.
    fn message_about_what_is_stored(&self) -> Cow<'static, str> {
        match self {
            Self::NoNote(id) => format!("Note with ID {id} not found").into(),
            Self::NoRevision { note_id, version } => format!("Version {version} of note {note_id} is not kept").into(),
            Self::NoConflict(id) => format!("Conflict with ID {id} not found").into(),
            Self::AlreadyResolved(id) => format!("Conflict {id} was resolved before").into(),
            Self::TypeDiffers(kind) => format!("note_type cannot be changed; the note is {kind}").into(),
            Self::NoFolder(id) => format!("Folder with ID {id} not found").into(),
            Self::FolderExists(_) => "Another folder has this name in the same place".into(),
            Self::FolderNotEmpty(FolderUse { folders, live_notes }) => {
                format!("The folder holds {folders} folders and {live_notes} notes; delete its folders first, and send notes=move_to_parent to keep its notes").into()
            }
            Self::Conflict(conflict) => conflict_message(conflict.ide_timestamp, conflict.noted_timestamp).into(),
            Self::Gone(_) => "This note was deleted".into(),
            Self::PathTaken(_) => "Another note already has this path".into(),
            Self::VersionMismatch(now) => format!("The note is at version {}, not at the one in If-Match", now.version).into(),
            Self::PreconditionRequired(None) => "Send If-Match with the ETag of the version that you have seen".into(),
            Self::PreconditionRequired(Some(field)) => {
                format!("Send If-Match with the ETag of the version that you have seen, or {field} in the body").into()
            }
            Self::AgentNamesNoVersion => {
                "An agent must name the version that it has seen: send If-Match with that version's ETag, and not with *".into()
            }
            Self::UnknownVersion(_) => {
                "version_vector names changes of this note that there never were; send one that the server gave out, as in the details"
                    .into()
            }
            Self::OriginTaken(origin) => {
                format!("sync_origin_id {origin} is the name of another key in this workspace; use another name, or none").into()
            }
            Self::StorageFull => {
                "The workspace keeps as many bytes as its tier allows; delete notes, whose texts go after thirty days, or raise the tier"
                    .into()
            }
            Self::FullResync(_) => "The changes cannot be followed from here; a full resync is needed".into(),
            Self::NoConsent => {
                "AI processing is off in this workspace, so it has no vectors; an owner turns it on by PATCH /v1/workspace/settings; or ask in mode text"
                    .into()
            }
            Self::NoTraining => {
                "AI processing is off in this workspace, so its texts are given to no model; an owner turns it on by PATCH /v1/workspace/settings".into()
            }
            Self::RuleBroken(violations) => {
                violations.first().map_or(Cow::Borrowed("The text breaks a rule"), |first| first.message.clone().into())
            }
            Self::WrongKind { kinds } => format!("This route is for keys of kind {kinds}").into(),
            Self::NotOwner => "Only an owner may do this, by a key of kind user or one with the scope api_keys:manage; an agent's key never".into(),
            Self::KeyReused => "Idempotency key reused with different request body".into(),
            Self::Unavailable(_) => "The service cannot answer right now; try again".into(),
            _ => "Something went wrong on our side; the request id helps us find it".into(),
        }
    }
}

fn conflict_message(ide: Option<Timestamp>, noted: Timestamp) -> String {
    match ide {
        Some(ide) => format!("Note was modified in Noted app. IDE timestamp: {ide}, Noted timestamp: {noted}"),
        None => format!("Note was modified in Noted app. Noted timestamp: {noted}"),
    }
}
