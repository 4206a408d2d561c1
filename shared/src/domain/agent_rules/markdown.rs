//! Markdown that will not be read as it was meant.
//!
//! Every text is valid markdown to a parser: it closes what was left open and pads what was left out. So the parser says what is a fence, a
//! table or a heading, and the text itself is compared with it.

use super::Finding;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// What is wrong, in order.
pub(super) fn faults(text: &str) -> Vec<Finding> {
    let mut faults = Vec::new();
    let mut level_before = None;
    let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        let Event::Start(tag) = event else { continue };
        match tag {
            Tag::CodeBlock(CodeBlockKind::Fenced(_)) if !is_closed(&text[range.clone()]) => {
                faults.push((range.start, "the code fence that opens here is not closed".to_owned()));
            }
            Tag::Heading { level, .. } => {
                let level = level as usize;
                if let Some(before) = level_before.filter(|before| level > before + 1) {
                    faults.push((range.start, format!("a heading of level {level} follows one of level {before}")));
                }
                level_before = Some(level);
            }
            Tag::Table(columns) => faults.extend(uneven_rows(text, range.start, range.end, columns.len())),
            Tag::Paragraph => faults.extend(no_table(text, range.start, range.end)),
            _ => {}
        }
    }
    faults
}

/// Whether the last line of a fenced block is its closing fence.
fn is_closed(block: &str) -> bool {
    let mut lines = block.trim_end().lines();
    let opening = lines.next().unwrap_or_default();
    let Some(sign) = opening.chars().next() else { return false };
    let length = opening.chars().take_while(|&c| c == sign).count();
    let closing = lines.next_back().map(own_part).unwrap_or_default();
    closing.chars().count() >= length && closing.chars().all(|c| c == sign)
}

/// A line without what puts it into a list or a quotation.
fn own_part(line: &str) -> &str {
    line.trim_start_matches([' ', '\t', '>']).trim_end()
}

/// The rows of a table that have more or fewer cells than it has columns.
fn uneven_rows(text: &str, start: usize, end: usize, columns: usize) -> impl Iterator<Item = Finding> {
    lines(text, start, end).filter_map(move |(place, line)| {
        let cells = cells(line);
        (cells != columns && !line.is_empty()).then(|| (place, format!("the table has {columns} columns, this row has {cells}")))
    })
}

/// The line of a paragraph that was to be the second of a table: the first has another number of cells, so it is no table at all.
fn no_table(text: &str, start: usize, end: usize) -> Option<Finding> {
    let paragraph = || lines(text, start, end);
    let mut pairs = paragraph().zip(paragraph().skip(1));
    pairs.find_map(|((_, header), (place, line))| {
        let divides = line.contains('|') && line.contains("--") && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'));
        (divides && header.contains('|')).then(|| {
            let found = format!("the header of the table has {} columns, the line under it {}", cells(header), cells(line));
            (place, found)
        })
    })
}

/// The lines of a block with their places.
fn lines(text: &str, start: usize, end: usize) -> impl Iterator<Item = (usize, &str)> {
    text[start..end].split_inclusive('\n').scan(start, |place, line| {
        let at = *place;
        *place += line.len();
        Some((at, own_part(line)))
    })
}

/// How many cells a row has: stretches between bars, without regard to a bar at either end.
fn cells(row: &str) -> usize {
    let mut bars = Vec::new();
    let mut is_escaped = false;
    for (place, sign) in row.bytes().enumerate() {
        if sign == b'|' && !is_escaped {
            bars.push(place);
        }
        is_escaped = sign == b'\\' && !is_escaped;
    }
    let opens = usize::from(bars.first() == Some(&0));
    let closes = usize::from(bars.len() > opens && bars.last() == row.len().checked_sub(1).as_ref());
    bars.len() + 1 - opens - closes
}
