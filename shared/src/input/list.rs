//! Which page of notes is asked for, by either of the two routes that list them.

use super::names::unknown;
use super::page::{instant, number, yes_or_no};
use super::{Fields, text};
use crate::domain::invalid::printable;
use crate::domain::{Cursor, Invalid};
use crate::error::Error;
use crate::limits;
use crate::wire::SearchFilter;

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
    CONTENT,
];

/// The one that is large.
const CONTENT: &str = "content";

/// The query of `GET /v1/notes` and of `GET /v1/ide-sync/list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteQuery {
    /// Which notes.
    pub filters: SearchFilter,
    /// Only notes after the last one of an earlier page.
    pub cursor: Option<Cursor>,
    /// Notes to skip.
    pub offset: u32,
    /// Notes at most.
    pub limit: u32,
    /// The fields to give, if some were named.
    pub fields: Option<Vec<&'static str>>,
    /// Whether to give the texts too.
    pub with_content: bool,
}

impl NoteQuery {
    /// Reads the query of `GET /v1/notes`, which gives no texts unless they are named. Reports every parameter at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let query = Self::read(&mut fields, false);
        fields.finish().map(|()| query)
    }

    /// Reads the query of `GET /v1/ide-sync/list`: it gives the texts unless it is told not to, may skip notes, and knows `updated_since` as
    /// `modified_since` too.
    pub fn parse_of_editors(mut fields: Fields) -> Result<Self, Error> {
        let modified_since = fields.optional("modified_since", text(instant));
        let include_content = fields.optional("include_content", text(yes_or_no));
        let offset = fields.optional("offset", text(|value| number(value, 0, limits::OFFSET_MAX))).unwrap_or(0);
        let mut query = Self { offset, ..Self::read(&mut fields, include_content.unwrap_or(true)) };
        if query.cursor.is_some() && offset > 0 {
            fields.problem("offset", Invalid::malformed("cannot be combined with cursor"));
        }
        if include_content.is_some() && query.fields.is_some() {
            fields.problem("include_content", Invalid::malformed("cannot be combined with fields"));
        }
        if modified_since.is_some() && query.filters.updated_since.is_some() {
            fields.problem("modified_since", Invalid::malformed("cannot be combined with updated_since, which means the same"));
        }
        query.filters.updated_since = query.filters.updated_since.or(modified_since);
        fields.finish().map(|()| query)
    }

    fn read(fields: &mut Fields, with_content: bool) -> Self {
        let names = fields.optional("fields", text(names));
        Self {
            filters: SearchFilter::of_query(fields),
            cursor: fields.optional("cursor", text(Cursor::parse)),
            offset: 0,
            limit: fields.optional("limit", text(|value| number(value, 1, limits::PAGE_NOTES_MAX))).unwrap_or(limits::PAGE_NOTES_DEFAULT),
            with_content: names.as_ref().map_or(with_content, |names| names.contains(&CONTENT)),
            fields: names,
        }
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

#[cfg(test)]
mod tests {
    use super::{Fields, NoteQuery};
    use crate::error::Error;

    fn fields(pairs: &[(&str, &str)]) -> Result<Fields, Error> {
        Fields::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn of_notes(pairs: &[(&str, &str)]) -> Result<NoteQuery, Error> {
        NoteQuery::parse(fields(pairs)?)
    }

    fn of_editors(pairs: &[(&str, &str)]) -> Result<NoteQuery, Error> {
        NoteQuery::parse_of_editors(fields(pairs)?)
    }

    #[test]
    fn an_empty_query_asks_for_the_first_hundred() {
        let query = of_editors(&[]).unwrap();
        assert_eq!((query.limit, query.offset, query.with_content, query.cursor), (100, 0, true, None));
        assert!(!of_notes(&[]).unwrap().with_content);
    }

    #[test]
    fn texts_are_given_where_they_are_named() {
        let query = of_notes(&[("fields", "id, content")]).unwrap();
        assert_eq!((query.fields, query.with_content), (Some(vec!["id", "content"]), true));
        assert!(!of_editors(&[("fields", "id")]).unwrap().with_content);
        for wrong in ["", "id,", "secret", "ID"] {
            assert_eq!(of_notes(&[("fields", wrong)]).unwrap_err().status(), 400, "{wrong:?}");
        }
    }

    #[test]
    fn bounds_are_named() {
        let check = |pairs: &[(&str, &str)], status: u16, expected: &str| {
            let error = of_editors(pairs).unwrap_err();
            assert_eq!((error.status(), error.message().as_ref()), (status, expected));
        };
        check(&[("limit", "501")], 422, "limit must be a whole number from 1 to 500");
        check(&[("limit", "0")], 422, "limit must be a whole number from 1 to 500");
        check(&[("limit", "99999999999999999999999")], 422, "limit must be a whole number from 1 to 500");
        check(&[("limit", "ten")], 400, "limit must be a whole number from 1 to 500");
        check(&[("limit", "")], 400, "limit must be a whole number from 1 to 500");
        check(&[("offset", "-1")], 422, "offset must be a whole number from 0 to 100000");
        check(&[("include_content", "yes")], 400, "include_content must be true or false");
        check(&[("limit", "1"), ("limit", "2")], 400, "query names \"limit\" twice");
        check(&[("cursor", "x")], 400, "cursor is not a cursor given out by this API");
        check(&[("limits", "1")], 400, "limits is unknown; did you mean \"limit\"?");
        check(&[("include_content", "true"), ("fields", "id")], 400, "include_content cannot be combined with fields");
        let at = "2026-01-31T09:30:00Z";
        let message = "modified_since cannot be combined with updated_since, which means the same";
        check(&[("modified_since", at), ("updated_since", at)], 400, message);
        assert_eq!(of_notes(&[("offset", "1")]).unwrap_err().problems()[0].field.as_deref(), Some("offset"));
    }

    #[test]
    fn the_zone_of_an_instant_survives_a_query() {
        let check = |sent: &str, expected: Option<&str>| {
            let read = of_editors(&[("modified_since", sent)]).ok().and_then(|query| query.filters.updated_since);
            assert_eq!(read.map(|instant| instant.to_string()).as_deref(), expected, "{sent}");
        };
        check("2026-01-31T11:30:00+02:00", Some("2026-01-31T09:30:00.000000Z"));
        check("2026-01-31T11:30:00 02:00", Some("2026-01-31T09:30:00.000000Z"));
        check("2026-01-31T09:30:00Z", Some("2026-01-31T09:30:00.000000Z"));
        check("2026-01-31 09:30:00Z", None);
        check("2026-01-31", None);
    }
}
