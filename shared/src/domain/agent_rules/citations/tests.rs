//! What is a citation, and all that only looks like one.

use super::unknown;

/// The citations that are told, of a text to which two notes were given.
fn told(text: &str) -> Vec<String> {
    unknown(text, &["a1".to_owned(), "b2".to_owned()]).into_iter().map(|(_, citation)| citation).collect()
}

#[test]
fn sources_that_were_never_given_are_told() {
    let check = |text: &str, expected: &[&str]| assert_eq!(told(text), expected, "{text}");
    check("as shown in [12]", &["[12]"]);
    check("As shown.[3] And then[^1]", &["[3]"]);
    check("[7] says so.", &["[7]"]);
    check("It is so ([5]), really [3]!", &["[5]", "[3]"]);
    check("several [1, 7] [2,9] [1-3] [2\u{2013}4] [3; 4]", &["[1, 7]", "[2,9]", "[1-3]", "[2\u{2013}4]", "[3; 4]"]);
    check("twice [1][5], [8][9]", &["[5]", "[8]", "[9]"]);
    check("*said*[4] and **meant** [6]", &["[4]", "[6]"]);
    check("\u{3010}3\u{3011} and \u{3010}1\u{3011}", &["\u{3010}3\u{3011}"]);
    check("[source: c3] [Source : c4] [source:a1] [source: a1, c5]", &["[source: c3]", "[Source : c4]", "[source: a1, c5]"]);
    check("[as it is told in [3], for one]", &["[3]"]);
    check("| claim | source |\n|---|---|\n| x | [4] |", &["[4]"]);
    check("- it is so [3]\n- and so", &["[3]"]);
    check("> quoted [3]", &["[3]"]);
    check("1. first, as in [9]", &["[9]"]);
    check("is that so [3]?", &["[3]"]);
    check("*as it is said [3]*", &["[3]"]);
}

#[test]
fn sources_that_were_given_may_be_named() {
    for text in ["[1] and [2], [1, 2] [1-2]", "[1][2]", "[source: a1] [Source:b2 ] [source: a1, b2]", "\u{3010}2\u{3011}"] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
}

#[test]
fn what_the_text_itself_lists_may_be_named() {
    let list = "as in [3] and [4]\n\n- [3] Fielding, 2000\n- [4] Lamport, 1978\n";
    assert_eq!(told(list), [""; 0]);
    assert_eq!(told("as in [3]\n\n[3]: https://example.com\n"), [""; 0]);
    assert_eq!(told("as in [3] and [4]\n\n[3] https://example.com\n"), ["[4]"]);
}

#[test]
fn an_index_is_no_citation() {
    for text in ["argv[1] is the name", "list[0], rows[12] and f(x)[3]", "a[5][6] and m[7][8]", "`argv`[5]", "kernel[4711]: up", "x_[9]"] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
}

#[test]
fn numbers_that_are_values_are_no_citation() {
    for text in [
        "x is in [0,1]",
        "between [3, 5] and so",
        "the interval [3, 9]",
        "y = [7]",
        "x \u{2208} [3, 4]",
        "returns [3, 4, 5]",
        "[3, 1, 2] is sorted",
        "[5, 5]",
        "[[1]] and [[3]]",
        "[[3, 4], [5, 6]]",
        "the year [2024], port [8080]",
        "[0]",
        "$[3, 4]$ and $$[5]$$",
        "[3, 4) and (5, 6]",
    ] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
}

#[test]
fn a_class_of_characters_is_no_citation() {
    for text in ["[0-9]", "[1-9][0-9]*", "^[3-7]+$", "\\d[3]", "[4]{3}", "[a-z]", "[^3]"] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
}

#[test]
fn labels_links_and_boxes_are_no_citation() {
    for text in [
        "- [3] third",
        "* [3] third\n* [4] fourth",
        "1. [5] fifth",
        "## [3] - 2024-01-01",
        "[3]: https://example.com",
        "text\n[3]: https://example.com",
        "[3] https://example.com",
        "[3](https://example.com) and ![4](x.png) and [[5]](y)",
        "[6][x]\n\n[x]: y",
        "- [x] done\n- [ ] open\n- [] odd",
        "a note[^3]\n\n[^3]: there",
        "`[3]` and ``a[4]``",
        "```\nas in [3]\n```\n\n    as in [4]\n",
        "\\[3]",
        "---\nlist: [3, 4]\n---\n",
        "[ ] [-] [~] [a] [3a] [v3]",
        "[3]rd",
    ] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
}
