//! Where a note's headings and code blocks are.
//!
//! A markdown parser says it, not a search for `#`: that would take comments in code for headings.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::ops::Range;

/// Characters kept of a heading's text: paths of headings are repeated in every chunk under them.
const HEADING_CHARS_MAX: usize = 200;

/// What of a note's structure decides where it is cut.
pub(super) struct Outline {
    /// The headings that stand alone, not within a list or a quotation, in order.
    pub(super) headings: Vec<Heading>,
    /// Code blocks, in order.
    pub(super) code: Vec<Range<usize>>,
    /// What stands between the lines that enclose front matter; empty if there is none.
    pub(super) front_matter: Range<usize>,
}

/// A heading and its place in the note.
pub(super) struct Heading {
    /// The whole line or lines, in bytes.
    pub(super) range: Range<usize>,
    /// 1 to 6.
    pub(super) level: usize,
    /// Its text without markup.
    pub(super) title: String,
    /// Where the text under it begins.
    body: usize,
    /// The heading that this one stands under.
    parent: Option<usize>,
}

impl Outline {
    pub(super) fn of(note: &str) -> Self {
        let mut outline = Self { headings: Vec::new(), code: Vec::new(), front_matter: 0..0 };
        // Without these options, the end of front matter would be read as the underline of a heading.
        let options = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
        // A byte order mark would hide the first heading from the parser.
        let begin = note.len() - note.trim_start_matches('\u{feff}').len();
        let mut depth = 0_usize;
        let mut within: Option<(usize, Range<usize>, String)> = None;
        for (event, range) in Parser::new_ext(&note[begin..], options).into_offset_iter() {
            let range = begin + range.start..begin + range.end;
            match event {
                Event::Start(tag) => {
                    match tag {
                        Tag::Heading { level, .. } if depth == 0 => within = Some((level as usize, range, String::new())),
                        Tag::CodeBlock(_) => outline.code.push(range),
                        Tag::MetadataBlock(_) => outline.front_matter = range,
                        _ => {}
                    }
                    depth += 1;
                }
                Event::End(tag) => {
                    depth -= 1;
                    if let (TagEnd::Heading(_), Some((level, range, title))) = (tag, within.take_if(|_| depth == 0)) {
                        outline.add(level, range, &title);
                    }
                }
                Event::Text(text) | Event::Code(text) => within.iter_mut().for_each(|(_, _, title)| add_text(title, &text)),
                Event::SoftBreak | Event::HardBreak => within.iter_mut().for_each(|(_, _, title)| add_text(title, " ")),
                _ => {}
            }
        }
        outline.find_bodies(note);
        outline
    }

    fn find_bodies(&mut self, note: &str) {
        let mut next = note.len();
        for heading in self.headings.iter_mut().rev() {
            let under = &note[heading.range.end..next];
            heading.body = next - under.trim_start().len();
            next = heading.range.start;
        }
    }

    fn add(&mut self, level: usize, range: Range<usize>, title: &str) {
        let mut parent = self.headings.len().checked_sub(1);
        while let Some(index) = parent.filter(|&index| self.headings[index].level >= level) {
            parent = self.headings[index].parent;
        }
        let title = title.trim().chars().take(HEADING_CHARS_MAX).collect();
        self.headings.push(Heading { body: range.end, range, level, title, parent });
    }

    /// The headings that a place stands under, the outermost first. Those without text are left out.
    pub(super) fn path_at(&self, place: usize) -> Vec<&Heading> {
        let last = self.headings.partition_point(|heading| heading.range.start <= place).checked_sub(1);
        let upwards = std::iter::successors(last, |&index| self.headings[index].parent).map(|index| &self.headings[index]);
        let mut path: Vec<&Heading> = upwards.filter(|heading| !heading.title.is_empty()).collect();
        path.reverse();
        path
    }

    /// The headings that stand in a range, even in part.
    pub(super) fn headings_within(&self, range: &Range<usize>) -> &[Heading] {
        let first = self.headings.partition_point(|heading| heading.range.end <= range.start);
        let end = self.headings.partition_point(|heading| heading.range.start < range.end);
        &self.headings[first..end.max(first)]
    }

    /// Whether a cut there would go through a block of code.
    pub(super) fn is_in_code(&self, place: usize) -> bool {
        let after = self.code.partition_point(|block| block.start < place);
        after.checked_sub(1).is_some_and(|index| place < self.code[index].end)
    }

    /// Whether a cut there would go through a heading, or between it and what stands under it.
    pub(super) fn is_in_heading(&self, place: usize) -> bool {
        let after = self.headings.partition_point(|heading| heading.range.start < place);
        after.checked_sub(1).is_some_and(|index| place <= self.headings[index].body)
    }
}

/// Adds to a heading's text up to the bound; a little more than is kept, because blanks at its ends are cut later.
fn add_text(title: &mut String, text: &str) {
    if title.len() < 8 * HEADING_CHARS_MAX {
        title.extend(text.chars().take(2 * HEADING_CHARS_MAX));
    }
}
