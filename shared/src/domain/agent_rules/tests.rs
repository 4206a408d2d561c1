//! Each rule kept and broken, and any text.

use super::{WorkspaceRules, violations};
use crate::limits::AGENT_NOTE_BYTES_MAX;
use proptest::prelude::*;

const LONG_ENOUGH: &str = "Words enough to be a note: fifty characters that are not blank, at least.\n";

/// What is said about a text that is long enough and whose context holds two notes, as `line: message`.
fn said(text: &str) -> Vec<String> {
    let ids = ["a1".to_owned(), "b2".to_owned()];
    let text = format!("{text}\n\n{LONG_ENOUGH}");
    violations(&text, &ids, &WorkspaceRules::default())
        .into_iter()
        .map(|found| format!("{}: {}", found.line.unwrap_or_default(), found.message))
        .collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(said(text), expected, "{text}");
}

#[test]
fn a_fence_is_closed() {
    for good in
        ["```\na\n```", "~~~~ rust\n```\n~~~\n~~~~", "> ```\n> a\n> ```", "- a\n  ```\n  b\n  ```", "    ```", "`a ``` b`", "```\n```"]
    {
        check(good, &[]);
    }
    let fault = "Invalid markdown syntax at line 2: the code fence that opens here is not closed";
    check("a\n```rust\nlet x;", &[&format!("2: {fault}")]);
    check("a\n````\n```", &[&format!("2: {fault}")]);
    check("a\n```\n~~~", &[&format!("2: {fault}")]);
    check("a\n> ```\n> b\n\nc", &[&format!("2: {fault}")]);
    check("a\n```\nb\n``` c\n", &[&format!("2: {fault}")]);
}

#[test]
fn a_table_has_as_many_cells_in_every_row() {
    for good in [
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "a | b\n--|--\n1 | 2",
        "| a |\n|---|\n| 1 \\| 2 |",
        "- x\n\n  | a | b |\n  |---|---|\n  | 1 | |\n",
        "> | a | b |\n> |---|---|\n> | 1 | 2 |",
        "a | b, not a table",
        "```\n| a | b |\n|---|\n```",
    ] {
        check(good, &[]);
    }
    let start = "Invalid markdown syntax at line";
    check(
        "| a | b |\n|---|---|\n| 1 | 2 | 3 |\n| 1 |",
        &[
            &format!("3: {start} 3: the table has 2 columns, this row has 3"),
            &format!("4: {start} 4: the table has 2 columns, this row has 1"),
        ],
    );
    check("x\n\n| a | b |\n|---|\n| 1 | 2 |", &[&format!("4: {start} 4: the header of the table has 2 columns, the line under it 1")]);
}

#[test]
fn headings_go_down_one_level_at_a_time() {
    check("## A\n### B\n# C\n## D\n## E\n", &[]);
    check("# A\n```\n### b\n```\n", &[]);
    check("# A\n\n### B\n#### C", &["3: Invalid markdown syntax at line 3: a heading of level 3 follows one of level 1"]);
}

#[test]
fn a_citation_names_a_source_that_was_given() {
    for good in [
        "as said [1] and [2], [1, 2] or [source: a1] and [Source:b2 ]",
        "[3](https://example.com) ![4](x.png) [[4]](x) [5][x] [6]\n\n[x]: y\n[6]: z",
        "`a[3]` and [^3] and [^4]\n\n[^4]: note",
        "- [ ] a\n- [x] b\n- [] c",
        "```\n[3]\n```\n\n    [4]\n",
        "\\[3] [abc] [1a] []",
    ] {
        check(good, &[]);
    }
    check("a [1]\nb [3] c", &["2: Citation [3] at line 2 is not in the RAG context"]);
    check(
        "# A [1, 7]\n\n*b [source: c]*",
        &["1: Citation [1, 7] at line 1 is not in the RAG context", "3: Citation [source: c] at line 3 is not in the RAG context"],
    );
    let rules = WorkspaceRules::default();
    assert_eq!(violations(&format!("{LONG_ENOUGH}[1]"), &[], &rules).len(), 1, "without a context nothing can be cited");
    assert_eq!(violations(LONG_ENOUGH, &[], &rules), []);
}

#[test]
fn a_note_is_neither_too_short_nor_too_large() {
    let check = |text: &str, bytes_max: usize, expected: &[&str]| {
        let rules = WorkspaceRules { bytes_max, ..WorkspaceRules::default() };
        let messages: Vec<String> = violations(text, &[], &rules).into_iter().map(|found| found.message).collect();
        assert_eq!(messages, expected);
    };
    check(&"\u{e9} \n".repeat(50), AGENT_NOTE_BYTES_MAX, &[]);
    check(&"\u{e9} \n".repeat(49), AGENT_NOTE_BYTES_MAX, &["Note content too short (minimum 50 characters)"]);
    check(&"x".repeat(100 * 1024), AGENT_NOTE_BYTES_MAX, &[]);
    check(&"x".repeat(100 * 1024 + 1), AGENT_NOTE_BYTES_MAX, &["Note exceeds maximum size (100KB)"]);
    check(&"x".repeat(2049), 2048, &["Note exceeds maximum size (2KB)"]);
}

#[test]
fn refused_words_are_whole_words() {
    let check = |text: &str, expected: Option<u32>| {
        let rules = WorkspaceRules { refused_words: vec!["Darn".to_owned()], ..WorkspaceRules::default() };
        let found = violations(&format!("{LONG_ENOUGH}{text}"), &[], &rules);
        assert_eq!(
            found.iter().map(|found| (found.message.as_str(), found.line)).collect::<Vec<_>>(),
            expected.map(|line| ("Content contains inappropriate language", Some(line))).into_iter().collect::<Vec<_>>()
        );
    };
    check("darning and darned", None);
    check("well\n(DARN!)", Some(3));
}

#[test]
fn no_more_is_said_than_helps() {
    assert_eq!(said(&"[9] ".repeat(1_000)).len(), 20);
    check(&"]".repeat(90_000), &[]);
    check(&format!("a{}{}", "[".repeat(40_000), "]".repeat(40_000)), &[]);
}

proptest! {
    #[test]
    fn any_text_can_be_checked(lines in prop::collection::vec(prop_oneof![
        "(```|~~~|> |- |\\|a\\||\\|-\\|--\\||#{1,6} a|\\[1\\]|\\[source:|\\]|\\\\|\\[\\^1\\]: |<!--|---)",
        "\\PC{0,30}",
    ], 0..20), glue in "(\n|\r\n| |)") {
        let text = lines.join(&glue);
        let rules = WorkspaceRules { refused_words: vec!["a".to_owned()], ..WorkspaceRules::default() };
        let last_line = u32::try_from(text.matches('\n').count() + 1).unwrap();
        for violation in violations(&text, &[], &rules) {
            prop_assert!(violation.line.is_none_or(|line| (1..=last_line).contains(&line)));
        }
    }
}
