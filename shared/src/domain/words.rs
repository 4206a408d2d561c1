//! The words of a text, as they are searched.
//!
//! Notes and questions are analysed by the same code, here and not in the database, so that both sides always agree and code is read as
//! code. Every word is kept, also the small ones: a phrase is made of them.

mod fold;
mod question;
mod segment;
mod stem;
mod stop;

pub use question::{Question, Understood};

use super::Chunk;
use segment::Found;
use std::collections::BTreeMap;
use std::ops::Range;

/// Stands before every lexeme in what PostgreSQL reads. The database puts the workspace's number there, so that no search reads what others wrote.
pub const SCOPE_MARK: char = '\u{1}';

/// The last position that PostgreSQL tells from others in one vector.
const POSITION_MAX: u16 = 16_383;

/// The positions that PostgreSQL keeps of one word in one vector.
const POSITIONS_MAX: usize = 256;

/// Where words stand, and so what PostgreSQL's weight of them is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the title or path of the note: weight A.
    Title,
    /// In a heading within the chunk: weight B.
    Heading,
    /// In a heading above the chunk: weight C.
    Above,
    /// In the text: weight D.
    Text,
}

impl Place {
    /// As PostgreSQL writes it; D is what it takes a position without a letter for.
    const fn letter(self) -> &'static str {
        match self {
            Self::Title => "A",
            Self::Heading => "B",
            Self::Above => "C",
            Self::Text => "",
        }
    }
}

/// The words of a text with their positions.
#[derive(Clone, Debug, Default)]
pub struct Words {
    positions: BTreeMap<String, Vec<(u16, Place)>>,
    next: u32,
    len: u32,
}

impl Words {
    /// The words of a text without headings.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut words = Self::default();
        words.add(text, Place::Text);
        words
    }

    /// The words of a chunk of a note, and of the headings above it.
    #[must_use]
    pub fn of_chunk(note: &str, chunk: &Chunk) -> Self {
        let mut words = Self::default();
        let mut place = chunk.range.start;
        for heading in &chunk.headings {
            words.add(&note[place..heading.start], Place::Text);
            words.add(&note[heading.clone()], Place::Heading);
            place = heading.end;
        }
        words.add(&note[place..chunk.range.end], Place::Text);
        for heading in &chunk.heading_path[..chunk.headings_above] {
            words.add(heading, Place::Above);
        }
        words
    }

    /// Adds the words of one more text after those that are there. A phrase never goes from one text into the next.
    pub fn add(&mut self, text: &str, place: Place) {
        let first = self.next + 1;
        let mut last = self.next;
        analyse(text, |word| {
            let position = first + word.position;
            last = last.max(position);
            if matches!(place, Place::Text | Place::Heading) && word.counts() {
                self.len += 1;
            }
            let positions = self.positions.entry(word.lexeme()).or_default();
            if positions.len() < POSITIONS_MAX {
                positions.push((u16::try_from(position).unwrap_or(POSITION_MAX).min(POSITION_MAX), place));
            }
        });
        self.next = last + 1;
    }

    /// How many words the text has, an identifier counted by its parts; the title and the headings above the chunk do not count.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there is nothing to be found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// The distinct words, in order.
    pub fn lexemes(&self) -> impl Iterator<Item = &str> {
        self.positions.keys().map(String::as_str)
    }

    /// The distinct words in order, each with where it stands; of a very frequent one only the first places are known.
    pub fn positions(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = u16>)> {
        self.positions.iter().map(|(lexeme, positions)| (lexeme.as_str(), positions.iter().map(|&(position, _)| position)))
    }

    /// The words as PostgreSQL writes a `tsvector`.
    #[must_use]
    pub fn to_tsvector(&self) -> String {
        let mut vector = String::new();
        for (lexeme, positions) in &self.positions {
            if !vector.is_empty() {
                vector.push(' ');
            }
            quote(lexeme, &mut vector);
            for (index, (position, place)) in positions.iter().enumerate() {
                vector.push(if index == 0 { ':' } else { ',' });
                vector.push_str(&position.to_string());
                vector.push_str(place.letter());
            }
        }
        vector
    }
}

/// Writes a lexeme as PostgreSQL reads it in a `tsvector` or `tsquery`.
fn quote(lexeme: &str, to: &mut String) {
    to.push('\'');
    to.push(SCOPE_MARK);
    for character in lexeme.chars() {
        if matches!(character, '\'' | '\\') {
            to.push(character);
        }
        to.push(character);
    }
    to.push('\'');
}

/// A word as it was found in a text: folded, not yet stemmed.
struct Word {
    kind: Kind,
    folded: String,
    /// Where it is in the text, in bytes.
    range: Range<usize>,
    /// From 0; the words of an identifier follow one another, and the identifier itself stands where the first of them does.
    position: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    /// An identifier of so many words.
    Whole(u32),
    Name,
    Option,
    Single,
    Pair,
}

impl Word {
    /// Whether it is one word of the text, rather than another form of words that are there.
    fn counts(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Single)
    }

    fn lexeme(&self) -> String {
        match self.kind {
            Kind::Word | Kind::Whole(_) => stem::stem(self.folded.clone()),
            Kind::Name | Kind::Option | Kind::Single | Kind::Pair => self.folded.clone(),
        }
    }
}

/// Where words stand in a text, in bytes, each with the form in which it is searched; what follows an identifier's words is the identifier.
pub(super) fn places(text: &str) -> Vec<(Range<usize>, String)> {
    let mut places = Vec::new();
    analyse_composed(text, |word| places.push((word.range.clone(), word.lexeme())));
    places
}

/// Finds the words of a text, with all forms in which they are searched.
fn analyse(text: &str, each: impl FnMut(Word)) {
    analyse_composed(&fold::composed(text), each);
}

fn analyse_composed(text: &str, mut each: impl FnMut(Word)) {
    let mut next = 0_u32;
    segment::segment(text, |found| {
        let (kind, range, words_before) = match found {
            Found::Word(range) => (Kind::Word, range, 0),
            Found::Single(range) => (Kind::Single, range, 0),
            Found::Whole(range, words) => (Kind::Whole(words), range, words),
            Found::Option(range, words) => (Kind::Option, range, words),
            Found::Name(range) => (Kind::Name, range, 1),
            Found::Pair(range) => (Kind::Pair, range, 1),
        };
        let folded = match kind {
            Kind::Whole(_) => fold::identifier(&text[range.clone()]),
            // `--edition` in a note makes no option of `-edition`.
            Kind::Option => {
                let dashes = if text[..range.start].ends_with("--") { "--" } else { "-" };
                format!("{dashes}{}", fold::identifier(&text[range.clone()]))
            }
            Kind::Word | Kind::Single | Kind::Name | Kind::Pair => fold::word(&text[range.clone()]),
        };
        let word = Word { kind, folded, range, position: next.saturating_sub(words_before) };
        next += u32::from(word.counts());
        // Marks alone, without a letter to stand on.
        if !word.folded.is_empty() {
            each(word);
        }
    });
}

#[cfg(test)]
mod tests;
