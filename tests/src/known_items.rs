//! Questions with one right answer each: a document's own summary, taken out of the document.
//!
//! A document asks if it has a heading `Summary` and, under it up to the next heading of the same or a higher level, a plain text of some length:
//! links reduced to their text, addresses, comments and markup left out. The first characters of that are the question. All documents are
//! searched, without their summaries. So nobody had to judge what answers what, and nobody could choose.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

/// Characters of a summary that makes a question.
const SUMMARY_CHARS_MIN: usize = 265;
/// Characters of a question.
const QUESTION_CHARS: usize = 300;

/// What is searched.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file's name without its ending.
    pub title: String,
    /// The text without its summary.
    pub text: String,
}

/// What is asked, and what answers it.
#[derive(Clone, Debug)]
pub struct KnownItem {
    /// The question.
    pub question: String,
    /// The title of the one right document.
    pub answer: String,
}

/// The documents of a folder in the order of their names, and their questions.
///
/// # Errors
/// When a file cannot be read.
pub fn known_items(folder: &Path) -> Result<(Vec<Document>, Vec<KnownItem>)> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    paths.sort();
    let (mut documents, mut items) = (Vec::new(), Vec::new());
    for path in paths {
        let mut text = std::fs::read_to_string(&path)?;
        let title = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(section) = summary(&text) {
            let plain = plain(&text[section.clone()]);
            if plain.chars().count() >= SUMMARY_CHARS_MIN {
                items.push(KnownItem { question: plain.chars().take(QUESTION_CHARS).collect(), answer: title.clone() });
            }
            text.replace_range(section, "");
        }
        documents.push(Document { title, text });
    }
    Ok((documents, items))
}

/// The section `Summary`, its heading included.
fn summary(text: &str) -> Option<Range<usize>> {
    let mut found: Option<(usize, HeadingLevel)> = None;
    let mut heading: Option<(usize, HeadingLevel, String)> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => match found {
                Some((start, of)) if level <= of => return Some(start..range.start),
                _ => heading = Some((range.start, level, String::new())),
            },
            Event::Text(part) | Event::Code(part) => {
                if let Some((_, _, title)) = &mut heading {
                    title.push_str(&part);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((start, level, title)) = heading.take()
                    && found.is_none()
                    && title.trim().eq_ignore_ascii_case("summary")
                {
                    found = Some((start, level));
                }
            }
            _ => {}
        }
    }
    found.map(|(start, _)| start..text.len())
}

/// Text as it is read: without the heading, markup, comments and addresses.
fn plain(section: &str) -> String {
    let mut text = String::new();
    let mut in_heading = false;
    for event in Parser::new(section) {
        match event {
            Event::Start(Tag::Heading { .. }) => in_heading = true,
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Text(part) | Event::Code(part) if !in_heading => text.push_str(&part),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::CodeBlock) => text.push(' '),
            _ => {}
        }
    }
    text.split_whitespace().filter(|word| !word.contains("://")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{plain, summary};

    #[test]
    fn a_summary_is_its_section_as_it_is_read() {
        let text = "# Title\n\n## Summary\n[summary]: #summary\n\nSee [the guide](http://x/y) or https://z. `code` <!-- no -->\n\n### Part\n\nMore.\n\n## Motivation\n\nWhy.\n";
        let section = summary(text).expect("a summary");
        assert!(text[section.clone()].starts_with("## Summary") && text[section.clone()].ends_with("More.\n\n"));
        assert_eq!(plain(&text[section]), "See the guide or code More.");
        assert_eq!(summary("# Nothing\n"), None);
    }
}
