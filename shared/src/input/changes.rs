//! Which changes are asked for.

use super::page::{instant, number, yes_or_no};
use super::{Fields, text};
use crate::domain::{ChangeCursor, Invalid, Timestamp};
use crate::error::Error;
use crate::limits;

/// The query of `GET /v1/ide-sync/changes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Only changes after what an earlier answer ended with.
    pub cursor: Option<ChangeCursor>,
    /// Only changes since this time, for a client that has no cursor yet.
    pub since: Option<Timestamp>,
    /// Changes at most.
    pub limit: u32,
    /// Whether to give the texts too.
    pub include_content: bool,
}

impl Changes {
    /// Reads the query. Reports every parameter at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let changes = Self {
            cursor: fields.optional("cursor", text(ChangeCursor::parse)),
            since: fields.optional("since", text(instant)),
            limit: fields.optional("limit", text(|value| number(value, 1, limits::PAGE_NOTES_MAX))).unwrap_or(limits::PAGE_NOTES_DEFAULT),
            include_content: fields.optional("include_content", text(yes_or_no)).unwrap_or(true),
        };
        if changes.cursor.is_some() && changes.since.is_some() {
            fields.problem("since", Invalid::malformed("cannot be combined with cursor"));
        }
        fields.finish().map(|()| changes)
    }
}

#[cfg(test)]
mod tests {
    use super::{Changes, Fields};
    use crate::domain::{ChangeCursor, EpochId, WorkspaceId};
    use crate::error::Error;
    use uuid::Uuid;

    fn changes(pairs: &[(&str, &str)]) -> Result<Changes, Error> {
        Changes::parse(Fields::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))?)
    }

    #[test]
    fn an_empty_query_asks_from_the_beginning() {
        assert_eq!(changes(&[]).unwrap(), Changes { cursor: None, since: None, limit: 100, include_content: true });
    }

    #[test]
    fn there_is_one_place_to_begin() {
        let (workspace, epoch) = (WorkspaceId::from(Uuid::nil()), EpochId::from(Uuid::nil()));
        let cursor = ChangeCursor { workspace, epoch, seq: 1, floor: 1 }.to_string();
        let since = "2026-01-31T09:30:00Z";
        assert!(changes(&[("cursor", &cursor)]).is_ok() && changes(&[("since", since)]).is_ok());
        let error = changes(&[("cursor", &cursor), ("since", since)]).unwrap_err();
        assert_eq!((error.status(), error.message().as_ref()), (400, "since cannot be combined with cursor"));
    }
}
