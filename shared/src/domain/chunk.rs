//! A note cut into the pieces that are searched and embedded.
//!
//! A piece should be about one thing, and be worth reading alone: so cuts are made at headings, a short section stays with its neighbour,
//! and a long one is cut where a reader would pause. Nothing is left out and nothing is rewritten: a piece is a range of the note.

mod cut;
mod outline;

use outline::{Heading, Outline};
use std::ops::Range;

/// Characters in a chunk at most, overlap included. A note up to this size is one chunk.
pub const CHUNK_CHARS_MAX: usize = 2_000;

/// Characters in a chunk at least, unless the whole note is shorter: less says too little to be found by its meaning.
pub const CHUNK_CHARS_MIN: usize = 100;

/// Characters that a piece repeats of the one before it in the same section at most, so that what stands at the cut is whole in one of them.
pub const OVERLAP_CHARS_MAX: usize = 50;

/// A piece of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// 0 when the chunk is the whole note; otherwise 1 for the first, and so on.
    pub index: u32,
    /// The headings that the chunk stands under as plain text, the outermost first, that of its own section last.
    pub heading_path: Vec<String>,
    /// How many of these stand before the chunk; the others stand in it.
    pub headings_above: usize,
    /// Where headings stand in the chunk, in bytes of the note.
    pub headings: Vec<Range<usize>>,
    /// Where the chunk stands, in bytes of the note.
    pub range: Range<usize>,
}

impl Chunk {
    /// The chunk's text, given the note that it was cut from.
    #[must_use]
    pub fn text<'a>(&self, note: &'a str) -> &'a str {
        &note[self.range.clone()]
    }
}

/// Cuts a note. The chunks are in order, and together hold every byte of it.
#[must_use]
pub fn chunks(note: &str) -> Vec<Chunk> {
    let outline = Outline::of(note);
    if !is_longer(note, CHUNK_CHARS_MAX) {
        return vec![outline.chunk(note, 0, 0, 0..note.len())];
    }
    let mut chunks = Vec::new();
    for section in sections(note, &outline.headings) {
        for piece in cut::pieces(note, section, &outline) {
            let index = u32::try_from(chunks.len() + 1).unwrap_or(u32::MAX);
            chunks.push(outline.chunk(note, index, piece.cut, piece.range));
        }
    }
    chunks
}

/// What a note calls itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// The first heading of the first level that has a text.
    pub(super) heading: Option<String>,
    /// The first heading of any level that has one.
    pub(super) any_heading: Option<String>,
    /// The `title` of its front matter.
    pub(super) front_matter: Option<String>,
}

/// The names that a note gives itself, found by the parser that cuts it.
pub(super) fn names(note: &str) -> Names {
    let outline = Outline::of(note);
    let named = |level_max: usize| {
        outline.headings.iter().find(|heading| heading.level <= level_max && !heading.title.is_empty()).map(|heading| heading.title.clone())
    };
    let front_matter = note[outline.front_matter.clone()].lines().find_map(front_matter_title);
    Names { heading: named(1), any_heading: named(6), front_matter }
}

/// The title that a line of front matter gives: `title: text` in YAML, `title = "text"` in TOML. One that goes over several lines is none.
fn front_matter_title(line: &str) -> Option<String> {
    let value = line.strip_prefix("title")?.trim_start().strip_prefix([':', '='])?.trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.split_once(quote));
    let title = quoted.map_or_else(|| value.split(" #").next().unwrap_or_default().trim(), |(title, _)| title);
    (!title.is_empty() && !title.starts_with(['|', '>', '#'])).then(|| title.to_owned())
}

impl Outline {
    fn chunk(&self, note: &str, index: u32, cut: usize, range: Range<usize>) -> Chunk {
        let within = self.headings_within(&range);
        let headings = within.iter().map(|heading| heading.range.start.max(range.start)..heading.range.end.min(range.end)).collect();
        // What stands before the first heading stands under none, but a few lines there should not take the name from the section they are
        // merged with.
        let path = self.path_at(cut);
        let path = match within.first() {
            Some(first) if path.is_empty() && !is_longer(&note[range.start..first.range.start], CHUNK_CHARS_MIN) => {
                self.path_at(first.range.start)
            }
            _ => path,
        };
        let headings_above = path.iter().filter(|heading| heading.range.start < range.start).count();
        let heading_path = path.into_iter().map(|heading| heading.title.clone()).collect();
        Chunk { index, heading_path, headings_above, headings, range }
    }
}

/// A stretch of the note from one heading to the next, or several of them.
struct Section {
    start: usize,
    end: usize,
    level: usize,
}

/// The note's sections, short ones merged with a neighbour: the one that follows, so that a heading stays with what stands under it, unless
/// that begins something new on a higher level.
fn sections(note: &str, headings: &[Heading]) -> Vec<Range<usize>> {
    let starts = headings.iter().map(|heading| (heading.range.start, heading.level));
    let ends = headings.iter().map(|heading| heading.range.start).chain([note.len()]);
    let mut merged: Vec<Section> = Vec::new();
    for ((start, level), end) in [(0, 0)].into_iter().chain(starts).zip(ends) {
        if start == end {
            continue;
        }
        match merged.as_mut_slice() {
            [.., last] if is_short(note, last) && level >= last.level => last.end = end,
            [.., before, last] if is_short(note, last) => {
                before.end = last.end;
                *last = Section { start, end, level };
            }
            [only] if is_short(note, only) => only.end = end,
            _ => merged.push(Section { start, end, level }),
        }
    }
    if let [.., before, last] = merged.as_mut_slice()
        && is_short(note, last)
    {
        before.end = last.end;
        merged.pop();
    }
    merged.into_iter().map(|section| section.start..section.end).collect()
}

fn is_short(note: &str, section: &Section) -> bool {
    !is_longer(&note[section.start..section.end], CHUNK_CHARS_MIN - 1)
}

/// Whether a text has more than so many characters, without counting all of them.
fn is_longer(text: &str, chars: usize) -> bool {
    text.len() > chars && text.chars().nth(chars).is_some()
}

#[cfg(test)]
mod tests;
