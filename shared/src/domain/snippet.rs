//! The part of a text that shows why it was found.
//!
//! The snippet is plain text and the places of the words are numbers, so that nothing in a note can become markup in whatever shows it.

use super::words;
use std::collections::BTreeSet;
use std::ops::Range;

/// A stretch of a text, and where the words are in it: begin and end of each, in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// One line; an ellipsis stands where something was left out.
    pub text: String,
    /// In order, none overlapping.
    pub highlights: Vec<(usize, usize)>,
}

/// The stretch of at most `chars_max` characters that holds the most of the words, `terms` being what [`super::Question::terms`] gives.
#[must_use]
pub fn snippet(text: &str, terms: &[String], chars_max: usize) -> Snippet {
    let characters: Vec<char> = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect();
    let found = found(&characters, terms);
    let start = best_start(&found, characters.len(), chars_max);
    let end = (start + chars_max).min(characters.len());
    let mut text = String::new();
    let shift = if start > 0 {
        text.push('…');
        1
    } else {
        0
    };
    text.extend(&characters[start..end]);
    if end < characters.len() {
        text.push('…');
    }
    let inside = found.into_iter().filter(|(word, _)| word.start >= start && word.end <= end);
    Snippet { text, highlights: inside.map(|(word, _)| (word.start - start + shift, word.end - start + shift)).collect() }
}

/// Where words of the question stand, in characters, and which of them it is.
fn found(characters: &[char], terms: &[String]) -> Vec<(Range<usize>, usize)> {
    let text: String = characters.iter().collect();
    let starts: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
    let characters_before = |place: usize| starts.partition_point(|start| *start < place);
    let mut found: Vec<(Range<usize>, usize)> = Vec::new();
    for (range, lexeme) in words::places(&text) {
        let Some(term) = terms.iter().position(|term| *term == lexeme) else { continue };
        let mut place = characters_before(range.start)..characters_before(range.end);
        // An identifier follows its words, and takes their place.
        while let Some((part, _)) = found.pop_if(|(part, _)| part.end > place.start) {
            place = part.start.min(place.start)..part.end.max(place.end);
        }
        found.push((place, term));
    }
    found
}

/// Where to begin so that the most different words are seen, a little before the first of them.
fn best_start(found: &[(Range<usize>, usize)], length: usize, chars_max: usize) -> usize {
    let lead = chars_max / 6;
    let last = length.saturating_sub(chars_max);
    let mut best = (0, 0);
    for (word, _) in found {
        let start = word.start.saturating_sub(lead).min(last);
        let seen: BTreeSet<usize> =
            found.iter().filter(|(other, _)| other.start >= start && other.end <= start + chars_max).map(|(_, term)| *term).collect();
        if seen.len() > best.0 {
            best = (seen.len(), start);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Question;
    use proptest::prelude::*;

    fn of(text: &str, question: &str, chars_max: usize) -> (String, Vec<String>) {
        let snippet = snippet(text, Question::parse(question).terms(), chars_max);
        let characters: Vec<char> = snippet.text.chars().collect();
        let words = snippet.highlights.iter().map(|&(start, end)| characters[start..end].iter().collect()).collect();
        (snippet.text, words)
    }

    #[test]
    fn the_words_are_shown_where_most_of_them_stand_together() {
        let text = "Nothing here. ".repeat(20) + "Borrowed\nreferences outlive their <b>owner</b>.";
        let (shown, words) = of(&text, "borrow reference owner", 60);
        assert!(shown.starts_with('…') && shown.ends_with("<b>owner</b>."), "{shown}");
        assert_eq!(words, ["Borrowed", "references", "owner"]);
    }

    #[test]
    fn a_text_without_the_words_is_shown_from_its_beginning() {
        assert_eq!(of("One two three", "four", 7), ("One two…".to_owned(), vec![]));
        assert_eq!(of("", "four", 7), (String::new(), vec![]));
    }

    proptest! {
        #[test]
        fn a_snippet_is_short_and_its_highlights_are_in_it(text in ".{0,300}", question in ".{0,40}", chars_max in 1..200usize) {
            let snippet = snippet(&text, Question::parse(&question).terms(), chars_max);
            let length = snippet.text.chars().count();
            prop_assert!(length <= chars_max + 2);
            prop_assert!(snippet.highlights.iter().all(|&(start, end)| start < end && end <= length));
        }
    }
}
