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
    let plain = word.chars().flat_map(char::to_lowercase).nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    for character in plain.take(WORD_CHARS_MAX) {
        match character {
            '\u{df}' => folded.push_str("ss"),
            '\u{e6}' => folded.push_str("ae"),
            '\u{153}' => folded.push_str("oe"),
            '\u{f8}' => folded.push('o'),
            '\u{111}' => folded.push('d'),
            '\u{131}' => folded.push('i'),
            '\u{142}' => folded.push('l'),
            other => folded.push(other),
        }
    }
    folded
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
