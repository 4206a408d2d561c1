//! Which page of the list is asked for.

use super::{Fields, text};
use crate::domain::{Cursor, FolderId, Invalid, Timestamp};
use crate::error::Error;
use crate::limits;

/// The query of `GET /v1/ide-sync/list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only notes in this folder.
    pub folder_id: Option<FolderId>,
    /// Only notes changed at this time or later.
    pub modified_since: Option<Timestamp>,
    /// Only notes after the last one of an earlier page.
    pub cursor: Option<Cursor>,
    /// Notes to skip.
    pub offset: u32,
    /// Notes at most.
    pub limit: u32,
    /// Whether to give the texts too.
    pub include_content: bool,
}

impl Page {
    /// Reads the query; parameters it does not know are ignored.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let page = Self {
            folder_id: fields.optional("folder_id", text(FolderId::parse)),
            modified_since: fields.optional("modified_since", text(Timestamp::parse)),
            cursor: fields.optional("cursor", text(Cursor::parse)),
            offset: fields.optional("offset", text(|value| number(value, 0, limits::OFFSET_MAX))).unwrap_or(0),
            limit: fields.optional("limit", text(|value| number(value, 1, limits::PAGE_NOTES_MAX))).unwrap_or(limits::PAGE_NOTES_DEFAULT),
            include_content: fields.optional("include_content", text(yes_or_no)).unwrap_or(true),
        };
        if page.cursor.is_some() && page.offset > 0 {
            fields.problem("offset", Invalid::malformed("cannot be combined with cursor"));
        }
        fields.finish().map(|()| page)
    }
}

/// Reads a whole number within bounds, both included.
pub fn number(value: &str, from: u32, to: u32) -> Result<u32, Invalid> {
    value
        .parse()
        .ok()
        .filter(|number| (from..=to).contains(number))
        .ok_or_else(|| Invalid::malformed(format!("must be a whole number from {from} to {to}")))
}

pub(super) fn yes_or_no(value: &str) -> Result<bool, Invalid> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Invalid::malformed("must be true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, Page};
    use crate::error::Error;

    fn page(pairs: &[(&str, &str)]) -> Result<Page, Error> {
        Page::parse(Fields::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))?)
    }

    #[test]
    fn an_empty_query_asks_for_the_first_hundred() {
        let page = page(&[]).unwrap();
        assert_eq!((page.limit, page.offset, page.include_content, page.cursor), (100, 0, true, None));
    }

    #[test]
    fn bounds_are_named() {
        let check = |pairs: &[(&str, &str)], expected: &str| {
            let error = page(pairs).unwrap_err();
            assert_eq!((error.status(), error.message().as_ref()), (400, expected));
        };
        check(&[("limit", "501")], "limit must be a whole number from 1 to 500");
        check(&[("limit", "0")], "limit must be a whole number from 1 to 500");
        check(&[("limit", "ten")], "limit must be a whole number from 1 to 500");
        check(&[("offset", "-1")], "offset must be a whole number from 0 to 100000");
        check(&[("include_content", "yes")], "include_content must be true or false");
        check(&[("limit", "1"), ("limit", "2")], "query names a parameter twice");
        check(&[("cursor", "x")], "cursor is not a cursor given out by this API");
    }
}
