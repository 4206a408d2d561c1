//! Where a note lies in the synced folder.
//!
//! A path comes from one machine and is written to disk on another. So it must mean the same file everywhere and can never lead
//! out of the folder: what some system would read differently is refused, not repaired. Only two spellings are unified, `\` to `/`
//! and Unicode to NFC, because editors on different systems send the same file in both.

use super::invalid::{Invalid, json_as_text};
use crate::limits;
use std::fmt;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// A relative path with `/` between its segments, in NFC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotePath(String);

/// Names that Windows gives to devices, with any extension.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2", "lpt3", "lpt4",
    "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Percent-encoded dots, separators, NULs, percent signs and overlong forms: harmless here, a traversal for whoever decodes them.
const ENCODED: [&str; 6] = ["%2e", "%2f", "%5c", "%00", "%25", "%c0"];

impl NotePath {
    /// Unifies the spelling of a path, then accepts it if it names the same file inside the folder on every system.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        // Bounded before normalising, so that the work is bounded too.
        if text.len() > limits::PATH_BYTES_MAX {
            return Err(too_long());
        }
        let path = normalised(text);
        if path.len() > limits::PATH_BYTES_MAX {
            return Err(too_long());
        }
        check_whole(&path)?;
        if path.split('/').count() > limits::PATH_SEGMENTS_MAX {
            return Err(Invalid::refused(format!("must have at most {} folders", limits::PATH_SEGMENTS_MAX - 1)));
        }
        path.split('/').try_for_each(check_segment)?;
        Ok(Self(path))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Unifies the spelling of what paths begin with, as people type it: `./docs`, `/docs` and `docs` are the same, and `.` is everything. What no path can
/// begin with is refused, because it would find nothing and not say why.
pub fn prefix(text: &str) -> Result<String, Invalid> {
    if text.len() > limits::PATH_BYTES_MAX {
        return Err(too_long());
    }
    let text = normalised(text);
    let mut prefix = text.trim_start_matches('/');
    while let Some(rest) = prefix.strip_prefix("./") {
        prefix = rest.trim_start_matches('/');
    }
    if matches!(prefix, "" | ".") {
        return Ok(String::new());
    }
    check_whole(prefix)?;
    if let Some((folders, _)) = prefix.rsplit_once('/') {
        folders.split('/').try_for_each(check_segment)?;
    }
    if prefix.split('/').next_back() == Some("..") {
        return check_segment("..").map(|()| String::new());
    }
    Ok(prefix.to_owned())
}

/// Unifies the spelling of one segment, then accepts it if it can be a name on every system.
pub(super) fn segment(text: &str) -> Result<String, Invalid> {
    if text.len() > limits::PATH_SEGMENT_BYTES_MAX {
        return Err(Invalid::refused(format!("must be at most {} bytes", limits::PATH_SEGMENT_BYTES_MAX)));
    }
    let segment = normalised(text);
    if segment.contains('/') {
        return Err(Invalid::refused("must not contain '/' or '\\'"));
    }
    check_whole(&segment)?;
    check_segment(&segment)?;
    Ok(segment)
}

fn too_long() -> Invalid {
    Invalid::refused(format!("must be at most {} bytes", limits::PATH_BYTES_MAX))
}

fn normalised(text: &str) -> String {
    let slashes = text.replace('\\', "/");
    if is_nfc(&slashes) { slashes } else { slashes.nfc().collect() }
}

fn check_whole(path: &str) -> Result<(), Invalid> {
    if path.is_empty() {
        return Err(Invalid::refused("must not be empty"));
    }
    if path.starts_with('/') {
        return Err(Invalid::refused("must be relative to the synced folder"));
    }
    if path.chars().any(is_hidden) {
        return Err(Invalid::refused("must not contain control or invisible characters"));
    }
    if path.contains(':') {
        return Err(Invalid::refused("must not contain ':' (a drive or a stream on some systems)"));
    }
    let lower = path.to_ascii_lowercase();
    if ENCODED.iter().any(|encoded| lower.contains(encoded)) {
        return Err(Invalid::refused("must not contain percent-encoded dots or separators"));
    }
    Ok(())
}

/// Controls, line separators, marks that reorder what is read, and spaces of no width. Joiners stay: scripts and emoji need them.
const fn is_hidden(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn check_segment(segment: &str) -> Result<(), Invalid> {
    let refused = |reason| Err(Invalid::refused(reason));
    match segment {
        "" => return refused("must not have empty segments"),
        "." | ".." => return refused("must not leave or repeat a folder with '.' or '..'"),
        _ => {}
    }
    if segment.len() > limits::PATH_SEGMENT_BYTES_MAX {
        return Err(Invalid::refused(format!("must have segments of at most {} bytes", limits::PATH_SEGMENT_BYTES_MAX)));
    }
    if segment.ends_with(['.', ' ']) || segment.starts_with(' ') {
        return refused("must not have segments that start with a space or end with a dot or a space");
    }
    let stem = segment.split('.').next().unwrap_or(segment).trim_end();
    if DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) {
        return refused("must not use a name that Windows reserves for a device");
    }
    if segment.eq_ignore_ascii_case(".git") || segment.eq_ignore_ascii_case("git~1") {
        return refused("must not lie inside .git");
    }
    Ok(())
}

impl fmt::Display for NotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

json_as_text!(NotePath);

#[cfg(test)]
mod tests {
    use super::NotePath;
    use proptest::prelude::*;
    use std::path::{Component, Path};

    #[test]
    fn unifies_spellings_of_the_same_file() {
        let check = |text: &str, expected: &str| assert_eq!(NotePath::parse(text).unwrap().as_str(), expected);
        check("docs/architecture.md", "docs/architecture.md");
        check("docs\\architecture.md", "docs/architecture.md");
        check("caf\u{65}\u{301}.md", "caf\u{e9}.md");
        check("-dash.md", "-dash.md");
        check(".obsidian/workspace.json", ".obsidian/workspace.json");
        check("100% sure?.md", "100% sure?.md");
        check("\u{1f468}\u{200d}\u{1f469}.md", "\u{1f468}\u{200d}\u{1f469}.md");
        check(".gitignore", ".gitignore");
        check("console.md", "console.md");
        check("a", "a");
    }

    #[test]
    fn refuses_what_leaves_the_folder_or_means_different_files() {
        let refused = [
            "../x",
            "..\\x",
            "/abs",
            "C:\\x",
            "\\\\srv\\x",
            "a/../../b",
            "%2e%2e%2f",
            "%252e",
            "..%c0%af",
            "....//",
            "a//b",
            "./a",
            "a/.",
            "a/",
            "",
            ".",
            "..",
            "a.",
            "a ",
            " a",
            "a./b",
            "CON",
            "NUL.md",
            "aux.txt",
            "con .md",
            "a:stream",
            "\u{202e}gnp.md",
            "\u{feff}a.md",
            "a\0b",
            "a\nb",
            "a\tb",
            "a\u{85}b",
            "a\u{200b}b",
            ".git/config",
            "a/.GIT/x",
            "git~1/x",
            "~/\u{2028}",
            "a/..",
            "...",
        ];
        for path in refused {
            assert!(NotePath::parse(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_prefix_is_read_as_people_type_it() {
        for (text, expected) in [
            ("docs", "docs"),
            ("./docs", "docs"),
            ("/docs/", "docs/"),
            (".\\docs\\a", "docs/a"),
            ("././/docs", "docs"),
            (".", ""),
            ("/", ""),
            ("", ""),
        ] {
            assert_eq!(super::prefix(text).unwrap(), expected, "{text:?}");
        }
        assert_eq!(super::prefix("docs/.git").unwrap(), "docs/.git", "the beginning of .gitignore");
        for text in ["..", "../docs", "docs/..", "docs/../x", "docs//x", "a\0b", "C:/docs", ".git/x"] {
            assert!(super::prefix(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn is_bounded() {
        let check = |text: String, accepted: bool| assert_eq!(NotePath::parse(&text).is_ok(), accepted, "{} bytes", text.len());
        check("x".repeat(255), true);
        check("x".repeat(256), false);
        check(vec!["x".repeat(255); 4].join("/"), true);
        check(vec!["x".repeat(255); 5].join("/"), false);
        check(vec!["x"; 64].join("/"), true);
        check(vec!["x"; 65].join("/"), false);
        check("x/".repeat(4096), false);
    }

    proptest! {
        #[test]
        fn an_accepted_path_stays_inside_and_is_its_own_normal_form(text in "[a-zA-Z./\\\\:%0-9 \u{e9}\u{301}~-]{0,40}|\\PC{0,40}") {
            if let Ok(path) = NotePath::parse(&text) {
                prop_assert!(Path::new(path.as_str()).components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert_eq!(NotePath::parse(path.as_str()).unwrap(), path);
            }
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = NotePath::parse(&text);
        }
    }
}
