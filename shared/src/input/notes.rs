//! Notes as a resource, as they arrive: what is asked for and what is written through `/v1/notes`.

use super::names::unknown;
use super::note::{check_hash, check_size, source};
use super::page::{instant, number};
use super::{Fields, string, text};
use crate::domain::invalid::printable;
use crate::domain::{Content, ContentHash, Cursor, FileMetadata, FolderId, Invalid, NotePath, NoteType, OriginId, Timestamp, Title};
use crate::error::Error;
use crate::limits;
use crate::wire::{NoteDraft, NotePatch};

/// The fields that a list can give.
const FIELDS: [&str; 18] = [
    "id",
    "title",
    "content_sha256",
    "note_type",
    "source_metadata",
    "file_metadata",
    "synced_from_ide",
    "ide_file_path",
    "ide_last_modified",
    "last_ide_sync_at",
    "folder_id",
    "version",
    "version_vector",
    "seq",
    "last_sync_origin_id",
    "created_at",
    "updated_at",
    "content",
];

/// The query of `GET /v1/notes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteQuery {
    /// Only notes in this folder.
    pub folder_id: Option<FolderId>,
    /// Only notes of this kind.
    pub note_type: Option<NoteType>,
    /// Only notes whose path begins so.
    pub path_prefix: Option<String>,
    /// Only notes changed at this time or later.
    pub updated_since: Option<Timestamp>,
    /// Only notes changed before this time.
    pub updated_before: Option<Timestamp>,
    /// Only notes after the last one of an earlier page.
    pub cursor: Option<Cursor>,
    /// Notes at most.
    pub limit: u32,
    /// The fields to give; all but the text when none are named.
    pub fields: Vec<&'static str>,
}

impl NoteQuery {
    /// Reads the query. Reports every parameter at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let query = Self {
            folder_id: fields.optional("folder_id", text(FolderId::parse)),
            note_type: fields.optional("note_type", text(NoteType::parse)),
            path_prefix: fields.optional("path_prefix", text(path_prefix)),
            updated_since: fields.optional("updated_since", text(instant)),
            updated_before: fields.optional("updated_before", text(instant)),
            cursor: fields.optional("cursor", text(Cursor::parse)),
            limit: fields.optional("limit", text(|value| number(value, 1, limits::PAGE_NOTES_MAX))).unwrap_or(limits::PAGE_NOTES_DEFAULT),
            fields: fields.optional("fields", text(names)).unwrap_or_else(|| FIELDS[..FIELDS.len() - 1].to_vec()),
        };
        fields.finish().map(|()| query)
    }
}

fn names(list: &str) -> Result<Vec<&'static str>, Invalid> {
    let known = |name: &str| FIELDS.into_iter().find(|known| *known == name).ok_or_else(|| field_unknown(name));
    list.split(',').map(str::trim).map(known).collect()
}

fn field_unknown(name: &str) -> Invalid {
    let wrong = unknown(name, &FIELDS);
    Invalid { reason: format!("has the name \"{}\", which {}", printable(name), wrong.reason).into(), ..wrong }
}

pub(super) fn path_prefix(prefix: &str) -> Result<String, Invalid> {
    match prefix {
        _ if prefix.len() > limits::PATH_BYTES_MAX => Err(Invalid::refused(format!("is longer than {} bytes", limits::PATH_BYTES_MAX))),
        _ if prefix.contains('\0') => Err(Invalid::refused("contains a NUL character")),
        _ => Ok(prefix.to_owned()),
    }
}

impl NoteDraft {
    /// Reads the body of a create or a replacement. Reports every field at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let title = fields.required("title", text(Title::parse));
        let content = fields.required("content", |value| string(value).and_then(Content::parse));
        let expected = fields.optional("content_sha256", text(ContentHash::parse));
        let note_type = fields.optional("note_type", text(NoteType::parse)).unwrap_or(NoteType::UserCreated);
        let ide_file_path = match note_type {
            NoteType::IdeSynced => fields.required("ide_file_path", text(NotePath::parse)),
            _ => fields.optional("ide_file_path", text(NotePath::parse)),
        };
        let folder_id = fields.optional("folder_id", text(FolderId::parse));
        let source_metadata = source(&mut fields, note_type);
        let file_metadata = fields.optional("file_metadata", FileMetadata::parse).unwrap_or_default();
        let sync_origin_id = fields.optional("sync_origin_id", text(OriginId::parse));
        check_size(content.as_ref())?;
        let (Some(title), Some(content)) = (title, content) else { return Err(fields.into_error()) };
        fields.finish()?;
        let content_sha256 = check_hash(&content, expected)?;
        Ok(Self { title, content, content_sha256, note_type, ide_file_path, folder_id, source_metadata, file_metadata, sync_origin_id })
    }
}

impl NotePatch {
    /// Reads the body of a change of some fields. Reports every field at once; a body that names none is a mistake.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let title = fields.optional("title", text(Title::parse));
        let content = fields.optional("content", |value| string(value).and_then(Content::parse));
        let expected = fields.optional("content_sha256", text(ContentHash::parse));
        let ide_file_path = fields.nullable("ide_file_path", text(NotePath::parse));
        let folder_id = fields.nullable("folder_id", text(FolderId::parse));
        let says_source = fields.has("source_metadata");
        let note_type = match says_source || ide_file_path == Some(None) {
            true => fields.required("note_type", text(NoteType::parse)),
            false => fields.optional("note_type", text(NoteType::parse)),
        };
        let source_metadata = note_type.filter(|_| says_source).map(|kind| source(&mut fields, kind));
        let file_metadata = fields.optional("file_metadata", FileMetadata::parse);
        let sync_origin_id = fields.optional("sync_origin_id", text(OriginId::parse));
        check_size(content.as_ref())?;
        if ide_file_path == Some(None) && note_type == Some(NoteType::IdeSynced) {
            fields.problem("ide_file_path", Invalid::refused("cannot be taken from a note that is an editor's file"));
        }
        let content_sha256 = content.as_ref().map(|content| check_hash(content, expected)).transpose()?;
        if content.is_none() && expected.is_some() {
            fields.problem("content_sha256", Invalid::malformed("is the hash of a text that is not there"));
        }
        let says_nothing = title.is_none() && content.is_none() && ide_file_path.is_none() && folder_id.is_none();
        if says_nothing && source_metadata.is_none() && file_metadata.is_none() {
            fields.problem("body", Invalid::malformed("names no field to change"));
        }
        fields.finish()?;
        Ok(Self { title, content, content_sha256, ide_file_path, folder_id, note_type, source_metadata, file_metadata, sync_origin_id })
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, NoteDraft, NotePatch, NoteQuery};
    use crate::error::Error;
    use serde_json::{Value, json};

    fn query(pairs: &[(&str, &str)]) -> Result<NoteQuery, Error> {
        NoteQuery::parse(Fields::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))?)
    }

    fn fields(body: &Value) -> Fields {
        Fields::from_json(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_list_has_no_texts_unless_they_are_asked_for() {
        assert!(!query(&[]).unwrap().fields.contains(&"content"));
        assert_eq!(query(&[("fields", "id, content")]).unwrap().fields, ["id", "content"]);
        for wrong in ["", "id,", "secret", "ID"] {
            assert_eq!(query(&[("fields", wrong)]).unwrap_err().status(), 400, "{wrong:?}");
        }
    }

    #[test]
    fn an_editors_file_needs_a_path_and_others_may_lack_one() {
        let draft = |body: Value| NoteDraft::parse(fields(&body)).map_err(|error| error.message().into_owned());
        assert!(draft(json!({"title": "t", "content": ""})).is_ok());
        let missing = draft(json!({"title": "t", "content": "", "note_type": "ide_synced"})).unwrap_err();
        assert_eq!(missing, "Missing required field: ide_file_path");
    }

    #[test]
    fn a_hash_is_checked_where_it_is_sent() {
        let status = |body: Value| NoteDraft::parse(fields(&body)).map_or_else(|error| error.status(), |_| 200);
        assert_eq!(status(json!({"title": "t", "content": "x", "content_sha256": "0".repeat(64)})), 422);
        let patch = |body: Value| NotePatch::parse(fields(&body)).map_or_else(|error| error.status(), |_| 200);
        assert_eq!(patch(json!({"content": "x", "content_sha256": "0".repeat(64)})), 422);
        assert_eq!(patch(json!({"title": "x", "content_sha256": "0".repeat(64)})), 400);
    }

    #[test]
    fn a_patch_says_something_and_knows_what_it_judges_by() {
        let patch = |body: Value| NotePatch::parse(fields(&body)).map_or_else(|error| error.message().into_owned(), |_| "fine".to_owned());
        let check = |body: Value, expected: &str| assert_eq!(patch(body.clone()), expected, "{body}");
        check(json!({}), "body names no field to change");
        check(json!({"note_type": "import"}), "body names no field to change");
        check(json!({"title": "t"}), "fine");
        check(json!({"folder_id": null}), "fine");
        check(json!({"source_metadata": {}}), "Missing required field: note_type");
        check(json!({"source_metadata": {}, "note_type": "import"}), "fine");
        check(json!({"ide_file_path": null}), "Missing required field: note_type");
        check(json!({"ide_file_path": null, "note_type": "import"}), "fine");
        check(
            json!({"ide_file_path": null, "note_type": "ide_synced"}),
            "ide_file_path cannot be taken from a note that is an editor's file",
        );
    }
}
