//! Sources that a text names.
//!
//! Brackets stand for much else: an index behind a name, an interval, a list of numbers, a class of characters, a box to tick, a label of what follows.
//! Only what nobody would read otherwise is held to be a citation, because a refusal without a reason teaches an agent to write worse.

mod bracket;

use super::Finding;
use bracket::{Bracket, brackets};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::BTreeSet;
use std::ops::Range;

/// From here on a number is a year, a port or a size: no list of sources is that long.
const SOURCES_MAX: u64 = 999;

/// Words after which numbers in brackets are values.
const BEFORE_VALUES: [&str; 24] = [
    "array", "arrays", "between", "channels", "element", "elements", "index", "input", "interval", "items", "list", "matrix", "output",
    "points", "prints", "range", "return", "returns", "set", "shape", "slice", "tuple", "values", "vector",
];

/// The citations of a text that name none of the given ids and nothing that the text itself lists: `[1]` is the first of them, `[source: x]` the one that
/// is x.
pub(super) fn unknown(text: &str, ids: &[String]) -> Vec<Finding> {
    let prose = Prose::of(text);
    let found: Vec<Bracket<'_>> = prose.ranges.iter().flat_map(|range| brackets(text, range.clone())).collect();
    let labels: BTreeSet<u64> = found.iter().filter(|bracket| prose.is_label(text, bracket)).filter_map(Bracket::number).collect();
    let is_known = |number: u64| (1..=ids.len() as u64).contains(&number) || labels.contains(&number);
    let mut unknown = Vec::new();
    // Where the last citation ends: what follows it at once is one too.
    let mut cited_until = None;
    for bracket in &found {
        let is_unknown = if let Some(source) = bracket.source() {
            !source.is_empty() && !names_given(source, ids)
        } else if prose.is_label(text, bracket) || !is_citation(text, bracket, cited_until) {
            continue;
        } else {
            !bracket.numbers().is_some_and(|numbers| numbers.iter().all(|&number| is_known(number)))
        };
        cited_until = Some(bracket.range.end);
        if is_unknown {
            unknown.push((bracket.range.start, text[bracket.range.clone()].to_owned()));
        }
    }
    unknown
}

/// Whether what `[source: ...]` names was given; it may name several, with commas between them.
fn names_given(source: &str, ids: &[String]) -> bool {
    let is_given = |name: &str| ids.iter().any(|id| id == name.trim());
    is_given(source) || source.split([',', ';']).all(is_given)
}

/// Whether numbers in brackets say where something was read.
fn is_citation(text: &str, bracket: &Bracket<'_>, cited_until: Option<usize>) -> bool {
    let Some(numbers) = bracket.numbers() else { return false };
    let ascends = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    if bracket.is_nested || !ascends || numbers.first() == Some(&0) || numbers.last().is_some_and(|&last| last > SOURCES_MAX) {
        return false;
    }
    // `[1-9]` is any digit but nought.
    if bracket.within.trim() == "1-9" {
        return false;
    }
    let before = &text[..bracket.range.start];
    let after = &text[bracket.range.end..];
    let goes_on = after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '{' | '+' | '\\' | '='));
    // Behind a name it is an index, behind another pair of brackets what that is.
    let is_index = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '`' | ')' | ']' | '}' | '$' | '^' | '\\'));
    if (is_index && cited_until != Some(bracket.range.start)) || goes_on {
        return false;
    }
    !follows_values(before)
}

/// Whether what stands before brackets says that values follow.
fn follows_values(before: &str) -> bool {
    let before = before.trim_end().trim_end_matches(':');
    let last = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let is_assigned = ["=", "->", "=>", "+", "\u{2208}", "\u{2192}", "\u{d7}"].iter().any(|sign| before.ends_with(sign));
    is_assigned || BEFORE_VALUES.binary_search(&last.to_lowercase().as_str()).is_ok()
}

/// What of a text is read as text: not code or formulas, and without what a parser takes for links, footnotes and HTML.
struct Prose {
    ranges: Vec<Range<usize>>,
    /// Where the text of a point of a list or of a heading begins.
    begins: BTreeSet<usize>,
}

impl Prose {
    fn of(text: &str) -> Self {
        let mut prose = Self { ranges: Vec::new(), begins: BTreeSet::new() };
        let options =
            Options::ENABLE_FOOTNOTES | Options::ENABLE_TABLES | Options::ENABLE_MATH | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
        // Links and pictures say themselves where they lead.
        let mut depth = 0_usize;
        let mut begins = false;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(_) | Tag::Link { .. } | Tag::Image { .. } | Tag::MetadataBlock(_)) => depth += 1,
                Event::End(TagEnd::CodeBlock | TagEnd::Link | TagEnd::Image | TagEnd::MetadataBlock(_)) => depth -= 1,
                Event::Start(Tag::Item | Tag::Heading { .. }) => begins = true,
                Event::Text(_) | Event::SoftBreak if depth == 0 => {
                    if std::mem::take(&mut begins) {
                        prose.begins.insert(range.start);
                    }
                    match prose.ranges.last_mut() {
                        // Brackets that make no link come one by one.
                        Some(last) if last.end == range.start => last.end = range.end,
                        _ => prose.ranges.push(range),
                    }
                }
                // The text of a point of a list may be in a paragraph.
                Event::Start(Tag::Paragraph) => {}
                _ => begins = false,
            }
        }
        prose
    }

    /// Whether a number in brackets names what follows it: a point of a list, a heading, or an address at the beginning of a line.
    fn is_label(&self, text: &str, bracket: &Bracket<'_>) -> bool {
        let begins_line = text[..bracket.range.start].trim_end_matches([' ', '\t']).ends_with('\n') || bracket.range.start == 0;
        let after = &text[bracket.range.end..];
        let is_address =
            after.starts_with(':') || ["http://", "https://", "<http"].iter().any(|start| after.trim_start().starts_with(start));
        self.begins.contains(&bracket.range.start) || (begins_line && is_address)
    }
}

#[cfg(test)]
mod tests;
