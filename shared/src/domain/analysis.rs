//! What the database needs to know of a text and cannot find out: what search finds it by, and the rules it breaks. `search.follow` and
//! `sync.begin_change` say what they do with it.
//!
//! A writer's component finds it, because the text is there anyway and the same code must read notes and questions.

use super::chunk::chunks;
use super::{Chunk, ContentHash, Judgement, NotePath, Title, Words};
use serde::Serialize;
use std::collections::BTreeMap;

/// The chunks of texts and the words of names, each by what it was found in; and how the text was judged, if it was.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Analysis {
    texts: BTreeMap<String, Vec<Piece>>,
    names: BTreeMap<String, Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    judgement: Option<Judgement>,
}

/// A chunk with its words.
#[derive(Clone, Debug, Serialize)]
struct Piece {
    index: u32,
    heading_path: Vec<String>,
    byte_start: usize,
    byte_end: usize,
    #[serde(flatten)]
    found: Found,
}

/// Words as PostgreSQL reads a `tsvector`, and how many they are.
#[derive(Clone, Debug, Serialize)]
struct Found {
    words_count: u32,
    words: String,
}

impl From<Words> for Found {
    fn from(words: Words) -> Self {
        Self { words_count: words.len(), words: words.to_tsvector() }
    }
}

impl Analysis {
    /// Adds a text, cut into chunks.
    #[must_use]
    pub fn with_text(mut self, text: &str, hash: ContentHash) -> Self {
        self.texts.insert(hash.to_string(), chunks(text).iter().map(|chunk| Piece::of(text, chunk)).collect());
        self
    }

    /// Adds what the rules for agents say of the text.
    #[must_use]
    pub fn with_judgement(mut self, judgement: Judgement) -> Self {
        self.judgement = Some(judgement);
        self
    }

    /// What is embedded of a text that was added, one for each chunk that has words, written as `search.embedded_text` writes it.
    #[must_use]
    pub fn embedded_texts(&self, text: &str, hash: ContentHash) -> Vec<String> {
        let pieces = self.texts.get(&hash.to_string()).map(Vec::as_slice).unwrap_or_default();
        let pieces = pieces.iter().filter(|piece| piece.found.words_count > 0);
        pieces.map(|piece| format!("{}\n\n{}", piece.heading_path.join(" > "), &text[piece.byte_start..piece.byte_end])).collect()
    }

    /// Adds a title.
    #[must_use]
    pub fn with_title(self, title: Option<&Title>) -> Self {
        self.with_name(title.map(Title::as_str))
    }

    /// Adds a path.
    #[must_use]
    pub fn with_path(self, path: Option<&NotePath>) -> Self {
        self.with_name(path.map(NotePath::as_str))
    }

    fn with_name(mut self, name: Option<&str>) -> Self {
        if let Some(name) = name {
            self.names.insert(name.to_owned(), Words::of(name).into());
        }
        self
    }
}

impl Piece {
    fn of(text: &str, chunk: &Chunk) -> Self {
        Self {
            index: chunk.index,
            heading_path: chunk.heading_path.clone(),
            byte_start: chunk.range.start,
            byte_end: chunk.range.end,
            found: Words::of_chunk(text, chunk).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_analysed_in_the_form_that_the_database_takes() {
        let text = "# Storage\nKept in PostgreSQL.\n";
        let hash = ContentHash::of(text);
        let title = Title::parse("Design").expect("a title");
        let path = NotePath::parse("docs/design.md").expect("a path");
        let analysis = Analysis::default().with_text(text, hash).with_title(Some(&title)).with_path(Some(&path));
        let json = serde_json::to_value(&analysis).expect("string keys");
        let chunk = &json["texts"][hash.to_string()][0];
        assert_eq!((&chunk["index"], &chunk["byte_start"], &chunk["byte_end"]), (&0.into(), &0.into(), &text.len().into()));
        assert_eq!(chunk["heading_path"], serde_json::json!(["Storage"]));
        assert!(chunk["words"].as_str().is_some_and(|words| words.contains("postgresql")), "{chunk}");
        assert_eq!(analysis.embedded_texts(text, hash), [format!("Storage\n\n{text}")]);
        assert_eq!(json["names"]["Design"]["words_count"], 1);
        assert!(json["names"]["docs/design.md"]["words"].as_str().is_some_and(|words| words.contains("design")), "{json}");
    }
}
