//! Ids as types, so that a note's id is never passed where a folder's belongs.

use super::invalid::{Invalid, json_as_text};
use std::fmt;
use uuid::Uuid;

/// One id type: a UUID, printed in lower case with hyphens.
macro_rules! id {
    ($name:ident, $what:literal) => {
        #[doc = concat!("The id of a ", $what, ".")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Reads the hyphenated form of a UUID, in either case; no other spelling is an id.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                match Uuid::try_parse(text) {
                    Ok(uuid) if text.len() == uuid::fmt::Hyphenated::LENGTH => Ok(Self(uuid)),
                    _ => Err(Invalid::malformed(concat!("is not a valid ", $what, " id (a UUID is expected)"))),
                }
            }

            /// The UUID itself.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        json_as_text!($name);
    };
}

id!(NoteId, "note");
id!(FolderId, "folder");
id!(WorkspaceId, "workspace");
id!(EpochId, "database epoch");
id!(ConflictId, "conflict");
id!(KeyId, "key");

#[cfg(test)]
mod tests {
    use super::NoteId;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let check = |text: &str, accepted: bool| assert_eq!(NoteId::parse(text).is_ok(), accepted, "{text:?}");
        check("018f4d2e-7c1a-7000-8000-0123456789ab", true);
        check("018F4D2E-7C1A-7000-8000-0123456789AB", true);
        check("018f4d2e7c1a700080000123456789ab", false);
        check("{018f4d2e-7c1a-7000-8000-0123456789ab}", false);
        check("urn:uuid:018f4d2e-7c1a-7000-8000-0123456789ab", false);
        check("not-a-uuid", false);
        check("", false);
        check("018f4d2e-7c1a-7000-8000-0123456789a\u{e9}", false);
    }
}
