//! A word without the endings that do not change what it is about.
//!
//! Of English only plurals, `-ed`, `-ing` and what follows from them. Measured by asking for documents with the first characters of their
//! summaries, this is as good as the Porter2 stemmer with its hundred rules, and better than none for all but the longest questions; and a
//! name or a word of another language stays nearly what it was.

/// The stem of a folded word. Not always a word itself; only equality counts.
pub(super) fn stem(mut word: String) -> String {
    if !word.is_ascii() {
        return word;
    }
    remove_plural(&mut word);
    remove_past_or_progressive(&mut word);
    // `cache` is to be what `cached` and `caching` are, `apply` what `applied` is.
    if word.len() > 4 && word.ends_with('e') {
        word.pop();
    }
    if word.len() > 3 && word.ends_with('y') {
        word.pop();
        word.push('i');
    }
    word
}

/// After the rules of Harman's S stemmer; short names such as `tls` and `ios` stay.
fn remove_plural(word: &mut String) {
    if word.len() <= 3 || word.ends_with("us") || word.ends_with("ss") {
        return;
    }
    if word.ends_with("ies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if word.ends_with('s') {
        word.pop();
    }
}

fn remove_past_or_progressive(word: &mut String) {
    let Some(rest) = word.strip_suffix("ing").or_else(|| word.strip_suffix("ed")).map(str::as_bytes) else { return };
    let [.., before, last] = rest else { return };
    if rest.len() < 3 || !rest.iter().any(is_vowel) || rest.ends_with(b"e") {
        return;
    }
    // `stopped` is of `stop`, `passed` of `pass`, `noted` of `note`.
    let is_doubled = before == last && !is_vowel(last) && !b"lsz".contains(last);
    let wants_e = rest.len() == 3 && !is_vowel(&rest[0]) && is_vowel(before) && !is_vowel(last) && !b"wx".contains(last);
    word.truncate(rest.len() - usize::from(is_doubled));
    if wants_e {
        word.push('e');
    }
}

const fn is_vowel(letter: &u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

#[cfg(test)]
mod tests {
    use super::stem;
    use proptest::prelude::*;

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            "note notes noted noting",
            "connect connects connected connecting",
            "query queries queried querying",
            "cache caches cached caching",
            "stop stops stopped stopping",
            "pass passes passed passing",
            "call calls called calling",
            "type types typed typing",
            "key keys keyed",
        ] {
            let stems: Vec<String> = forms.split(' ').map(|word| stem(word.to_owned())).collect();
            assert!(stems.iter().all(|stem| *stem == stems[0]), "{forms}: {stems:?}");
        }
    }

    #[test]
    fn other_words_stay_apart() {
        let check = |word: &str, expected: &str| assert_eq!(stem(word.to_owned()), expected);
        for word in
            ["tls", "ios", "rs", "status", "class", "string", "thing", "need", "speed", "red", "being", "not", "x86", "1.2.3", "\u{e9}s"]
        {
            check(word, word);
        }
        assert_ne!(stem("note".to_owned()), stem("not".to_owned()));
    }

    proptest! {
        #[test]
        fn a_stem_is_never_longer_or_empty(word in "\\PC{1,20}") {
            let stem = stem(word.clone());
            prop_assert!(!stem.is_empty() && stem.len() <= word.len());
        }
    }
}
