//! Where a page of the list ended.

use super::NoteId;
use super::invalid::{Invalid, json_as_text};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use uuid::Uuid;

/// The place after one note, in the order of ids. Opaque to clients, so that the order can change behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last note of the page before.
    pub after: NoteId,
}

/// The first byte, so that another form can follow one day.
const FORM: u8 = 1;

impl Cursor {
    /// Reads what an earlier answer gave out.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        // Longer than any cursor: not worth decoding.
        let bytes = if text.len() <= 64 { URL_SAFE_NO_PAD.decode(text).ok() } else { None };
        match bytes.as_deref() {
            Some([FORM, id @ ..]) => Uuid::from_slice(id).ok().map(|id| Self { after: id.into() }),
            _ => None,
        }
        .ok_or_else(|| Invalid::malformed("is not a cursor given out by this API"))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [FORM; 17];
        bytes[1..].copy_from_slice(self.after.uuid().as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

json_as_text!(Cursor);

#[cfg(test)]
mod tests {
    use super::Cursor;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn printing_and_parsing_agree(id: u128) {
            let cursor = Cursor { after: Uuid::from_u128(id).into() };
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Ok(cursor));
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = Cursor::parse(&text);
        }
    }
}
