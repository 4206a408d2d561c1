//! What a chunk may be, on any text.

use super::{CHUNK_CHARS_MAX, CHUNK_CHARS_MIN, OVERLAP_CHARS_MAX, chunks};
use proptest::prelude::*;

const SENTENCE: &str = "Some words that say nothing much. ";

fn paragraph(sentences: usize) -> String {
    format!("{}\n\n", SENTENCE.repeat(sentences).trim_end())
}

/// The chunks of a note as their heading paths and first lines.
fn cut(note: &str) -> Vec<(String, &str)> {
    chunks(note).iter().map(|chunk| (chunk.heading_path.join(" > "), chunk.text(note).lines().next().unwrap_or_default())).collect()
}

#[test]
fn a_note_of_2000_characters_is_one_chunk_and_a_longer_one_is_several() {
    let check = |chars: usize, expected: &[u32]| {
        let note: String = SENTENCE.repeat(100).chars().take(chars).collect::<String>().replace('m', "\u{e9}");
        assert_eq!(chunks(&note).iter().map(|chunk| chunk.index).collect::<Vec<_>>(), expected, "{chars}");
    };
    check(0, &[0]);
    check(1, &[0]);
    check(2_000, &[0]);
    check(2_001, &[1, 2]);
}

#[test]
fn a_section_is_a_chunk_under_its_headings() {
    let text = paragraph(10);
    let check = |note: &str, expected: &[(&str, &str)]| {
        let note = note.replace("TEXT\n", &text);
        let found = cut(&note);
        let found: Vec<_> = found.iter().map(|(path, line)| (path.as_str(), *line)).collect();
        assert_eq!(found, expected, "{note}");
    };
    // Where a section is cut, the next piece repeats the last words.
    let repeated = "nothing much. Some words that say nothing much.";
    check(
        "# A *b* `c`\nTEXT\n## D\nTEXT\nE\n=\nTEXT\n##### F\nTEXT\nTEXT\nTEXT\nTEXT\n",
        &[("A b c", "# A *b* `c`"), ("A b c > D", "## D"), ("E", "E"), ("E > F", "##### F")],
    );
    // Neither of these is a heading; the last section is what remains.
    let code = "```\n# A\nTEXT\n```\n<!--\n# B\n-->\n    # C\n\n> # D\n\n- # E\n\n#F\n\nTEXT\nTEXT\nTEXT\nTEXT\nTEXT\n# G\nTEXT\n";
    check(code, &[("", "```"), ("", repeated), ("G", "# G")]);
    // A heading without text stays with the sections below it, a short one at the end with the one before it.
    check(
        "# A\n## B\nTEXT\n# C\n### D\nTEXT\nTEXT\nTEXT\nTEXT\nTEXT\nTEXT\n# E\nend\n",
        &[("A", "# A"), ("C", "# C"), ("C > D", repeated)],
    );
    check("# A\nTEXT\nTEXT\nTEXT\nTEXT\nTEXT\n## B\nshort\n# C\nTEXT\n", &[("A", "# A"), ("C", "# C")]);
    check("---\ntags: x\n---\n# A\nTEXT\nTEXT\nTEXT\n# B\nTEXT\nTEXT\nTEXT\n", &[("A", "---"), ("B", "# B")]);
}

#[test]
fn a_long_section_is_cut_at_the_longest_pause() {
    let check = |note: &str, ending: &str| {
        let chunks = chunks(note);
        let text = chunks[0].text(note);
        assert!(text.ends_with(ending), "{:?}", &text[text.len().saturating_sub(100)..]);
    };
    check(&format!("{}{}", paragraph(40), paragraph(40)), "much.\n\n");
    check(&SENTENCE.trim_end().repeat(40).replace("much.", "much\n").repeat(2), "much\n");
    check(&SENTENCE.repeat(80), "much. ");
    check(&SENTENCE.replace('.', "").repeat(80), " ");
    check(&"x".repeat(5_000), "xxx");
    let code = format!("```\n{}```\n", "let x = 1;\n\n".repeat(120));
    check(&format!("{}{code}{}", paragraph(30), paragraph(10)), "much.\n\n");
    check(&format!("{}## Heading\n\n{}", paragraph(58), paragraph(1)), "much. ");
}

#[test]
fn a_block_of_code_stays_whole_when_it_fits() {
    let code = format!("```rust\n{}```\n", "let x = 1;\n\n".repeat(120));
    let note = format!("{}{code}\n{}", paragraph(30), paragraph(30));
    let chunks = chunks(&note);
    assert!(chunks.iter().any(|chunk| chunk.text(&note).contains(&code)));
    assert!(chunks.iter().any(|chunk| chunk.text(&note).starts_with("```rust")));
}

#[test]
fn pieces_of_a_section_overlap_by_whole_words() {
    let note = SENTENCE.repeat(200);
    let chunks = chunks(&note);
    for pair in chunks.windows(2) {
        let overlap = &note[pair[1].range.start..pair[0].range.end];
        assert!((1..=OVERLAP_CHARS_MAX).contains(&overlap.len()), "{overlap:?}");
        assert!(note[..pair[1].range.start].ends_with(' ') && !overlap.starts_with(' '), "{overlap:?}");
    }
}

/// Text that has a chance of being markdown, and long.
fn markdown() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => "[a-z\u{e9}\u{4e00}. ]{0,120}",
        1 => "#{1,7} ?[a-z ]{0,20}",
        1 => "(```|~~~|---|===|> |- |    |\\| a \\||<!--|-->|\\$|\\[x\\]:)",
        1 => Just(String::new()),
        1 => "\\PC{0,200}",
        1 => "[ \t\r\u{3000}]{0,400}",
        1 => "[a-z\u{1f600}\u{301}]{0,3000}",
    ];
    prop::collection::vec(line, 0..60).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn chunks_hold_the_whole_note_within_their_bounds(note in markdown()) {
        let chunks = chunks(&note);
        prop_assert_eq!(chunks[0].range.start, 0);
        prop_assert_eq!(chunks[chunks.len() - 1].range.end, note.len());
        for pair in chunks.windows(2) {
            prop_assert!(pair[0].range.start < pair[1].range.start);
            prop_assert!(pair[1].range.start <= pair[0].range.end);
            prop_assert_eq!(pair[1].index, pair[0].index + 1);
        }
        for chunk in &chunks {
            let chars = chunk.text(&note).chars().count();
            prop_assert!(chars <= CHUNK_CHARS_MAX);
            prop_assert!(chars >= CHUNK_CHARS_MIN || chunks.len() == 1);
            for heading in &chunk.headings {
                prop_assert!(chunk.range.start <= heading.start && heading.start < heading.end && heading.end <= chunk.range.end);
            }
        }
        prop_assert_eq!(&super::chunks(&note), &chunks);
    }

    #[test]
    fn any_text_can_be_cut(note in any::<String>(), times in 1_usize..2_000) {
        let note = note.repeat(times);
        let chunks = chunks(&note);
        prop_assert_eq!(chunks[chunks.len() - 1].range.end, note.len());
    }
}
