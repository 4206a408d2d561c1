//! Where words begin and end, in prose, in code and in scripts without spaces.
//!
//! `HashMap`, `hash_map` and `hash-map` are two words and one identifier: both are given, so that a search for a part finds it, and one for
//! the whole finds it first. The whole is written without its joints, because people write the same name in all of these ways.

use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// What is found at a place of the text, as ranges of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A word that stands alone or is a part of an identifier. Each counts as one word of the text.
    Word(Range<usize>),
    /// An identifier of several words; it follows them, and stands where the first of so many does.
    Whole(Range<usize>, u32),
    /// A word with the sign that makes it a name (`Notepad++`); it follows the word. One letter with its sign (`C++`, `C#`) is a word of its own:
    /// who asks for `C#` does not mean C.
    Name(Range<usize>),
    /// What stands right after a dash that begins a part of a command (`-xvf`, `--force`); it follows its words, and stands where the first of so
    /// many does.
    Option(Range<usize>, u32),
    /// One character of a script without spaces. It counts as one word.
    Single(Range<usize>),
    /// Two characters of a script without spaces; it follows the first.
    Pair(Range<usize>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Letters, digits and marks of scripts that put spaces between words.
    Letter,
    /// Characters of scripts that do not.
    Unspaced,
    /// A picture, which is a word by itself.
    Picture,
    /// Joins the words of an identifier.
    Joint,
    Other,
}

/// Finds the words of a text in order.
pub(super) fn segment(text: &str, mut found: impl FnMut(Found)) {
    let mut rest = text.char_indices().peekable();
    while let Some(&(start, first)) = rest.peek() {
        let class = class_of(first);
        let mut end = start;
        let mut previous = None;
        while let Some(&(place, character)) = rest.peek() {
            if !belongs(text, place, character, class, previous) {
                break;
            }
            previous = Some(character);
            end = place + character.len_utf8();
            rest.next();
        }
        match class {
            Class::Letter => {
                let words = identifier(text, start..end, &mut found);
                if first.is_alphabetic() && is_after_option_dash(&text[..start]) {
                    found(Found::Option(start..end, words));
                }
            }
            Class::Picture => found(Found::Word(start..end)),
            Class::Unspaced => unspaced(text, start..end, &mut found),
            Class::Joint | Class::Other => {
                rest.next_if(|&(place, _)| place == start);
            }
        }
    }
}

/// Whether a character goes on with the run that began with a class.
fn belongs(text: &str, place: usize, character: char, run: Class, previous: Option<char>) -> bool {
    match class_of(character) {
        Class::Letter => run == Class::Letter,
        Class::Unspaced => run == Class::Unspaced,
        Class::Picture => previous.is_none(),
        Class::Joint if run == Class::Letter => {
            // A joint joins only what stands right before and after it; a full stop only digits, as in versions.
            let next = text[place + character.len_utf8()..].chars().next();
            let joins = |c: char| if character == '.' { c.is_ascii_digit() } else { class_of(c) == Class::Letter };
            previous.is_some_and(joins) && next.is_some_and(joins)
        }
        _ => false,
    }
}

fn class_of(character: char) -> Class {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Class::Letter,
        '_' | '-' | '.' | '\u{2010}' | '\u{2011}' => Class::Joint,
        '\0'..='\u{7f}' => Class::Other,
        // Thai, Lao, Myanmar, Hangul, Khmer, Japanese and Chinese.
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1100}'..='\u{11ff}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{318f}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{323af}'
            if is_of_word(character) =>
        {
            Class::Unspaced
        }
        // Weather, hands, check marks and the like, stars, and everything that is drawn in colours. What only changes such a picture is no word.
        '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' => Class::Other,
        '\u{231a}'
        | '\u{231b}'
        | '\u{23e9}'..='\u{23fa}'
        | '\u{2600}'..='\u{27bf}'
        | '\u{2b50}'
        | '\u{2b55}'
        | '\u{1f000}'..='\u{1faff}' => Class::Picture,
        _ if is_of_word(character) => Class::Letter,
        _ => Class::Other,
    }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character)
}

fn unspaced(text: &str, run: Range<usize>, found: &mut impl FnMut(Found)) {
    let mut characters =
        text[run.clone()].char_indices().map(|(offset, c)| run.start + offset..run.start + offset + c.len_utf8()).peekable();
    while let Some(character) = characters.next() {
        found(Found::Single(character.clone()));
        if let Some(next) = characters.peek() {
            found(Found::Pair(character.start..next.end));
        }
    }
}

/// Whether a dash, or several, stands before a place, and before it what nothing could be joined to.
fn is_after_option_dash(before: &str) -> bool {
    let without = before.trim_end_matches('-');
    without.len() < before.len() && !without.ends_with(|c: char| class_of(c) != Class::Other || matches!(c, ')' | ']' | '}'))
}

/// The sign of a name behind a word, and where it ends: `++` or `#`, with no letter behind it.
fn name_end(text: &str, word: &Range<usize>) -> Option<usize> {
    let sign = ["++", "#"].into_iter().find(|sign| text[word.end..].starts_with(sign))?;
    let end = word.end + sign.len();
    let is_letter = is_letter(&text[word.clone()]);
    let goes_on = |next: char| class_of(next) == Class::Letter && !(is_letter && next.is_ascii_digit());
    (!text[end..].starts_with(goes_on)).then_some(end)
}

fn is_letter(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next().is_some_and(char::is_alphabetic) && characters.next().is_none()
}

/// Finds the words of an identifier, and answers how many.
fn identifier(text: &str, run: Range<usize>, found: &mut impl FnMut(Found)) -> u32 {
    let name = name_end(text, &run).map(|end| run.start..end);
    if let Some(name) = name.clone().filter(|_| is_letter(&text[run.clone()])) {
        found(Found::Word(name));
        return 1;
    }
    let mut words = 0;
    let mut start = run.start;
    let mut after: Option<char> = None;
    let mut word = |range: Range<usize>| {
        if !range.is_empty() {
            words += 1;
            found(Found::Word(range));
        }
    };
    for (offset, character) in text[run.clone()].char_indices() {
        let place = run.start + offset;
        if class_of(character) == Class::Joint {
            word(start..place);
            start = place + character.len_utf8();
        } else if after.is_some_and(|before| is_hump(before, character, &text[place..run.end])) {
            word(start..place);
            start = place;
        }
        after = Some(character);
    }
    word(start..run.end);
    if words > 1 {
        found(Found::Whole(run.clone(), words));
    } else if let Some(name) = name {
        found(Found::Name(name));
    }
    words
}

/// Whether a new word of an identifier begins between two letters: `hash|Map`, `HTTP|Server`, but not in `IDs`.
fn is_hump(before: char, character: char, rest: &str) -> bool {
    if !character.is_uppercase() {
        return false;
    }
    let mut following = rest.chars().skip(1);
    let next_is_lower = following.next().is_some_and(char::is_lowercase);
    let is_plural = rest[character.len_utf8()..].starts_with('s') && !following.next().is_some_and(char::is_alphabetic);
    before.is_lowercase() || ((before.is_uppercase() || before.is_numeric()) && next_is_lower && !is_plural)
}
