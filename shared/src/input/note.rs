//! Notes as they arrive: read, bounded, and proved whole.

use super::{Fields, boolean, object, string, text, texts};
use crate::domain::{Content, ContentHash, FileMetadata, FolderId, Invalid, NotePath, NoteType, OriginId, Timestamp, Title, VersionVector};
use crate::error::Error;
use crate::limits;
use crate::wire::{MergeMode, NoteIn, NoteUpdate};
use serde_json::{Map, Value};

impl NoteIn {
    /// Reads the body of a create. Reports every field at once; only a complete body is compared with its hash.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let title = fields.required("title", text(Title::parse));
        let content = fields.required("content", |value| string(value).and_then(Content::parse));
        let content_sha256 = fields.required("content_sha256", text(ContentHash::parse));
        let ide_last_modified = fields.required("ide_last_modified", text(Timestamp::parse));
        let sync_origin_id = fields.required("sync_origin_id", text(OriginId::parse));
        let folder_id = fields.optional("folder_id", text(FolderId::parse));
        let note_type = fields.optional("note_type", text(NoteType::parse));
        let ide_file_path = path(&mut fields, note_type);
        let source_metadata = source(&mut fields, note_type.unwrap_or(NoteType::IdeSynced));
        let file_metadata = fields.optional("file_metadata", FileMetadata::parse).unwrap_or_default();
        check_size(content.as_ref())?;
        let (Some(title), Some(content), Some(content_sha256), Some(ide_last_modified), Some(sync_origin_id)) =
            (title, content, content_sha256, ide_last_modified, sync_origin_id)
        else {
            return Err(fields.into_error());
        };
        fields.finish()?;
        check_hash(&content, Some(content_sha256))?;
        Ok(Self {
            title,
            content,
            content_sha256,
            ide_file_path,
            ide_last_modified,
            sync_origin_id,
            folder_id,
            note_type,
            source_metadata,
            file_metadata,
        })
    }

    /// The kind of the note, named or not: a file of an editor's folder is what this route is for.
    pub fn kind(&self) -> NoteType {
        self.note_type.unwrap_or(NoteType::IdeSynced)
    }
}

impl NoteUpdate {
    /// Reads the body of an update. Reports every field at once; only a complete body is compared with its hash.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let content = fields.required("content", |value| string(value).and_then(Content::parse));
        let content_sha256 = fields.required("content_sha256", text(ContentHash::parse));
        let ide_last_modified = fields.required("ide_last_modified", text(Timestamp::parse));
        let sync_origin_id = fields.required("sync_origin_id", text(OriginId::parse));
        let version_vector = fields.required("version_vector", VersionVector::parse);
        let title = fields.optional("title", text(Title::parse));
        let ide_file_path = fields.optional("ide_file_path", text(NotePath::parse));
        let folder_id = fields.nullable("folder_id", text(FolderId::parse));
        let file_metadata = fields.optional("file_metadata", FileMetadata::parse);
        let last_known_updated_at = fields.optional("last_known_updated_at", text(Timestamp::parse));
        let force_overwrite = fields.optional("force_overwrite", boolean).unwrap_or(false);
        let merge = fields.optional("merge", text(merge_mode));
        check_size(content.as_ref())?;
        let (Some(content), Some(content_sha256), Some(ide_last_modified), Some(sync_origin_id), Some(version_vector)) =
            (content, content_sha256, ide_last_modified, sync_origin_id, version_vector)
        else {
            return Err(fields.into_error());
        };
        fields.finish()?;
        check_hash(&content, Some(content_sha256))?;
        Ok(Self {
            content,
            content_sha256,
            ide_last_modified,
            sync_origin_id,
            version_vector,
            title,
            ide_file_path,
            folder_id,
            file_metadata,
            last_known_updated_at,
            force_overwrite,
            merge,
        })
    }
}

fn merge_mode(text: &str) -> Result<MergeMode, Invalid> {
    match text {
        "auto" => Ok(MergeMode::Auto),
        _ => Err(Invalid::refused("must be \"auto\", or absent to have a conflict reported")),
    }
}

/// Every note comes from a file, but what an agent writes need not.
fn path(fields: &mut Fields, kind: Option<NoteType>) -> Option<NotePath> {
    match kind {
        Some(NoteType::AgentGenerated) => fields.optional("ide_file_path", text(NotePath::parse)),
        _ => fields.required("ide_file_path", text(NotePath::parse)),
    }
}

pub(super) fn source(fields: &mut Fields, kind: NoteType) -> Map<String, Value> {
    let checked = |value| object(value).and_then(|source| kind.check_source(&source).map(|()| source));
    fields.optional("source_metadata", checked).unwrap_or_default()
}

/// Reads tags that stand beside `source_metadata` instead of in it.
pub(super) fn tags(value: Value) -> Result<Vec<String>, Invalid> {
    NoteType::UserCreated.check_source(&Map::from_iter([("tags".to_owned(), value.clone())]))?;
    texts(value, limits::TAGS_MAX)
}

pub(super) fn check_size(content: Option<&Content>) -> Result<(), Error> {
    if content.is_some_and(Content::is_too_large) { Err(Error::TooLarge) } else { Ok(()) }
}

/// The hash of a text, which must be the one that was sent, if one was.
pub(super) fn check_hash(content: &Content, expected: Option<ContentHash>) -> Result<ContentHash, Error> {
    let actual = ContentHash::of(content.as_str());
    match expected {
        Some(expected) if expected != actual => Err(Error::Integrity { expected, actual }),
        _ => Ok(actual),
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, NoteIn, NoteUpdate};
    use crate::domain::ContentHash;
    use crate::error::Error;
    use serde_json::{Value, json};

    fn create_body() -> Value {
        json!({
            "title": "Architecture", "content": "caf\u{e9}", "content_sha256": ContentHash::of("caf\u{e9}"),
            "ide_file_path": "docs/architecture.md", "ide_last_modified": "2025-10-09T11:45:00Z", "sync_origin_id": "vscode-1",
        })
    }

    fn create(body: &Value) -> Result<NoteIn, Error> {
        NoteIn::parse(Fields::from_json(body.to_string().as_bytes())?)
    }

    fn with(field: &str, value: Value) -> Value {
        let mut body = create_body();
        body[field] = value;
        body
    }

    #[test]
    fn each_required_field_is_missed_by_name() {
        assert!(create(&create_body()).is_ok());
        for field in ["title", "content", "content_sha256", "ide_file_path", "ide_last_modified", "sync_origin_id"] {
            let mut body = create_body();
            body.as_object_mut().unwrap().remove(field);
            let problems = create(&body).unwrap_err().problems();
            assert_eq!(problems[0].message, format!("Missing required field: {field}"));
            assert_eq!(create(&with(field, json!({}))).unwrap_err().status(), 400, "{field}");
        }
    }

    #[test]
    fn statuses_tell_unreadable_from_refused() {
        let check = |field, value: Value, status| assert_eq!(create(&with(field, value)).unwrap_err().status(), status, "{field}");
        check("content", json!("a\0b"), 422);
        check("content", json!("other"), 422);
        check("content", json!("x".repeat((1 << 20) + 1)), 413);
        check("title", json!("x".repeat(201)), 422);
        check("ide_file_path", json!("../x"), 422);
        check("ide_last_modified", json!("yesterday"), 400);
        check("content_sha256", json!("abc"), 400);
        check("folder_id", json!("not-a-uuid"), 400);
        check("note_type", json!("poem"), 422);
        check("source_metadata", json!({"agent_name": "x"}), 422);
        check("file_metadata", json!([]), 400);
    }

    #[test]
    fn the_largest_text_is_accepted() {
        let text = "x".repeat(1 << 20);
        let mut body = with("content", json!(text));
        body["content_sha256"] = json!(ContentHash::of(&text));
        assert!(create(&body).is_ok());
    }

    #[test]
    fn an_agents_note_needs_no_path() {
        let mut body = with("note_type", json!("agent_generated"));
        body.as_object_mut().unwrap().remove("ide_file_path");
        assert!(create(&body).is_ok());
    }

    #[test]
    fn an_update_tells_null_from_absent() {
        let mut body = create_body();
        body["version_vector"] = json!({"vscode-1": 1});
        let read = |body: &Value| NoteUpdate::parse(Fields::from_json(body.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(read(&body).folder_id, None);
        body["folder_id"] = Value::Null;
        assert_eq!(read(&body).folder_id, Some(None));
        body["version_vector"] = json!([]);
        assert!(NoteUpdate::parse(Fields::from_json(body.to_string().as_bytes()).unwrap()).is_err());
    }
}
