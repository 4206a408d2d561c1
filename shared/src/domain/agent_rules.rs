//! What a note must be to be taken from an agent.
//!
//! People may write what they like. What an agent writes is read by other agents, so a fence that swallows half a note or a source that was
//! never there is told to it at once, with the line, and it can write again. Whether such a note exists already, only the database knows.

mod citations;
mod markdown;

use crate::limits::{AGENT_NOTE_BYTES_MAX, PROBLEMS_MAX};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Characters that are not blank in a note at least.
const CHARS_MIN: usize = 50;

/// The rules that a workspace can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceRules {
    /// The size of a note in bytes at most.
    pub bytes_max: usize,
    /// Words that may not occur, in any case.
    pub refused_words: Vec<String>,
}

impl Default for WorkspaceRules {
    fn default() -> Self {
        Self { bytes_max: AGENT_NOTE_BYTES_MAX, refused_words: Vec::new() }
    }
}

/// A rule that a note breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The rule's name.
    pub rule: Cow<'static, str>,
    /// What is wrong and where.
    pub message: String,
    /// The line, from 1, if there is one.
    pub line: Option<u32>,
    /// Whether the agent can mend it by writing the note again.
    pub recoverable: bool,
}

/// A finding at a place of the text, in bytes.
type Finding = (usize, String);

/// The rules that a text breaks. `context_ids` are those of the notes that the agent was given, in the order in which numbers cite them; without
/// any, nothing can be cited. They come in the order of the rules and then of the lines; at most [`PROBLEMS_MAX`], more would help nobody.
#[must_use]
pub fn violations(text: &str, context_ids: &[String], rules: &WorkspaceRules) -> Vec<Violation> {
    let violation = |rule: &'static str, message, line| Violation { rule: rule.into(), message, line, recoverable: true };
    if text.len() > rules.bytes_max {
        // Nothing else of it is looked at, so that the work is bounded.
        return vec![violation("max_note_size", format!("Note exceeds maximum size ({}KB)", rules.bytes_max >> 10), None)];
    }
    let lines = Lines::of(text);
    let mut violations = Vec::new();
    for (place, what) in markdown::faults(text) {
        let line = lines.at(place);
        violations.push(violation("markdown_syntax", format!("Invalid markdown syntax at line {line}: {what}"), Some(line)));
    }
    if text.chars().filter(|c| !c.is_whitespace()).count() < CHARS_MIN {
        violations.push(violation("minimum_content_length", format!("Note content too short (minimum {CHARS_MIN} characters)"), None));
    }
    for (place, citation) in citations::unknown(text, context_ids) {
        let line = lines.at(place);
        let message = format!("Citation {citation} at line {line} is not in the RAG context");
        violations.push(violation("hallucination_detection", message, Some(line)));
    }
    if let Some(place) = refused_word(text, &rules.refused_words) {
        violations.push(violation("profanity_filter", "Content contains inappropriate language".to_owned(), Some(lines.at(place))));
    }
    violations.truncate(PROBLEMS_MAX);
    violations
}

/// Where the first word of the list stands. Whole words are compared: a list cannot know what else its words are a part of.
fn refused_word(text: &str, words: &[String]) -> Option<usize> {
    if words.is_empty() {
        return None;
    }
    let refused: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let mut parts = text.split(|c: char| !c.is_alphanumeric());
    let found = parts.find(|part| refused.contains(&part.to_lowercase()))?;
    // The part is a slice of the text, so the distance between them is its place.
    Some(found.as_ptr().addr() - text.as_ptr().addr())
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(end, _)| end + 1).collect())
    }

    /// The line of a place, from 1.
    fn at(&self, place: usize) -> u32 {
        u32::try_from(self.0.partition_point(|&start| start <= place) + 1).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
