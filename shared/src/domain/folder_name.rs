//! What a folder is called.

use super::invalid::{Invalid, json_as_text};
use super::note_path::segment;
use std::fmt;

/// A name that a directory can have on every system, in NFC: folders may become directories one day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderName(String);

impl FolderName {
    /// Unifies the spelling of a name, then accepts it if it can be a segment of a path.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        segment(text).map(Self)
    }
}

impl fmt::Display for FolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

json_as_text!(FolderName);

#[cfg(test)]
mod tests {
    use super::super::NotePath;
    use super::FolderName;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_one_segment() {
        let check = |text: &str, accepted: bool| assert_eq!(FolderName::parse(text).is_ok(), accepted, "{text:?}");
        check("docs", true);
        check("Caf\u{e9} 2", true);
        check(".github", true);
        for refused in ["", ".", "..", "a/b", "a\\b", " a", "a ", "a.", "con", "C:", ".git", "a\u{202e}b", "%2e%2e", "a\nb"] {
            check(refused, false);
        }
        check(&"x".repeat(255), true);
        check(&"x".repeat(256), false);
    }

    proptest! {
        #[test]
        fn whatever_is_a_name_is_a_path(text in "\\PC{1,40}") {
            if let Ok(name) = FolderName::parse(&text) {
                prop_assert!(NotePath::parse(&name.to_string()).is_ok());
            }
        }
    }
}
