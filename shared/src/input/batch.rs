//! Many notes in one body: each is read for itself, so that one that is wrong fails alone.

use super::{Fields, text};
use crate::domain::{IdempotencyKey, NoteId};
use crate::error::Error;
use crate::limits;
use crate::wire::{NoteIn, NoteUpdate};
use serde_json::Value;

/// One item of a batch.
#[derive(Clone, Debug)]
pub struct BatchEntry {
    /// Names this change over all its retries, here and on the route for one note.
    pub idempotency_key: IdempotencyKey,
    /// What is to be done.
    pub change: BatchChange,
}

/// What an item of a batch asks for: exactly what the route for one note would be asked for.
#[derive(Clone, Debug)]
pub enum BatchChange {
    /// A new note.
    Create(Box<NoteIn>),
    /// Another text for a note.
    Update(NoteId, Box<NoteUpdate>),
}

impl BatchChange {
    /// Takes the text out, which is large and goes its own way.
    pub fn take_content(&mut self) -> String {
        match self {
            Self::Create(note) => note.take_content(),
            Self::Update(_, note) => note.take_content(),
        }
    }
}

/// The items of a batch. Each is read as it comes and its JSON forgotten, so that what is kept is what they say.
pub fn batch_items(body: &[u8], origin_header: Option<&str>) -> Result<Vec<Result<BatchEntry, Error>>, Error> {
    let mut items = Vec::new();
    let mut fields =
        Fields::from_json_with_list(body, "notes", limits::BATCH_NOTES_MAX, |item| items.push(BatchEntry::parse(item, origin_header)))?;
    fields.required("notes", Ok);
    fields.finish().map(|()| items)
}

impl BatchEntry {
    /// Reads one item. With a `note_id` or a `version_vector` it is an update, for which both are needed. There, null as the folder keeps the
    /// folder that the note is in: an item has the shape of a create, where null is nothing.
    fn parse(item: Value, origin_header: Option<&str>) -> Result<Self, Error> {
        let mut fields = Fields::from_value(item)?;
        fields.with_header("sync_origin_id", origin_header);
        // A fault here is remembered in the fields, so the parsers tell it together with their own.
        let key = fields.required("idempotency_key", text(IdempotencyKey::parse));
        let change = if fields.has("note_id") || fields.has("version_vector") {
            let note_id = fields.required("note_id", text(NoteId::parse));
            if !fields.has("folder_id") {
                fields.forget("folder_id");
            }
            let note = NoteUpdate::parse(fields)?;
            note_id.map(|note_id| BatchChange::Update(note_id, Box::new(note)))
        } else {
            Some(BatchChange::Create(Box::new(NoteIn::parse(fields)?)))
        };
        let entry = key.zip(change).map(|(idempotency_key, change)| Self { idempotency_key, change });
        entry.ok_or_else(|| Error::internal("reading an item", "a remembered fault was lost"))
    }
}

#[cfg(test)]
mod tests {
    use super::{BatchChange, BatchEntry, Fields, batch_items};
    use crate::domain::ContentHash;
    use crate::wire::NoteUpdate;
    use serde_json::{Value, json};

    fn item() -> Value {
        json!({
            "title": "Architecture", "content": "text", "content_sha256": ContentHash::of("text"), "ide_file_path": "a.md",
            "ide_last_modified": "2025-10-09T11:45:00Z", "sync_origin_id": "vscode-1", "idempotency_key": "key-1", "folder_id": null,
        })
    }

    #[test]
    fn an_item_that_names_a_note_is_the_update_that_the_route_for_one_note_reads() {
        let mut body = item();
        body["note_id"] = json!("018f4d2e-7c1a-7000-8000-0123456789ab");
        body["version_vector"] = json!({"vscode-1": 1});
        let entry = BatchEntry::parse(body.clone(), None).unwrap();
        for of_the_item in ["folder_id", "idempotency_key", "note_id"] {
            body.as_object_mut().unwrap().remove(of_the_item);
        }
        let alone = NoteUpdate::parse(Fields::from_value(body).unwrap()).unwrap();
        let BatchChange::Update(_, note) = entry.change else { panic!("not an update") };
        assert_eq!((ContentHash::of_json(&note), note.folder_id), (ContentHash::of_json(&alone), None));
    }

    #[test]
    fn a_note_and_what_was_seen_of_it_need_each_other() {
        let check = |field: &str, value: Value, missing: &str| {
            let mut body = item();
            body[field] = value;
            let wrong = BatchEntry::parse(body, None).unwrap_err();
            assert_eq!(wrong.message(), format!("Missing required field: {missing}"));
        };
        check("note_id", json!("018f4d2e-7c1a-7000-8000-0123456789ab"), "version_vector");
        check("version_vector", json!({}), "note_id");
        check("idempotency_key", Value::Null, "idempotency_key");
    }

    #[test]
    fn a_batch_holds_one_to_a_hundred_notes() {
        let check = |notes: Value, expected: Result<usize, (u16, &str)>| {
            let read = batch_items(json!({ "notes": notes }).to_string().as_bytes(), None).map(|notes| notes.len());
            let read = read.map_err(|wrong| (wrong.status(), wrong.message().into_owned()));
            assert_eq!(read, expected.map_err(|(status, message)| (status, message.to_owned())));
        };
        check(json!([1]), Ok(1));
        check(Value::Array(vec![Value::Null; 100]), Ok(100));
        check(Value::Array(vec![Value::Null; 101]), Err((422, "notes must hold 1 to 100 notes")));
        check(json!([]), Err((422, "notes must hold 1 to 100 notes")));
        check(json!({}), Err((400, "notes must be an array")));
        check(Value::Null, Err((400, "Missing required field: notes")));
    }
}
