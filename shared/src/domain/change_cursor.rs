//! How far the holder of a cursor has followed the changes of a workspace.

use super::invalid::{Invalid, json_as_text};
use super::{EpochId, WorkspaceId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use uuid::Uuid;

/// A place in the order of changes. Opaque to clients, so that what it is made of can change.
///
/// Nothing in it is secret or trusted: it says no more than its holder was told, and opens nothing but what their key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeCursor {
    /// Whose changes.
    pub workspace: WorkspaceId,
    /// The life of the database that the places belong to; another one after a restore.
    pub epoch: EpochId,
    /// Everything up to this place has been seen.
    pub seq: i64,
    /// Deletions up to this place mean nothing to the holder, who has seen them or began later; at least `seq`. Without it, whoever reads
    /// an old workspace from the beginning would be sent back to the beginning by what was collected long before.
    pub floor: i64,
}

/// The first byte: another form can follow one day, and no other cursor of this API is taken for this one.
const FORM: u8 = 2;

/// Form, workspace, epoch, and the two places.
const BYTES: usize = 1 + 16 + 16 + 8 + 8;

impl ChangeCursor {
    /// Reads what an earlier answer gave out.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        // Longer than any cursor: not worth decoding.
        let bytes = if text.len() <= 96 { URL_SAFE_NO_PAD.decode(text).ok() } else { None };
        bytes.as_deref().and_then(Self::from_bytes).ok_or_else(|| Invalid::malformed("is not a cursor given out by this API"))
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&form, rest) = bytes.split_first()?;
        let (workspace, rest) = rest.split_first_chunk()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let floor = rest.try_into().ok()?;
        let cursor = Self {
            workspace: Uuid::from_bytes(*workspace).into(),
            epoch: Uuid::from_bytes(*epoch).into(),
            seq: i64::from_be_bytes(*seq),
            floor: i64::from_be_bytes(floor),
        };
        (form == FORM && 0 <= cursor.seq && cursor.seq <= cursor.floor).then_some(cursor)
    }
}

impl fmt::Display for ChangeCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(FORM);
        bytes.extend_from_slice(self.workspace.uuid().as_bytes());
        bytes.extend_from_slice(self.epoch.uuid().as_bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.floor.to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

json_as_text!(ChangeCursor);

#[cfg(test)]
mod tests {
    use super::super::Cursor;
    use super::ChangeCursor;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn cursor(workspace: u128, epoch: u128, seq: i64, floor: i64) -> ChangeCursor {
        ChangeCursor { workspace: Uuid::from_u128(workspace).into(), epoch: Uuid::from_u128(epoch).into(), seq, floor }
    }

    #[test]
    fn places_that_no_answer_gives_out_are_not_read() {
        let check = |seq, floor, accepted| assert_eq!(ChangeCursor::parse(&cursor(1, 2, seq, floor).to_string()).is_ok(), accepted);
        check(0, 0, true);
        check(5, 7, true);
        check(i64::MAX, i64::MAX, true);
        check(7, 5, false);
        check(-1, 5, false);
        check(i64::MIN, i64::MIN, false);
    }

    #[test]
    fn a_cursor_of_the_list_is_another_thing() {
        let of_list = Cursor { after: Uuid::from_u128(1).into() }.to_string();
        assert!(ChangeCursor::parse(&of_list).is_err());
        assert!(Cursor::parse(&cursor(1, 2, 3, 4).to_string()).is_err());
    }

    proptest! {
        #[test]
        fn printing_and_parsing_agree(workspace: u128, epoch: u128, seq in 0..i64::MAX, more in 0..1_000_i64) {
            let cursor = cursor(workspace, epoch, seq, seq.saturating_add(more));
            prop_assert_eq!(ChangeCursor::parse(&cursor.to_string()), Ok(cursor));
        }

        #[test]
        fn cut_or_lengthened_it_is_none(workspace: u128, cut in 1..60_usize, tail in "[A-Za-z0-9_-]{1,9}") {
            let text = cursor(workspace, 2, 3, 4).to_string();
            prop_assert!(ChangeCursor::parse(&text[..text.len() - cut]).is_err());
            let lengthened = text + &tail;
            prop_assert!(ChangeCursor::parse(&lengthened).is_err());
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = ChangeCursor::parse(&text);
        }
    }
}
