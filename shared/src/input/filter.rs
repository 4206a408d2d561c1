//! Which notes are meant: the same conditions wherever notes are listed, searched or asked.

use super::page::{instant, yes_or_no};
use super::{Fields, boolean, object, text, texts};
use crate::domain::note_path::{self, NotePath};
use crate::domain::{FolderId, Invalid, NoteType, Timestamp};
use crate::limits;
use crate::wire::SearchFilter;
use serde_json::Value;

impl SearchFilter {
    /// Reads the conditions of a query.
    pub(super) fn of_query(fields: &mut Fields) -> Self {
        Self {
            folder_id: fields.optional("folder_id", text(FolderId::parse)),
            note_type: fields.optional("note_type", text(NoteType::parse)),
            path: fields.optional("path", text(NotePath::parse)),
            path_prefix: fields.optional("path_prefix", text(note_path::prefix)),
            synced_from_ide: fields.optional("synced_from_ide", text(yes_or_no)),
            created_since: fields.optional("created_since", text(instant)),
            created_before: fields.optional("created_before", text(instant)),
            updated_since: fields.optional("updated_since", text(instant)),
            updated_before: fields.optional("updated_before", text(instant)),
            file_modified_since: fields.optional("file_modified_since", text(instant)),
            file_modified_before: fields.optional("file_modified_before", text(instant)),
            author_email: fields.optional("author_email", text(author_email)),
            tags: fields.optional("tags", text(listed_tags)),
        }
    }

    /// Reads the conditions of a body.
    pub(super) fn of_body(given: &mut Fields) -> Self {
        let dates = given.optional("date_range", object).unwrap_or_default();
        let (start, end) =
            given.part(dates, |dates| (dates.optional("start", text(Timestamp::parse)), dates.optional("end", text(Timestamp::parse))));
        Self {
            folder_id: given.optional("folder_id", text(FolderId::parse)),
            note_type: given.optional("note_type", text(NoteType::parse)),
            path: given.optional("path", text(NotePath::parse)),
            path_prefix: given.optional("path_prefix", text(note_path::prefix)),
            synced_from_ide: given.optional("synced_from_ide", boolean),
            created_since: given.optional("created_since", text(Timestamp::parse)).or(start),
            created_before: given.optional("created_before", text(Timestamp::parse)).or(end),
            updated_since: given.optional("updated_since", text(Timestamp::parse)),
            updated_before: given.optional("updated_before", text(Timestamp::parse)),
            file_modified_since: given.optional("file_modified_since", text(Timestamp::parse)),
            file_modified_before: given.optional("file_modified_before", text(Timestamp::parse)),
            author_email: given.optional("author_email", text(author_email)),
            tags: given.optional("tags", |value| texts(value, limits::TAGS_MAX).and_then(tags)),
        }
    }

    /// The conditions as the database reads them; none if there are none.
    #[must_use]
    pub fn as_json(&self) -> Option<String> {
        // It has string keys and no failing parts.
        (*self != Self::default()).then(|| serde_json::to_string(self).unwrap_or_default())
    }
}

fn author_email(email: &str) -> Result<String, Invalid> {
    bounded(email, limits::METADATA_TEXT_BYTES_MAX)
}

fn bounded(text: &str, bytes_max: usize) -> Result<String, Invalid> {
    match text {
        _ if text.len() > bytes_max => Err(Invalid::refused(format!("is longer than {bytes_max} bytes"))),
        _ if text.contains('\0') => Err(Invalid::refused("contains a NUL character")),
        _ => Ok(text.to_owned()),
    }
}

fn listed_tags(list: &str) -> Result<Vec<String>, Invalid> {
    let names = list.split(',').map(|tag| Value::String(tag.trim().to_owned())).collect();
    texts(Value::Array(names), limits::TAGS_MAX).and_then(tags)
}

fn tags(tags: Vec<String>) -> Result<Vec<String>, Invalid> {
    if tags.is_empty() || tags.iter().any(String::is_empty) { Err(Invalid::refused("must not be empty")) } else { Ok(tags) }
}

#[cfg(test)]
mod tests {
    use super::{Fields, SearchFilter};
    use serde_json::{Value, json};

    fn of_query(pairs: &[(&str, &str)]) -> Result<SearchFilter, u16> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut fields = Fields::from_pairs(pairs).map_err(|wrong| wrong.status())?;
        let filter = SearchFilter::of_query(&mut fields);
        fields.finish().map(|()| filter).map_err(|wrong| wrong.status())
    }

    fn of_body(body: Value) -> Result<SearchFilter, u16> {
        let mut fields = Fields::from_value(body).map_err(|wrong| wrong.status())?;
        let filter = SearchFilter::of_body(&mut fields);
        fields.finish().map(|()| filter).map_err(|wrong| wrong.status())
    }

    #[test]
    fn a_query_and_a_body_mean_the_same_by_the_same_names() {
        let check = |pairs: &[(&str, &str)], body: Value| {
            let filter = of_query(pairs).unwrap();
            assert_eq!(Ok(filter.clone()), of_body(body));
            assert_ne!(filter, SearchFilter::default());
        };
        check(&[("path", "docs/a.md")], json!({ "path": "docs/a.md" }));
        check(&[("path_prefix", "./docs")], json!({ "path_prefix": "/docs" }));
        check(&[("tags", "a, b")], json!({ "tags": ["a", "b"] }));
        check(&[("synced_from_ide", "true")], json!({ "synced_from_ide": true }));
        check(&[("author_email", "a@example.com")], json!({ "author_email": "a@example.com" }));
        let at = "2026-01-31T09:30:00Z";
        for name in ["created_since", "created_before", "updated_since", "updated_before", "file_modified_since", "file_modified_before"] {
            check(&[(name, at)], json!({ name: at }));
        }
        check(&[("created_since", at), ("created_before", at)], json!({ "date_range": { "start": at, "end": at } }));
        assert_eq!(SearchFilter::default().as_json(), None);
    }

    #[test]
    fn what_cannot_be_a_condition_is_refused() {
        for (name, value, status) in [
            ("path", "../a", 422),
            ("path_prefix", "../a", 422),
            ("tags", "", 422),
            ("tags", "a,,b", 422),
            ("synced_from_ide", "1", 400),
            ("author_email", "\0", 422),
        ] {
            assert_eq!(of_query(&[(name, value)]), Err(status), "{name}={value:?}");
        }
    }
}
