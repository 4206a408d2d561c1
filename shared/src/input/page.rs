//! Which page of the list is asked for.

use super::{Fields, text};
use crate::domain::{Cursor, FolderId, Invalid, Timestamp};
use crate::error::Error;
use crate::limits;
use std::ops::RangeInclusive;
use std::str::FromStr;

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
    /// Reads the query. Reports every parameter at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let page = Self {
            folder_id: fields.optional("folder_id", text(FolderId::parse)),
            modified_since: fields.optional("modified_since", text(instant)),
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
    within(value, from..=to, format!("must be a whole number from {from} to {to}"))
}

/// Reads a whole number within `bounds`: one that lies outside was read all the same.
pub fn within<T: FromStr + PartialOrd>(value: &str, bounds: RangeInclusive<T>, reason: String) -> Result<T, Invalid> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid::malformed(reason));
    }
    value.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| Invalid::refused(reason))
}

/// Reads an instant out of a query, where the `+` of a zone arrives as a space unless it was encoded.
pub fn instant(value: &str) -> Result<Timestamp, Invalid> {
    Timestamp::parse(&value.replace(' ', "+"))
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
        let check = |pairs: &[(&str, &str)], status: u16, expected: &str| {
            let error = page(pairs).unwrap_err();
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
    }

    #[test]
    fn the_zone_of_an_instant_survives_a_query() {
        let check = |sent: &str, expected: Option<&str>| {
            let read = page(&[("modified_since", sent)]).ok().and_then(|page| page.modified_since);
            assert_eq!(read.map(|instant| instant.to_string()).as_deref(), expected, "{sent}");
        };
        check("2026-01-31T11:30:00+02:00", Some("2026-01-31T09:30:00.000000Z"));
        check("2026-01-31T11:30:00 02:00", Some("2026-01-31T09:30:00.000000Z"));
        check("2026-01-31T09:30:00Z", Some("2026-01-31T09:30:00.000000Z"));
        check("2026-01-31 09:30:00Z", None);
        check("2026-01-31", None);
    }
}
