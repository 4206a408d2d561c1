//! Sources that a text names.

use super::Finding;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::ops::Range;

/// The citations of a text that name none of the given ids: `[1]` is the first of them, `[source: x]` the one that is x.
pub(super) fn unknown(text: &str, ids: &[String]) -> Vec<Finding> {
    let mut unknown = Vec::new();
    for prose in prose(text) {
        let mut rest = prose.clone();
        while let Some((opens, within)) = next_brackets(text, &mut rest) {
            if !text[..opens].ends_with('\\') && names_unknown(within, ids) {
                unknown.push((opens, format!("[{within}]")));
            }
        }
    }
    unknown
}

/// Where a text is read as text: not in code, and without what a parser takes for links, footnotes and HTML.
fn prose(text: &str) -> Vec<Range<usize>> {
    let mut prose: Vec<Range<usize>> = Vec::new();
    let options = Options::ENABLE_FOOTNOTES | Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    // Links and pictures say themselves where they lead.
    let mut depth = 0_usize;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::Link { .. } | Tag::Image { .. }) => depth += 1,
            Event::End(TagEnd::CodeBlock | TagEnd::Link | TagEnd::Image) => depth -= 1,
            Event::Text(_) | Event::SoftBreak if depth == 0 => match prose.last_mut() {
                // Brackets that make no link come one by one.
                Some(last) if last.end == range.start => last.end = range.end,
                _ => prose.push(range),
            },
            _ => {}
        }
    }
    prose
}

/// What stands within the next pair of brackets and where these open; the range goes on behind what was found.
fn next_brackets<'a>(text: &'a str, rest: &mut Range<usize>) -> Option<(usize, &'a str)> {
    loop {
        let start = rest.start;
        let closes = start + text[rest.clone()].find(']')?;
        rest.start = closes + 1;
        if let Some(offset) = text[start..closes].rfind('[') {
            return Some((start + offset, &text[start + offset + 1..closes]));
        }
    }
}

/// Whether the words in brackets are a citation, and of something that was not given. `[1, 3]` cites two.
fn names_unknown(within: &str, ids: &[String]) -> bool {
    let is_source = within.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("source:"));
    if is_source {
        let source = within[7..].trim();
        return !ids.iter().any(|id| id == source);
    }
    let is_list =
        !within.is_empty() && within.split(',').all(|part| !part.trim().is_empty() && part.trim().bytes().all(|b| b.is_ascii_digit()));
    let is_given = |number: &str| number.trim().parse().is_ok_and(|number: usize| (1..=ids.len()).contains(&number));
    is_list && !within.split(',').all(is_given)
}
