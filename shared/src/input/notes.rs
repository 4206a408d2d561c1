//! Notes as a resource, as they arrive: what is written through `/v1/notes`.

use super::note::{check_hash, check_size, source, tags};
use super::{Fields, object, string, text};
use crate::domain::{Content, ContentHash, FileMetadata, FolderId, Invalid, NotePath, NoteType, OriginId, Title};
use crate::error::Error;
use crate::wire::{NoteDraft, NotePatch};

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
        let mut source_metadata = source(&mut fields, note_type);
        if let Some(tags) = fields.optional("tags", tags) {
            source_metadata.insert("tags".to_owned(), tags.into());
        }
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
        let note_type = fields.optional("note_type", text(NoteType::parse));
        // Only the database knows what kind of note it is, unless the sender says so: see `NotePatch::kinds`.
        let source_metadata = fields.optional("source_metadata", |value| {
            let given = object(value)?;
            note_type.map_or(Ok(()), |kind| kind.check_source(&given)).map(|()| given)
        });
        let tags = fields.optional("tags", tags);
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
        let says_nothing = title.is_none() && content.is_none() && ide_file_path.is_none() && folder_id.is_none() && note_type.is_none();
        if says_nothing && source_metadata.is_none() && tags.is_none() && file_metadata.is_none() {
            fields.problem("body", Invalid::malformed("names no field to change"));
        }
        fields.finish()?;
        Ok(Self {
            title,
            content,
            content_sha256,
            ide_file_path,
            folder_id,
            note_type,
            source_metadata,
            tags,
            file_metadata,
            sync_origin_id,
        })
    }

    /// The kinds of note that this patch is right for: those whose metadata it could be, and whose path may be taken away if it does that.
    #[must_use]
    pub fn kinds(&self) -> Vec<NoteType> {
        NoteType::ALL.into_iter().filter(|kind| self.check_kind(*kind).is_ok()).collect()
    }

    /// Whether this patch is right for a note of this kind, and if not, why.
    pub fn check_kind(&self, kind: NoteType) -> Result<(), Error> {
        if self.note_type.is_some_and(|said| said != kind) {
            return Err(Error::TypeDiffers(kind));
        }
        if self.ide_file_path == Some(None) && kind == NoteType::IdeSynced {
            return Err(Error::field("ide_file_path", Invalid::refused("cannot be taken from a note that is an editor's file")));
        }
        let source = self.source_metadata.as_ref();
        source.map_or(Ok(()), |source| kind.check_source(source)).map_err(|wrong| Error::field("source_metadata", wrong))
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, NoteDraft, NotePatch};
    use serde_json::{Value, json};

    fn fields(body: &Value) -> Fields {
        Fields::from_json(body.to_string().as_bytes()).unwrap()
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
        check(json!({"note_type": "import"}), "fine");
        check(json!({"title": "t"}), "fine");
        check(json!({"folder_id": null}), "fine");
        check(json!({"source_metadata": {}}), "fine");
        check(json!({"tags": ["a"]}), "fine");
        check(json!({"tags": "a"}), "tags needs a list of texts in 'tags'");
        check(json!({"source_metadata": {}, "note_type": "import"}), "fine");
        check(json!({"ide_file_path": null}), "fine");
        check(json!({"ide_file_path": null, "note_type": "import"}), "fine");
        check(
            json!({"ide_file_path": null, "note_type": "ide_synced"}),
            "ide_file_path cannot be taken from a note that is an editor's file",
        );
    }

    #[test]
    fn a_patch_knows_which_kinds_of_note_it_is_right_for() {
        let check = |body: Value, expected: &[&str]| {
            let kinds: Vec<_> = NotePatch::parse(fields(&body)).unwrap().kinds().into_iter().map(|kind| kind.name()).collect();
            assert_eq!(kinds, expected, "{body}");
        };
        let all = ["user_created", "ide_synced", "agent_generated", "import", "template"];
        check(json!({"title": "t"}), &all);
        check(json!({"tags": ["a"]}), &all);
        check(json!({"note_type": "import"}), &["import"]);
        check(json!({"ide_file_path": null}), &["user_created", "agent_generated", "import", "template"]);
        check(json!({"source_metadata": {"agent_name": "x"}}), &["agent_generated"]);
        check(json!({"source_metadata": {"nobodys": "x"}}), &[]);
        let patch = NotePatch::parse(fields(&json!({"source_metadata": {"agent_name": "x"}}))).unwrap();
        let wrong = patch.check_kind(crate::domain::NoteType::Import).unwrap_err();
        assert_eq!(
            (wrong.status(), wrong.message().as_ref()),
            (422, "source_metadata has the field 'agent_name', which import notes do not have")
        );
    }
}
