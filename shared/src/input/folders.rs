//! Folders, as they arrive.

use super::{Fields, text};
use crate::domain::{FolderId, FolderName, Invalid};
use crate::error::Error;
use crate::wire::{FolderDraft, FolderPatch};

impl FolderDraft {
    /// Reads the body of a create. Reports every field at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let name = fields.required("name", text(FolderName::parse));
        let parent_id = fields.optional("parent_id", text(FolderId::parse));
        let Some(name) = name else { return Err(fields.into_error()) };
        fields.finish().map(|()| Self { name, parent_id })
    }
}

impl FolderPatch {
    /// Reads the body of a change. Reports every field at once; a body that names none is a mistake.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let patch =
            Self { name: fields.optional("name", text(FolderName::parse)), parent_id: fields.nullable("parent_id", text(FolderId::parse)) };
        fields.finish()?;
        if patch == Self::default() { Err(Error::field("body", Invalid::malformed("names no field to change"))) } else { Ok(patch) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, FolderDraft, FolderPatch};
    use serde_json::{Value, json};

    #[test]
    fn a_folder_is_a_name_in_a_place() {
        let draft = |body: Value| FolderDraft::parse(Fields::from_value(body).unwrap()).map_or_else(|wrong| wrong.status(), |_| 201);
        let patch = |body: Value| FolderPatch::parse(Fields::from_value(body).unwrap()).map_or_else(|wrong| wrong.status(), |_| 200);
        assert_eq!(draft(json!({ "name": "docs", "parent_id": null })), 201);
        assert_eq!(draft(json!({ "parent_id": null })), 400);
        assert_eq!(draft(json!({ "name": "a/b" })), 422);
        assert_eq!(draft(json!({ "name": "a", "parent_id": "x" })), 400);
        assert_eq!(patch(json!({ "parent_id": null })), 200);
        assert_eq!(patch(json!({ "name": "docs" })), 200);
        assert_eq!(patch(json!({ "name": null })), 400);
        assert_eq!(patch(json!({})), 400);
    }
}
