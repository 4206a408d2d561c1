//! Where a page of what is numbered ended.

use super::invalid::{Invalid, json_as_text};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

/// The place before a number, in a list that begins with the largest. Opaque to clients, so that the order can change behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceCursor {
    /// The last number of the page before.
    pub before: i64,
}

/// The first byte: no other cursor of this API is taken for this one.
const FORM: u8 = 3;

impl PlaceCursor {
    /// Reads what an earlier answer gave out.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        // Longer than any cursor: not worth decoding.
        let bytes = if text.len() <= 64 { URL_SAFE_NO_PAD.decode(text).ok() } else { None };
        let before = bytes.as_deref().and_then(|bytes| bytes.strip_prefix(&[FORM])).and_then(|number| number.try_into().ok());
        let cursor = before.map(|number| Self { before: i64::from_be_bytes(number) });
        cursor.filter(|cursor| cursor.before > 0).ok_or_else(|| Invalid::malformed("is not a cursor given out by this API"))
    }
}

impl fmt::Display for PlaceCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [FORM; 9];
        bytes[1..].copy_from_slice(&self.before.to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

json_as_text!(PlaceCursor);

#[cfg(test)]
mod tests {
    use super::super::Cursor;
    use super::PlaceCursor;
    use proptest::prelude::*;

    #[test]
    fn a_place_that_no_answer_gives_out_is_not_read() {
        assert!(PlaceCursor::parse(&PlaceCursor { before: 0 }.to_string()).is_err());
        assert!(PlaceCursor::parse(&PlaceCursor { before: -1 }.to_string()).is_err());
        assert!(Cursor::parse(&PlaceCursor { before: 1 }.to_string()).is_err());
    }

    proptest! {
        #[test]
        fn printing_and_parsing_agree(before in 1..i64::MAX) {
            let cursor = PlaceCursor { before };
            prop_assert_eq!(PlaceCursor::parse(&cursor.to_string()), Ok(cursor));
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = PlaceCursor::parse(&text);
        }
    }
}
