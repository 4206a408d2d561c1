//! How a person corrected an agent's text: how far the two texts are apart, and the class that follows from it.
//!
//! The classes overlap and leave gaps as people describe them, so they are asked in an order, and every pair of texts has exactly one. Comparing
//! letter by letter takes time that grows with the product of the lengths; where that is too much, lines are compared, and what differs between
//! equal lines counts whole.

use super::merge;
use serde::Serialize;

/// Steps of comparing letters: a hundredth of a second in a component.
const LETTER_STEPS_MAX: usize = 4_000_000;

/// A larger distance is another text.
const REWRITE_DISTANCE: usize = 500;
/// So is a smaller similarity.
const REWRITE_SIMILARITY: f64 = 0.7;
/// From this distance on more than signs were changed.
const FACT_DISTANCE_MIN: usize = 50;
/// Up to this one a statement was.
const FACT_DISTANCE_MAX: usize = 200;

/// What a correction was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrectionType {
    /// Another text came in its place.
    MajorRewrite,
    /// Signs were put right.
    SyntaxFix,
    /// Something was not so.
    FactualCorrection,
    /// The same was said otherwise.
    StyleImprovement,
}

/// Two texts compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Correction {
    /// The class.
    pub correction_type: CorrectionType,
    /// Characters that were put in, taken out or replaced.
    pub edit_distance: usize,
    /// The share of the longer text that stayed, from 0 to 1.
    pub similarity: f64,
}

impl Correction {
    /// Compares what an agent wrote with what a person made of it.
    #[must_use]
    pub fn between(original: &str, corrected: &str) -> Self {
        let edit_distance = distance(original, corrected);
        let longer = original.chars().count().max(corrected.chars().count()).max(1);
        #[expect(clippy::cast_precision_loss, reason = "texts have far fewer than 2^52 characters")]
        let similarity = (1.0 - edit_distance as f64 / longer as f64).max(0.0);
        // Only what stands between words was changed, if the words alone are less than half as far apart.
        let is_punctuation = distance(&words(original), &words(corrected)) * 2 < edit_distance;
        Self { correction_type: class(edit_distance, similarity, is_punctuation), edit_distance, similarity }
    }
}

/// The class of a distance and similarity.
fn class(distance: usize, similarity: f64, is_punctuation: bool) -> CorrectionType {
    if distance > REWRITE_DISTANCE || similarity < REWRITE_SIMILARITY {
        CorrectionType::MajorRewrite
    } else if distance < FACT_DISTANCE_MIN && is_punctuation {
        CorrectionType::SyntaxFix
    } else if (FACT_DISTANCE_MIN..=FACT_DISTANCE_MAX).contains(&distance) {
        CorrectionType::FactualCorrection
    } else {
        CorrectionType::StyleImprovement
    }
}

/// A text without what stands between words.
fn words(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// How many characters have to be put in, taken out or replaced to get from one text to the other; of large texts not less than that.
fn distance(from: &str, to: &str) -> usize {
    let (from_letters, to_letters): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let head = from_letters.iter().zip(&to_letters).take_while(|(a, b)| a == b).count();
    let (from_rest, to_rest) = (&from_letters[head..], &to_letters[head..]);
    let tail = from_rest.iter().rev().zip(to_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (from_rest, to_rest) = (&from_rest[..from_rest.len() - tail], &to_rest[..to_rest.len() - tail]);
    if from_rest.len() * to_rest.len() <= LETTER_STEPS_MAX { levenshtein(from_rest, to_rest) } else { merge::changed_chars(from, to) }
}

/// The distance of Levenshtein, with one row of its table.
fn levenshtein(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (place, a) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = place + 1;
        for (column, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_class_is_what_it_is_said_to_be() {
        let check = |distance, similarity, is_punctuation, expected| {
            assert_eq!(class(distance, similarity, is_punctuation), expected, "{distance} {similarity} {is_punctuation}");
        };
        check(501, 0.99, false, CorrectionType::MajorRewrite);
        check(600, 0.95, true, CorrectionType::MajorRewrite);
        check(10, 0.69, true, CorrectionType::MajorRewrite);
        check(49, 0.7, true, CorrectionType::SyntaxFix);
        check(50, 0.9, true, CorrectionType::FactualCorrection);
        check(50, 0.9, false, CorrectionType::FactualCorrection);
        check(200, 0.7, false, CorrectionType::FactualCorrection);
        check(201, 0.95, false, CorrectionType::StyleImprovement);
        check(300, 0.8, false, CorrectionType::StyleImprovement);
        check(500, 0.7, false, CorrectionType::StyleImprovement);
        check(49, 0.9, false, CorrectionType::StyleImprovement);
    }

    #[test]
    fn texts_have_a_distance_and_a_class() {
        let check = |from: &str, to: &str, edit_distance, correction_type| {
            let found = Correction::between(from, to);
            assert_eq!((found.edit_distance, found.correction_type), (edit_distance, correction_type), "{from:?} {to:?}");
        };
        check("kitten", "sitting", 3, CorrectionType::MajorRewrite);
        check("", "", 0, CorrectionType::StyleImprovement);
        check("", "words", 5, CorrectionType::MajorRewrite);
        check("One two three four.", "One, two, three, four!", 4, CorrectionType::SyntaxFix);
        check("It is kept in a file here.", "It is kept in a row here.", 4, CorrectionType::StyleImprovement);
        let text = "A sentence of some length stands here.\n".repeat(40);
        let fact = "It was fifty characters and a few more than that, truly.\n";
        check(&text, &format!("{text}{fact}"), fact.len(), CorrectionType::FactualCorrection);
    }

    #[test]
    fn large_texts_are_compared_by_their_lines_in_little_time() {
        let line = |line: usize| format!("line {line} of a text that is large\n");
        let from: String = (0..25_000).map(line).collect();
        let changed = [100, 12_000, 24_000];
        let to: String = (0..25_000).map(|n| if changed.contains(&n) { "changed\n".to_owned() } else { line(n) }).collect();
        let expected = changed.iter().map(|&n| line(n).len()).sum::<usize>();
        assert_eq!(Correction::between(&from, &to).edit_distance, expected);
        let other: String = (0..25_000).map(|n| format!("nothing is alike {n}\n")).collect();
        assert_eq!(Correction::between(&from, &other).correction_type, CorrectionType::MajorRewrite);
    }

    proptest! {
        #[test]
        fn every_pair_has_one_class_and_its_rule_holds(distance in 0_usize..2000, similarity in 0.0..=1.0_f64, is_punctuation: bool) {
            let is_rewrite = distance > 500 || similarity < 0.7;
            let is_syntax = !is_rewrite && distance < 50 && is_punctuation;
            let is_fact = !is_rewrite && !is_syntax && (50..=200).contains(&distance);
            let expected = match (is_rewrite, is_syntax, is_fact) {
                (true, ..) => CorrectionType::MajorRewrite,
                (_, true, _) => CorrectionType::SyntaxFix,
                (.., true) => CorrectionType::FactualCorrection,
                _ => CorrectionType::StyleImprovement,
            };
            prop_assert_eq!(class(distance, similarity, is_punctuation), expected);
        }

        #[test]
        fn a_distance_is_symmetric_and_bounded(from in ".{0,40}", to in ".{0,40}") {
            let found = Correction::between(&from, &to);
            prop_assert_eq!(found.edit_distance, Correction::between(&to, &from).edit_distance);
            let (a, b) = (from.chars().count(), to.chars().count());
            prop_assert!((a.abs_diff(b)..=a.max(b)).contains(&found.edit_distance));
            prop_assert_eq!(found.edit_distance == 0, from == to);
            prop_assert!((0.0..=1.0).contains(&found.similarity));
        }

        #[test]
        fn lines_never_make_it_less(from in "([ab]{0,3}\n){0,8}", to in "([ab]{0,3}\n){0,8}") {
            prop_assert!(merge::changed_chars(&from, &to) >= distance(&from, &to));
        }
    }
}
