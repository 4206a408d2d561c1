//! A note's title.

use super::chunk::first_heading;
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

    /// The title of a text that brings none: its first heading, or the first line with a word in it that opens no code. A text without any is called untitled.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let opens_code = |line: &str| ["```", "~~~"].iter().any(|fence| line.trim_start().starts_with(fence));
        let says_something = |line: &&str| line.contains(char::is_alphanumeric) && !opens_code(line);
        let line = || text.lines().find(says_something).map(str::to_owned);
        let found = first_heading(text).or_else(line).unwrap_or_default();
        let short: String = found.chars().filter(|c| !c.is_control()).take(limits::TITLE_CHARS_MAX).collect();
        Self::parse(short.trim()).unwrap_or_else(|_| Self("Untitled".to_owned()))
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
    fn a_text_is_called_by_its_first_heading_or_line() {
        let check = |text: &str, expected: &str| assert_eq!(Title::of_text(text).as_str(), expected, "{text:?}");
        check("Before\n\n## How *it* works\n", "How it works");
        check("```sh\n# no heading\n```\n", "# no heading");
        check("\n---\n  A line\twith a tab\n", "A linewith a tab");
        check("#\n", "Untitled");
        check("", "Untitled");
        check(&"\u{e9}".repeat(201), &"\u{e9}".repeat(200));
    }

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
