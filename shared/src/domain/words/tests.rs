//! What is found by what, on examples and on any text.

use super::{Place, Question, Words};
use crate::domain::chunks;
use crate::domain::words::SCOPE_MARK;
use proptest::prelude::*;

fn found(text: &str) -> String {
    Words::of(text).to_tsvector().replace(SCOPE_MARK, "")
}

#[test]
fn prose_and_code_are_words() {
    let check = |text: &str, expected: &str| assert_eq!(found(text), expected, "{text}");
    check("", "");
    check("--- !?", "");
    check("Read, then write; READ again", "'again':5 'read':1,4 'then':2 'writ':3");
    check("Caf\u{e9} cafe\u{301} stra\u{df}e \u{130}", "'cafe':1,2 'i':4 'strass':3");
    check("\u{fb01}t \u{ff32}\u{ff35}\u{ff33}\u{ff34}", "'fit':1 'rust':2");
    check("HashMap hash_map", "'hash':1,3 'hashmap':1,3 'map':2,4");
    check("std::collections", "'collection':2 'std':1");
    check("async/await .await", "'async':1 'await':2,3");
    check("C++ c# i++ a#b #[derive(Debug)]", "'a':4 'b':5 'c#':2 'c++':1 'debug':7 'deriv':6 'i++':3");
    check("C C#8 C++20 notepad++", "'20':5 '8':3 'c':1 'c#':2 'c++':4 'notepad':6 'notepad++':6");
    check("tar -xvf `-m` --no-verify", "'--noverify':4 '-m':3 '-xvf':2 'm':3 'no':4 'noverifi':4 'tar':1 'verifi':5 'xvf':2");
    check("a-b read-only f(x)-y - item -5", "'5':9 'a':1 'ab':1 'b':2 'f':5 'item':8 'onli':4 'read':3 'readonli':3 'x':6 'y':7");
    check("x86_64 v1.2.3 2014-04-12", "'04':7 '12':8 '2':4 '2014':6 '2014-04-12':6 '3':5 '64':2 'v1':3 'v1.2.3':3 'x86':1 'x8664':1");
    check("HTTPServer URLs utf8Text", "'http':1 'httpserver':1 'server':2 'text':5 'url':3 'utf8':4 'utf8text':4");
    check("me@example.com src/main.rs", "'com':3 'exampl':2 'main':5 'me':1 'rs':6 'src':4");
    check("it's", "'it':1 's':2");
}

#[test]
fn what_is_written_in_another_way_is_the_same_word() {
    let check = |text: &str, same: &str| assert_eq!(found(text), found(same), "{text}");
    check("\u{39f}\u{394}\u{3a5}\u{3a3}\u{3a3}\u{395}\u{391}\u{3a3}", "\u{39f}\u{3b4}\u{3c5}\u{3c3}\u{3c3}\u{3ad}\u{3b1}\u{3c2}");
    check("\u{643}\u{650}\u{62a}\u{64e}\u{627}\u{628}\u{64c}", "\u{643}\u{62a}\u{627}\u{628}");
    check("\u{643}\u{640}\u{62a}\u{627}\u{628}", "\u{643}\u{62a}\u{627}\u{628}");
    check("\u{5e9}\u{5b8}\u{5dc}\u{5d5}\u{5b9}\u{5dd}", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}");
    check("\u{662}\u{660}\u{662}\u{666} \u{6f2}", "2026 2");
}

#[test]
fn pictures_are_words() {
    assert_eq!(found("deploy\u{1f680}\u{1f680} ok\u{2705}"), "'deploi':1 'ok':4 '\u{2705}':5 '\u{1f680}':2,3");
    assert_eq!(
        found("\u{1f44d}\u{1f3fd} \u{2764}\u{fe0f} \u{1f469}\u{200d}\u{1f4bb}"),
        "'\u{2764}':2 '\u{1f44d}':1 '\u{1f469}':3 '\u{1f4bb}':4"
    );
    assert_eq!(Question::parse("\u{1f680}").candidates(), ["\u{1f680}"]);
}

#[test]
fn scripts_without_spaces_are_found_by_any_part() {
    let check = |text: &str, expected: &str| assert_eq!(found(text), expected, "{text}");
    check("\u{65e5}\u{672c}\u{8a9e}", "'\u{65e5}':1 '\u{65e5}\u{672c}':1 '\u{672c}':2 '\u{672c}\u{8a9e}':2 '\u{8a9e}':3");
    check("a\u{65e5}b", "'a':1 'b':3 '\u{65e5}':2");
    let terms = |text: &str| Question::parse(text).terms().join(" ");
    assert_eq!(terms("\u{65e5}\u{672c}\u{8a9e}"), "\u{65e5}\u{672c} \u{672c}\u{8a9e}");
    assert_eq!(terms("\u{65e5}"), "\u{65e5}");
}

#[test]
fn places_have_weights_and_no_phrase_goes_from_one_into_the_next() {
    let mut words = Words::of("some text");
    words.add("a head", Place::Heading);
    words.add("above", Place::Above);
    words.add("the title", Place::Title);
    assert_eq!(words.to_tsvector().replace(SCOPE_MARK, ""), "'a':4B 'abov':7C 'head':5B 'some':1 'text':2 'the':9A 'titl':10A");
    assert_eq!(words.len(), 4);
}

#[test]
fn a_chunk_is_found_by_the_headings_above_it() {
    let filler = "of no weight. ".repeat(200);
    let note = format!("# Alpha\n\n{filler}\n\n## Beta\n\n{filler}");
    let chunks = chunks(&note);
    let places = |index: usize, lexeme: &str| {
        let vector = Words::of_chunk(&note, &chunks[index]).to_tsvector().replace(SCOPE_MARK, "");
        let entry = vector.split(' ').find_map(|entry| entry.strip_prefix(&format!("'{lexeme}':")));
        entry.map_or(String::new(), |positions| positions.chars().filter(char::is_ascii_alphabetic).collect())
    };
    assert_eq!((0..chunks.len()).map(|index| places(index, "alpha")).collect::<Vec<_>>(), ["B", "C", "C", "C"]);
    assert_eq!((0..chunks.len()).map(|index| places(index, "beta")).collect::<Vec<_>>(), ["", "", "B", "C"]);
}

#[test]
fn what_postgresql_cannot_hold_is_left_out() {
    let long = "x".repeat(3_000);
    assert_eq!(found(&long), format!("'{}':1", "x".repeat(64)));
    let many = "a ".repeat(20_000);
    assert_eq!(found(&many).matches(',').count(), 255);
    let far = format!("{}b", "a ".repeat(20_000));
    assert!(found(&far).ends_with("'b':16383"));
    let mut quoted = String::new();
    super::quote("a'b\\c", &mut quoted);
    assert_eq!(quoted, "'\u{1}a''b\\\\c'");
}

#[test]
fn quotes_and_dashes_in_prose_are_no_orders() {
    let prose = "In the text of a whole sentence like this one the \"connection pool\" is -size or nothing";
    let parsed = Question::parse(prose);
    assert_eq!((parsed.understood().required.len(), parsed.understood().excluded.len()), (0, 0));
    assert!(["pool", "size"].iter().all(|word| parsed.terms().contains(&(*word).to_owned())), "{parsed:?}");
    assert_eq!(Question::parse("In the text the \"connection pool\" is").understood().required, [["connection pool"]]);
}

#[test]
fn a_question_is_read_as_people_mean_it() {
    let check = |question: &str, terms: &str, conditions: &str| {
        let parsed = Question::parse(question);
        assert_eq!(parsed.terms().join(" "), terms, "{question}");
        assert_eq!(conditions_of(&parsed), conditions, "{question}");
    };
    check("HashMap", "hash map hashmap", "");
    check("\"connection pool\" size", "connection pool size", "+'connection' <-> 'pool'");
    check("\u{201c}state of the art\u{201d}", "stat of the art", "+'stat' <-> 'of' <-> 'the' <-> 'art'");
    check("rust -java -\"c++ code\"", "rust", "-'java' unless '-java', -'c++' <-> 'code'");
    check("\"a b\" or \"c d\" OR e", "a b c d e", "+'a' <-> 'b' | 'c' <-> 'd' | 'e'");
    check("\"a b\" or -cat d", "a b d", "+'a' <-> 'b', -'cat' unless '-cat'");
    check("cat or dog", "cat dog", "");
    check("\"a\" or", "a", "+'a'");
    check(" or ", "or", "");
    check("\"HashMap\"", "hash map hashmap", "+'hashmap'");
    check("\"a HashMap entry\"", "a hash map hashmap entri", "+'a' <-> 'hash' <-> 'map' <-> 'entri' | 'a' <-> 'hashmap' <-> 'entri'");
    check("read-only -5 10 - 12 --flag 3-4", "read onli readonli 5 10 12 flag --flag 3 4 3-4", "");
    check("git commit -m", "git commit m -m", "");
    check("rm -rf build", "rm rf -rf build", "");
    check("tar -xvf", "tar", "-'xvf' unless '-xvf'");
    check("mvn -DskipTests", "mvn", "-'dskiptest' unless '-dskiptests'");
    check("cooking -\"xvf\"", "cook", "-'xvf'");
    check("\"unbalanced words", "unbalanc word", "");
    check("\"\" \" \" -\"\" - -", "", "");
    check("?! ...", "", "");
    check("\"\u{65e5}\u{672c}\u{8a9e} a\"", "\u{65e5}\u{672c} \u{672c}\u{8a9e} a", "+'\u{65e5}\u{672c}' <-> '\u{672c}\u{8a9e}' <2> 'a'");
}

#[test]
fn what_notes_have_as_an_option_is_not_left_out() {
    let mut parsed = Question::parse("tar -xvf -verbose -\"xvf\"");
    parsed.settle(&["xvf".to_owned()]);
    assert_eq!(parsed.terms(), ["tar", "xvf", "-xvf"]);
    assert_eq!(parsed.understood().excluded, ["verbose", "xvf"], "what is in quotes is left out in any case");
}

#[test]
fn small_words_rank_but_do_not_find_unless_there_are_no_others() {
    let check = |question: &str, candidates: &str| assert_eq!(Question::parse(question).candidates().join(" "), candidates);
    check("How do I pool the connections?", "pool connection");
    check("don't it's", "don t it s");
    check("the who", "the who");
    check("\"to be\" or \"not to be\"", "to be not");
    check("c++ or c#", "c++ c#");
}

#[test]
fn a_question_is_bounded() {
    let many: String = (0..500).map(|number| format!("{number} ")).collect();
    assert_eq!(Question::parse(&many).terms().len(), 64);
}

/// What a note must have (`+`) and must not have (`-`).
fn conditions_of(question: &Question) -> String {
    let question = serde_json::to_value(question).unwrap();
    let list = |name: &str| question[name].as_array().cloned().unwrap_or_default();
    let required = list("required").into_iter().map(|required| format!("+{}", required["query"].as_str().unwrap()));
    let excluded = list("excluded").into_iter().map(|excluded| {
        let unless = excluded["option"]["query"].as_str().map(|option| format!(" unless {option}"));
        format!("-{}{}", excluded["query"].as_str().unwrap(), unless.unwrap_or_default())
    });
    required.chain(excluded).collect::<Vec<_>>().join(", ").replace(SCOPE_MARK, "")
}

/// Text with the signs that mean something here.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-zA-Z0-9_.-]{1,12}",
        2 => "[ \"'\\\\-]{1,3}",
        1 => "[\u{e9}\u{301}\u{4e00}\u{4e8c}\u{e01}\u{e31}\u{ac00}\u{df}\u{130}\u{2010}]{1,8}",
        1 => "(C\\+\\+|c#| or | -|\u{201c}|\u{ab}|::|/|@)",
        1 => "\\PC{1,8}",
    ];
    prop::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
}

/// A question in which nothing but its words has a meaning.
fn plain(text: &str) -> String {
    text.replace(|c: char| super::question::is_quote(c), " ")
}

proptest! {
    #[test]
    fn whatever_a_text_says_finds_it(text in text()) {
        let words = Words::of(&text);
        let lexemes: Vec<&str> = words.lexemes().collect();
        for part in plain(&text).split_whitespace() {
            for term in Question::parse(part.trim_start_matches('-')).terms() {
                prop_assert!(lexemes.contains(&term.as_str()), "{} is not in {:?}", term, lexemes);
            }
        }
    }

    #[test]
    fn literals_are_quoted_and_bounded(text in text()) {
        for literal in [Words::of(&text).to_tsvector(), conditions_of(&Question::parse(&text))] {
            let bare = literal.replace("''", "").replace("\\\\", "");
            prop_assert!(!bare.contains('\\'));
            prop_assert_eq!(bare.matches('\'').count() % 2, 0);
        }
        prop_assert!(Question::parse(&text).terms().len() <= 64);
    }

    #[test]
    fn any_text_has_words(text in any::<String>()) {
        let words = Words::of(&text);
        prop_assert!(words.lexemes().all(|lexeme| !lexeme.is_empty() && lexeme.len() < 2_048));
        let _ = Question::parse(&text);
    }
}
