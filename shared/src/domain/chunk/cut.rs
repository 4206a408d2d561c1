//! A long section cut where a reader would pause.

use super::outline::Outline;
use super::{CHUNK_CHARS_MAX, CHUNK_CHARS_MIN, OVERLAP_CHARS_MAX, is_longer};
use std::ops::Range;

/// A piece of a section.
pub(super) struct Piece {
    /// Where the piece before it ended; what stands between the range's start and this place is repeated.
    pub(super) cut: usize,
    /// The whole piece, in bytes of the note.
    pub(super) range: Range<usize>,
}

/// How good a place is for a cut, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pause {
    Character,
    Word,
    Sentence,
    Line,
    Paragraph,
}

/// The pieces of a section, each within the bounds of a chunk if the section reaches the lower one.
pub(super) fn pieces(note: &str, section: Range<usize>, outline: &Outline) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut piece = Piece { cut: section.start, range: section.clone() };
    while is_longer(&note[piece.range.clone()], CHUNK_CHARS_MAX) {
        let cut = best_cut(note, &piece, outline);
        let start = overlap_start(note, piece.cut..cut, outline);
        pieces.push(Piece { range: piece.range.start..cut, ..piece });
        piece = Piece { cut, range: start..section.end };
    }
    pieces.push(piece);
    pieces
}

/// The last of the best places: outside code and headings if there is one, then at the longest pause.
fn best_cut(note: &str, piece: &Piece, outline: &Outline) -> usize {
    let first = after_chars(note, piece.cut, CHUNK_CHARS_MIN);
    // What remains must be enough for a chunk too.
    let last = after_chars(note, piece.range.start, CHUNK_CHARS_MAX).min(before_chars(note, piece.range.end, CHUNK_CHARS_MIN));
    let places = note[first..last].char_indices().map(|(offset, _)| first + offset).chain([last]);
    let quality = |&place: &usize| {
        let pause = pause_at(note, place);
        // A break in code or under a heading is worse than any pause in the text, but better than a broken word.
        let is_whole = pause > Pause::Character && !outline.is_in_code(place) && !outline.is_in_heading(place);
        (is_whole, pause)
    };
    places.max_by_key(quality).unwrap_or(last)
}

fn pause_at(note: &str, place: usize) -> Pause {
    let (before, after) = note.split_at(place);
    let mut backwards = before.chars().rev();
    match backwards.next() {
        Some('\n') => match backwards.find(|&c| c == '\n' || !c.is_whitespace()) {
            Some('\n') | None => Pause::Paragraph,
            Some(_) => Pause::Line,
        },
        Some('\u{3002}' | '\u{ff01}' | '\u{ff1f}') => Pause::Sentence,
        Some(space) if space.is_whitespace() && !after.starts_with(char::is_whitespace) => {
            if backwards.next().is_some_and(|end| matches!(end, '.' | '!' | '?')) { Pause::Sentence } else { Pause::Word }
        }
        _ => Pause::Character,
    }
}

/// Where the next piece begins: at the first word of the last characters before the cut, or in their middle if no word begins there.
/// A piece does not begin within code that it does not go on with, nor repeat what was repeated before.
fn overlap_start(note: &str, before: Range<usize>, outline: &Outline) -> usize {
    let cut = before.end;
    let first = before_chars(note, cut, OVERLAP_CHARS_MAX).max(before.start);
    let begins_word = |place: usize| note[..place].ends_with(char::is_whitespace) && !note[place..].starts_with(char::is_whitespace);
    let places = || note[first..cut].char_indices().map(|(offset, _)| first + offset);
    let start = places().find(|&place| begins_word(place)).unwrap_or(first);
    let leaves_code = outline.is_in_code(start) && !outline.is_in_code(cut);
    let enters_code = outline.code.binary_search_by_key(&cut, |block| block.start).is_ok();
    if leaves_code || enters_code { cut } else { start }
}

/// The place so many characters after another, or the end of the note.
fn after_chars(note: &str, place: usize, chars: usize) -> usize {
    note[place..].char_indices().nth(chars).map_or(note.len(), |(offset, _)| place + offset)
}

/// The place so many characters before another, or the beginning of the note.
fn before_chars(note: &str, place: usize, chars: usize) -> usize {
    note[..place].char_indices().nth_back(chars - 1).map_or(0, |(offset, _)| offset)
}
