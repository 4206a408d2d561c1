//! One spelling for the spellings of a word: without case, accents and the joints of identifiers.

use std::borrow::Cow;
use unicode_normalization::{UnicodeNormalization, is_nfkc};

/// Characters kept of a word. A longer one is found by its beginning; nothing that a person would search for is cut.
pub(super) const WORD_CHARS_MAX: usize = 64;

/// A text in the form in which wide, narrow and joined letters are the usual ones, and a character of a script without spaces is one
/// character.
pub(super) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfkc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfkc().collect()) }
}

/// A word in lower case and without accents.
pub(super) fn word(word: &str) -> String {
    if word.is_ascii() {
        return word.chars().take(WORD_CHARS_MAX).map(|c| c.to_ascii_lowercase()).collect();
    }
    let mut folded = String::with_capacity(word.len());
    let plain = word.chars().flat_map(char::to_lowercase).nfd().filter(|c| !is_accent(*c));
    for character in plain.take(WORD_CHARS_MAX) {
        match character {
            '\u{df}' => folded.push_str("ss"),
            '\u{e6}' => folded.push_str("ae"),
            '\u{153}' => folded.push_str("oe"),
            '\u{f8}' => folded.push('o'),
            '\u{111}' => folded.push('d'),
            '\u{131}' => folded.push('i'),
            '\u{142}' => folded.push('l'),
            // The sigma at the end of a word, which has no capital of its own.
            '\u{3c2}' => folded.push('\u{3c3}'),
            other => folded.push(digit(other).unwrap_or(other)),
        }
    }
    folded
}

/// Whether a mark only says how a letter sounds: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowels and the stroke that widens a word.
const fn is_accent(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}'
            | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}'
    )
}

/// The digit that one of another script is: Arabic, Persian, Devanagari or Bengali.
fn digit(character: char) -> Option<char> {
    let zeros = [0x660, 0x6f0, 0x966, 0x9e6];
    zeros.into_iter().find_map(|zero| char::from_digit(u32::from(character).checked_sub(zero).filter(|digit| *digit < 10)?, 10))
}

/// An identifier as one word. Between digits a full stop or hyphen stays: `1.2.3` is not 123.
pub(super) fn identifier(identifier: &str) -> String {
    let mut joined = String::with_capacity(identifier.len());
    let mut rest = identifier.chars().peekable();
    while let Some(character) = rest.next() {
        let between_digits = joined.ends_with(|c: char| c.is_ascii_digit()) && rest.peek().is_some_and(char::is_ascii_digit);
        match character {
            '.' | '-' if between_digits => joined.push(character),
            '.' | '-' | '_' | '\u{2010}' | '\u{2011}' => {}
            _ => joined.push(character),
        }
    }
    word(&joined)
}
