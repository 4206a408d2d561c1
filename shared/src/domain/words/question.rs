//! What somebody asks for, read as people mean it.
//!
//! A question is not a query: its words are hints, and the order of the results says how many of them were met. Only what is in quotes must
//! occur and only what follows a minus must not. Nothing that can be typed is an error.
//!
//! `rust -java` leaves something out, `tar -xvf` does not: which of them `-name` is, the notes decide (`search.asked`). Where one of them has it as
//! an option of a command, it is one.

use super::{Kind, Word, analyse, quote, stop};
use crate::limits::QUESTION_CHARS_MAX;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Words from which on a question is prose. In a sentence quotes, dashes and `or` are what they are in any sentence, and no orders to a search.
const PROSE_WORDS_MIN: usize = 13;

/// Distinct words of a question that are searched for.
const TERMS_MAX: usize = 64;

/// Letters from which on a word behind a minus may be left out: shorter ones are options of commands.
const EXCLUDED_CHARS_MIN: usize = 3;

/// A question: what is searched for, and what a note must and must not hold. It is written as `search.asked` reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Question {
    terms: Vec<String>,
    candidates: Vec<String>,
    required: Vec<Required>,
    excluded: Vec<Excluded>,
}

/// What a question was taken for, beyond words that may occur.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Understood {
    /// What a note must have: one of each of these.
    pub required: Vec<Vec<String>>,
    /// What a note must not have.
    pub excluded: Vec<String>,
}

/// Things of which a note must have one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Required {
    said: Vec<String>,
    /// As PostgreSQL writes a `tsquery`.
    query: String,
}

/// What no note may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Excluded {
    said: String,
    query: String,
    /// What it is instead, if a note has this word as an option.
    #[serde(skip_serializing_if = "Option::is_none")]
    option: Option<CommandOption>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct CommandOption {
    query: String,
    terms: Vec<String>,
}

/// Words with their distance from the first, which stand so in the text.
type Phrase = Vec<(u32, String)>;

enum Item<'a> {
    Words(&'a str),
    Quoted(&'a str),
    /// The text without its minus, and whether it is in quotes.
    Excluded(&'a str, bool),
    Or,
}

impl Question {
    /// Reads a question: `"words in quotes"` must occur as they stand, `-word` and `-"some words"` must not, and `or` between things of which
    /// one is in quotes means that one of them must. All this is asked of whole notes. Everything else may occur. A question of more than a dozen other words is prose: nothing in it
    /// is an order.
    #[must_use]
    pub fn parse(question: &str) -> Self {
        let end = question.char_indices().nth(QUESTION_CHARS_MAX).map_or(question.len(), |(place, _)| place);
        let mut items = items(&question[..end]);
        if items.iter().filter(|item| matches!(item, Item::Words(_))).count() >= PROSE_WORDS_MIN {
            items = question[..end].split_whitespace().map(Item::Words).collect();
        }
        let (terms, candidates) = terms(&items);
        let mut parsed = Self { terms, candidates, ..Self::default() };
        parsed.excluded = items.iter().filter_map(Item::excluded).collect();
        for group in groups(&items) {
            if group.iter().any(|item| matches!(item, Item::Quoted(_))) {
                let said: Vec<&str> = group.iter().filter_map(|item| item.text()).collect();
                let query = one_of(said.iter().copied().flat_map(phrases));
                parsed.required.extend(query.map(|query| Required { said: said.into_iter().map(str::to_owned).collect(), query }));
            }
        }
        parsed
    }

    /// Takes for options of commands what the notes have as such.
    pub fn settle(&mut self, options: &[String]) {
        for excluded in self.excluded.extract_if(.., |excluded| excluded.option.is_some() && options.contains(&excluded.said)) {
            let fresh = excluded.option.into_iter().flat_map(|option| option.terms);
            for term in fresh {
                if !self.terms.contains(&term) {
                    self.terms.push(term);
                }
            }
        }
    }

    /// What the question was taken for.
    #[must_use]
    pub fn understood(&self) -> Understood {
        Understood {
            required: self.required.iter().map(|required| required.said.clone()).collect(),
            excluded: self.excluded.iter().map(|excluded| excluded.said.clone()).collect(),
        }
    }

    /// The distinct words that results are ranked by, in the order of the question.
    #[must_use]
    pub fn terms(&self) -> &[String] {
        &self.terms
    }

    /// Those of them of which a result must hold one. Words that only say how the question is asked are not among these, unless there are no
    /// others: a text is not an answer because `the` is in it. They still rank what was found: leaving them out there makes the order worse
    /// (measured).
    #[must_use]
    pub fn candidates(&self) -> &[String] {
        &self.candidates
    }
}

impl<'a> Item<'a> {
    /// What is asked for.
    fn text(&self) -> Option<&'a str> {
        match self {
            Self::Words(text) | Self::Quoted(text) => Some(text),
            Self::Excluded(..) | Self::Or => None,
        }
    }

    /// What is to be left out.
    fn excluded(&self) -> Option<Excluded> {
        let Self::Excluded(text, is_quoted) = self else { return None };
        let words = words_of(&format!("-{text}"));
        let option = words.iter().find(|word| word.kind == Kind::Option).filter(|_| !is_quoted);
        let option = option
            .map(|option| CommandOption { query: written(&vec![(0, option.lexeme())]), terms: words.iter().map(Word::lexeme).collect() });
        Some(Excluded { said: (*text).to_owned(), query: one_of(phrases(text).into_iter())?, option })
    }
}

/// The parts of a question between blanks and quotes. A quote that is never closed is no quote.
fn items(question: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut rest = question.trim_start();
    while !rest.is_empty() {
        // A minus excludes before a word or a quote: `-5` is a number, `--` begins an option, and so does the minus of `-m`.
        let minus = rest.strip_prefix('-').filter(|after| after.starts_with(|c: char| is_quote(c) || c.is_alphabetic()));
        let excluded = minus.map(part).filter(|(text, is_quoted, _)| *is_quoted || text.chars().count() >= EXCLUDED_CHARS_MIN);
        let is_excluded = excluded.is_some();
        let (text, is_quoted, after) = excluded.unwrap_or_else(|| part(rest));
        items.push(match (is_excluded, is_quoted) {
            (true, _) => Item::Excluded(text, is_quoted),
            (false, true) => Item::Quoted(text),
            (false, false) if text.eq_ignore_ascii_case("or") => Item::Or,
            (false, false) => Item::Words(text),
        });
        rest = after.trim_start();
    }
    // With nothing beside it, it is what is asked for.
    if let [only @ Item::Or] = items.as_mut_slice() {
        *only = Item::Words(question.trim());
    }
    items
}

/// The first part of a question that does not begin with a blank, whether it is in quotes, and what follows it.
fn part(question: &str) -> (&str, bool, &str) {
    let mut characters = question.chars();
    if characters.next().is_some_and(is_quote) {
        let within = characters.as_str();
        match within.split_once(is_quote) {
            Some((text, after)) => return (text, true, after),
            None => return part_without_quotes(within),
        }
    }
    part_without_quotes(question)
}

fn part_without_quotes(question: &str) -> (&str, bool, &str) {
    let end = question.find(|c: char| c.is_whitespace() || is_quote(c)).unwrap_or(question.len());
    let (text, after) = question.split_at(end);
    (text, false, after)
}

pub(super) const fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}')
}

/// What is asked for, with that together which `or` stands between.
fn groups<'a, 'b>(items: &'b [Item<'a>]) -> Vec<Vec<&'b Item<'a>>> {
    let mut groups: Vec<Vec<&Item<'_>>> = Vec::new();
    let mut joins = false;
    for item in items {
        match item {
            Item::Or => joins = true,
            Item::Excluded(..) => joins = false,
            Item::Words(_) | Item::Quoted(_) => {
                match groups.last_mut().filter(|_| joins) {
                    Some(group) => group.push(item),
                    None => groups.push(vec![item]),
                }
                joins = false;
            }
        }
    }
    groups
}

/// All words that are asked for, and those that say what the question is about.
fn terms(items: &[Item<'_>]) -> (Vec<String>, Vec<String>) {
    let mut seen = HashSet::new();
    let (mut terms, mut telling) = (Vec::new(), Vec::new());
    for word in items.iter().filter_map(Item::text).flat_map(words_of) {
        let lexeme = word.lexeme();
        if terms.len() < TERMS_MAX && seen.insert(lexeme.clone()) {
            if word.kind != Kind::Word || !stop::is_stop_word(&word.folded) {
                telling.push(lexeme.clone());
            }
            terms.push(lexeme);
        }
    }
    if telling.is_empty() {
        telling.clone_from(&terms);
    }
    (terms, telling)
}

/// The words of a part of a question. Of scripts without spaces a single character is a word only where it stands alone.
fn words_of(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    analyse(text, |word| {
        let ends_pair = words.last().is_some_and(|last| last.kind == Kind::Pair && last.position + 1 == word.position);
        if word.kind == Kind::Pair {
            words.pop_if(|last| last.kind == Kind::Single);
        }
        if word.kind != Kind::Single || !ends_pair {
            words.push(word);
        }
    });
    words
}

/// The phrases that a text in quotes stands for. An identifier alone stands for itself; among other words it may be in the notes as one word
/// or as several.
fn phrases(text: &str) -> Vec<Phrase> {
    let mut parts: Phrase = Vec::new();
    let mut wholes: Phrase = Vec::new();
    // By how much the words after identifiers move when each of these is one word.
    let mut moved = 0;
    // Of an option its words are there.
    for word in words_of(text).into_iter().filter(|word| word.kind != Kind::Option) {
        let place = word.position - moved;
        let entry = (place, word.lexeme());
        match word.kind {
            Kind::Whole(words) => {
                // The identifier takes the place of its parts.
                wholes.retain(|(part, _)| *part < place);
                wholes.push(entry);
                moved += words - 1;
            }
            Kind::Name => {
                for phrase in [&mut parts, &mut wholes] {
                    phrase.pop();
                }
                parts.push((word.position, word.lexeme()));
                wholes.push(entry);
            }
            Kind::Word | Kind::Single | Kind::Pair | Kind::Option => {
                parts.push((word.position, entry.1.clone()));
                wholes.push(entry);
            }
        }
    }
    let variants = if wholes.len() == 1 || wholes == parts { vec![wholes] } else { vec![parts, wholes] };
    variants.into_iter().filter(|phrase| !phrase.is_empty()).collect()
}

/// That one of some phrases occurs, as PostgreSQL writes it; nothing if there are none.
fn one_of(phrases: impl Iterator<Item = Phrase>) -> Option<String> {
    let written: Vec<String> = phrases.map(|phrase| written(&phrase)).collect();
    (!written.is_empty()).then(|| written.join(" | "))
}

/// A phrase as PostgreSQL writes it.
fn written(phrase: &Phrase) -> String {
    let mut text = String::new();
    let mut last: Option<u32> = None;
    for (place, lexeme) in phrase {
        match last.map(|last| place - last) {
            None => {}
            Some(1) => text.push_str(" <-> "),
            Some(distance) => text.push_str(&format!(" <{distance}> ")),
        }
        quote(lexeme, &mut text);
        last = Some(*place);
    }
    text
}
