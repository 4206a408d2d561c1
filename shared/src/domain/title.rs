//! A note's title.

use super::invalid::{Invalid, json_as_text};
use crate::limits;
use std::fmt;

/// One line of 1 to [`limits::TITLE_CHARS_MAX`] characters, kept as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Accepts one line that is not blank.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.trim().is_empty() {
            return Err(Invalid::refused("must not be empty"));
        }
        if text.chars().count() > limits::TITLE_CHARS_MAX {
            return Err(Invalid::refused(format!("must be at most {} characters", limits::TITLE_CHARS_MAX)));
        }
        if text.chars().any(char::is_control) {
            return Err(Invalid::refused("must be one line without control characters"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The title.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

json_as_text!(Title);

#[cfg(test)]
mod tests {
    use super::Title;

    #[test]
    fn a_title_is_one_line() {
        let check = |text: &str, accepted: bool| assert_eq!(Title::parse(text).is_ok(), accepted, "{text:?}");
        check("Architecture", true);
        check(&"\u{e9}".repeat(200), true);
        check(&"x".repeat(201), false);
        check(" ", false);
        check("", false);
        check("two\nlines", false);
        check("nul\0", false);
    }
}
