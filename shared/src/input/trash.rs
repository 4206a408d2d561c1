//! Which deleted notes are to come back, as it arrives.

use super::{Fields, text, texts};
use crate::domain::{Invalid, NoteId, OriginId};
use crate::error::Error;
use crate::limits;
use crate::wire::TrashRestore;
use serde_json::Value;

impl TrashRestore {
    /// Reads the body. Reports every field at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let note_ids = fields.required("note_ids", note_ids);
        let sync_origin_id = fields.optional("sync_origin_id", text(OriginId::parse));
        let Some(note_ids) = note_ids else { return Err(fields.into_error()) };
        fields.finish().map(|()| Self { note_ids, sync_origin_id })
    }
}

fn note_ids(value: Value) -> Result<Vec<NoteId>, Invalid> {
    let ids = texts(value, limits::BATCH_NOTES_MAX)?;
    let ids: Vec<NoteId> = ids.iter().map(|id| NoteId::parse(id)).collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Err(Invalid::refused("must name a note"));
    }
    if (1..ids.len()).any(|place| ids[..place].contains(&ids[place])) {
        return Err(Invalid::refused("must name each note once"));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::{Fields, TrashRestore};
    use serde_json::{Value, json};

    #[test]
    fn each_note_is_named_once() {
        let one = "018f4d2e-7c1a-7000-8000-0123456789ab";
        let check = |note_ids: Value, expected: u16| {
            let body = json!({ "note_ids": note_ids });
            let status = TrashRestore::parse(Fields::from_value(body).unwrap()).map_or_else(|wrong| wrong.status(), |_| 200);
            assert_eq!(status, expected, "{note_ids}");
        };
        check(json!([one]), 200);
        check(json!([]), 422);
        check(json!([one, one]), 422);
        check(json!(["x"]), 400);
        check(json!(one), 400);
        check(json!(vec![one; 101]), 422);
        check(Value::Null, 400);
    }
}
