//! A note's title.

use super::NotePath;
use super::chunk::names;
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

    /// The title of a text that brings none: its first heading of the first level, or the `title` of its front matter, or the name of its file without
    /// the ending. A text without a file is called by its first heading of any level, or by the first line with a word in it that opens no code; and
    /// if there is none, untitled.
    #[must_use]
    pub fn of_text(text: &str, path: Option<&NotePath>) -> Self {
        let names = names(text);
        let own = names.heading.or(names.front_matter);
        let named = own.or_else(|| path.map_or_else(|| names.any_heading.or_else(|| first_line(text)), |path| Some(stem(path))));
        Self::shortened(&named.unwrap_or_default()).unwrap_or_else(|| Self("Untitled".to_owned()))
    }

    /// As much as fits of a text, as one line.
    fn shortened(text: &str) -> Option<Self> {
        let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let short: String = line.chars().take(limits::TITLE_CHARS_MAX).collect();
        Self::parse(short.trim_end()).ok()
    }

    /// The title.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn first_line(text: &str) -> Option<String> {
    let opens_code = |line: &str| ["```", "~~~"].iter().any(|fence| line.trim_start().starts_with(fence));
    let says_something = |line: &&str| line.contains(char::is_alphanumeric) && !opens_code(line);
    text.lines().find(says_something).map(str::to_owned)
}

/// A file's name without its ending.
fn stem(path: &NotePath) -> String {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
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
    use crate::domain::NotePath;

    fn title(text: &str, path: Option<&str>) -> String {
        let path = path.map(|path| NotePath::parse(path).expect("a path"));
        Title::of_text(text, path.as_ref()).as_str().to_owned()
    }

    #[test]
    fn a_note_of_a_file_is_called_by_its_first_heading_of_the_first_level_or_by_the_file() {
        let check = |text: &str, expected: &str| assert_eq!(title(text, Some("docs/release.notes.md")), expected, "{text:?}");
        let file = "release.notes";
        check("intro\n# Authentication #\n# Other", "Authentication");
        check("# C#", "C#");
        check("#\ttab", "tab");
        check("   # Indented", "Indented");
        check("Set\next\n===", "Set ext");
        check("\u{feff}# With a mark", "With a mark");
        check("# How *it* `works`, [they](https://example.com) say &amp; do", "How it works, they say & do");
        check("#\n\n# \n\n# Second", "Second");
        check("## Only deeper", file);
        check("#hashtag", file);
        check("    # Code", file);
        check("", file);
        check("```sh\n# install the dependencies\n```\n", file);
        check("~~~\n# install\n~~~\n\n# The title", "The title");
        check("<!--\n# Copyright 2024 someone\n-->\n\n# The title", "The title");
        check("> # Quoted\n\n- # Listed\n\n1. # Numbered\n", file);
    }

    #[test]
    fn front_matter_names_a_note_that_has_no_heading() {
        let check = |text: &str, expected: &str| assert_eq!(title(text, Some("a.md")), expected, "{text:?}");
        check("---\n# generated file, do not edit\ntitle: Release process\n---\ntext", "Release process");
        check("---\ntitle: From the front\n---\n# The heading", "The heading");
        check("---\n# generated file, do not edit\ntags: x\n---\n\n# Release process\n", "Release process");
        check("---\ntitle: \"Quoted: 'twice'\" # why\n---\n", "Quoted: 'twice'");
        check("---\ntitle: C# in depth # why\n---\n", "C# in depth");
        check("+++\ntitle = 'In TOML'\n+++\n", "In TOML");
        check("---\nsubtitle: x\ntitle:\n---\n", "a");
        check("---\ntitle: >\n  folded\n---\n", "a");
        check("text\n\n---\ntitle: no front matter\n", "a");
    }

    #[test]
    fn a_text_without_a_file_is_called_by_any_heading_or_its_first_line() {
        let check = |text: &str, expected: &str| assert_eq!(title(text, None), expected, "{text:?}");
        check("Before\n\n## How *it* works\n", "How it works");
        check("## Before\n\n# First\n", "First");
        check("```sh\n# no heading\n```\n", "# no heading");
        check("\n---\n  A line\twith a tab\n", "A line with a tab");
        check("#\n", "Untitled");
        check("", "Untitled");
        check(&"\u{e9}".repeat(201), &"\u{e9}".repeat(200));
        check(&format!("# {} b", "\u{e9}".repeat(199)), &"\u{e9}".repeat(199));
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
