//! Texts compared line by line: brought together on what they grew from, or shown as a diff.
//!
//! Comparing can take time that grows with the square of the text. A bound on that time is computed first, which is cheap; where it is too
//! much, everything between the first and the last difference is taken for one change. That is still correct, only coarse.

use super::ContentHash;
use crate::limits::{MERGE_STEPS_A_LINE, MERGE_STEPS_MAX};
use crate::wire::MergeProposal;
use diffy::{DiffOptions, IncompleteHunkStyle, MergeOptions};
use std::collections::HashMap;
use std::fmt::Write;

/// How the two sides of a conflict are marked, as git marks them.
const MARKERS: [&str; 3] = ["<<<<<<< IDE\n", "=======\n", ">>>>>>> Noted\n"];

/// Brings two texts together. What one side alone changed is taken; where both changed the same lines differently, both stand between
/// `<<<<<<< IDE`, `=======` and `>>>>>>> Noted`, each on a line of its own, and the proposal is not clean.
#[must_use]
pub fn merge(base: &str, ide: &str, noted: &str) -> MergeProposal {
    let (clean, content) = if ide == noted || noted == base {
        (true, ide.to_owned())
    } else if ide == base {
        (true, noted.to_owned())
    } else {
        merge_middles(base, ide, noted)
    };
    MergeProposal { clean, content_sha256: ContentHash::of(&content), content }
}

/// A unified diff between two texts under their names, with three lines around each change; empty when they are equal.
#[must_use]
pub fn unified_diff((from_name, from): (&str, &str), (to_name, to): (&str, &str)) -> String {
    if from == to {
        String::new()
    } else if steps(from, to) > MERGE_STEPS_MAX {
        coarse_diff((from_name, from), (to_name, to))
    } else {
        let mut options = DiffOptions::new();
        options.set_original_filename(from_name.to_owned()).set_modified_filename(to_name.to_owned());
        options.create_patch(from, to).to_string()
    }
}

/// Lines with which all three texts begin or end need no comparison.
fn merge_middles(base: &str, ide: &str, noted: &str) -> (bool, String) {
    let (before, after) = frame(&[base, ide, noted]);
    let [base_middle, ide, noted] = [base, ide, noted].map(|text| &text[before..text.len() - after]);
    let (clean, middle) = if steps(base_middle, ide) + steps(base_middle, noted) > MERGE_STEPS_MAX {
        (false, coarse_merge(ide, noted))
    } else {
        fine_merge(base_middle, ide, noted)
    };
    (clean, [&base[..before], &middle, &base[base.len() - after..]].concat())
}

/// How many characters stand in the lines that differ, each stretch of them counted on its longer side: at least as many as a comparison of
/// single characters would find changed.
pub(super) fn changed_chars(from: &str, to: &str) -> usize {
    if steps(from, to) > MERGE_STEPS_MAX {
        let (before, after) = frame(&[from, to]);
        return [from, to].map(|text| text[before..text.len() - after].chars().count()).into_iter().max().unwrap_or(0);
    }
    let mut options = DiffOptions::new();
    options.set_context_len(0);
    let (mut changed, mut out, mut into) = (0, 0, 0);
    for hunk in options.create_patch(from, to).hunks() {
        for line in hunk.lines() {
            match line {
                diffy::Line::Delete(line) => out += line.chars().count(),
                diffy::Line::Insert(line) => into += line.chars().count(),
                diffy::Line::Context(_) => {
                    changed += out.max(into);
                    (out, into) = (0, 0);
                }
            }
        }
        changed += out.max(into);
        (out, into) = (0, 0);
    }
    changed
}

fn fine_merge(base: &str, ide: &str, noted: &str) -> (bool, String) {
    // Markers longer than any run of their characters in the texts are told from the texts' own lines, and become the usual ones.
    let length = [base, ide, noted].into_iter().map(longest_run).max().unwrap_or(0).max(6) + 1;
    let mut options = MergeOptions::new();
    options.set_conflict_marker_length(length).set_conflict_style(diffy::ConflictStyle::Merge);
    options.set_incomplete_hunk_style(IncompleteHunkStyle::Git);
    let marked = match options.merge(base, ide, noted) {
        Ok(merged) => return (true, merged),
        Err(marked) => marked,
    };
    let mut content = String::with_capacity(marked.len());
    for line in marked.split_inclusive('\n') {
        let marker = ['<', '=', '>'].iter().position(|&sign| line.chars().take_while(|&c| c == sign).count() == length);
        content.push_str(marker.map_or(line, |index| MARKERS[index]));
    }
    (false, content)
}

/// The longest run of one marker character at the beginning of a line.
fn longest_run(text: &str) -> usize {
    let run = |line: &str| {
        line.bytes().next().filter(|first| b"<=>".contains(first)).map(|first| line.bytes().take_while(|&b| b == first).count())
    };
    text.lines().filter_map(run).max().unwrap_or(0)
}

fn coarse_merge(ide: &str, noted: &str) -> String {
    let ending = |text: &str| if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let [opening, dividing, closing] = MARKERS;
    format!("{opening}{ide}{}{dividing}{noted}{}{closing}", ending(ide), ending(noted))
}

fn coarse_diff((from_name, from): (&str, &str), (to_name, to): (&str, &str)) -> String {
    let (before, after) = frame(&[from, to]);
    let middles = [('-', from), ('+', to)].map(|(sign, text)| (sign, &text[before..text.len() - after]));
    let [gone, come] = middles.map(|(_, middle)| {
        let count = middle.split_inclusive('\n').count();
        // A hunk without lines on one side names the line before it.
        let first = from[..before].matches('\n').count() + usize::from(count > 0);
        format!("{first},{count}")
    });
    let mut diff = format!("--- {from_name}\n+++ {to_name}\n@@ -{gone} +{come} @@\n");
    for (sign, middle) in middles {
        for line in middle.split_inclusive('\n') {
            let ending = if line.ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
            // Writing to a string cannot fail.
            let _ = write!(diff, "{sign}{line}{ending}");
        }
    }
    diff
}

/// The bytes of whole lines with which all texts begin, and those with which they end, without overlap.
fn frame(texts: &[&str]) -> (usize, usize) {
    let Some((first, others)) = texts.split_first() else { return (0, 0) };
    let shortest = texts.iter().map(|text| text.len()).min().unwrap_or(0);
    let mut before = 0;
    for line in first.split_inclusive('\n') {
        let end = before + line.len();
        if !line.ends_with('\n') || end > shortest || others.iter().any(|other| other.as_bytes()[before..end] != *line.as_bytes()) {
            break;
        }
        before = end;
    }
    let mut after = 0;
    for line in first[before..].split_inclusive('\n').rev() {
        let start = after + line.len();
        let ends_so = |other: &&str| {
            let Some(at) = other.len().checked_sub(start).filter(|&at| at >= before) else { return false };
            other.as_bytes()[at..at + line.len()] == *line.as_bytes() && (at == 0 || other.as_bytes()[at - 1] == b'\n')
        };
        if start > shortest - before || !others.iter().all(ends_so) {
            break;
        }
        after = start;
    }
    (before, after)
}

/// How many steps comparing two texts takes at most: lines times differences, and some for each line. The differences are counted as if only
/// those lines were matched that are found at once: at both ends, and around lines that each text has only once.
fn steps(from: &str, to: &str) -> u64 {
    let all_lines = [from, to].iter().flat_map(|text| text.bytes()).filter(|&byte| byte == b'\n').count();
    let reading = all_lines as u64 * MERGE_STEPS_A_LINE;
    if reading > MERGE_STEPS_MAX {
        return reading;
    }
    let (before, after) = frame(&[from, to]);
    let [from, to] = [from, to].map(|text| text[before..text.len() - after].split_inclusive('\n').collect::<Vec<_>>());
    let mut matched = 0;
    let mut place = (0, 0);
    for (i, j) in anchors(&from, &to).into_iter().chain([(from.len(), to.len())]) {
        matched += alike(&from[place.0..i], &to[place.1..j]) + usize::from(i < from.len());
        place = (i + 1, j + 1);
    }
    let lines = from.len() + to.len();
    reading + (lines as u64) * ((lines - 2 * matched) as u64)
}

/// Lines that match at both ends of two stretches.
fn alike(from: &[&str], to: &[&str]) -> usize {
    let head = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    head + from[head..].iter().rev().zip(to[head..].iter().rev()).take_while(|(a, b)| a == b).count()
}

/// The longest row of lines that both texts have once and in the same order, as places in the one and the other.
fn anchors(from: &[&str], to: &[&str]) -> Vec<(usize, usize)> {
    let mut seen: HashMap<&str, (usize, usize, usize)> = HashMap::new();
    for (place, line) in from.iter().enumerate() {
        let (count, at, _) = seen.entry(line).or_default();
        (*count, *at) = (*count + 1, place);
    }
    let mut pairs: Vec<Option<(usize, usize)>> = Vec::new();
    for (place, line) in to.iter().enumerate() {
        match seen.get_mut(line) {
            Some((1, at, pair @ 0)) => {
                pairs.push(Some((*at, place)));
                *pair = pairs.len();
            }
            // Not the only one in `to` either.
            Some((1, _, pair)) => pairs[*pair - 1] = None,
            _ => {}
        }
    }
    longest_increasing(&pairs.into_iter().flatten().collect::<Vec<_>>())
}

/// Of pairs that increase in the second number, the longest row that increases in the first too.
fn longest_increasing(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // The last pair of the best row of each length, and for each pair the one before it in its row.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous = vec![None; pairs.len()];
    for (index, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].0 < pair.0);
        previous[index] = length.checked_sub(1).map(|shorter| ends[shorter]);
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    let mut row: Vec<_> = std::iter::successors(ends.last().copied(), |&index| previous[index]).map(|index| pairs[index]).collect();
    row.reverse();
    row
}

#[cfg(test)]
mod tests {
    use super::{coarse_diff, coarse_merge, frame, merge, steps, unified_diff};
    use crate::limits::MERGE_STEPS_MAX;
    use proptest::prelude::*;

    #[test]
    fn what_one_side_changed_is_taken() {
        let check = |base: &str, ide: &str, noted: &str, expected: &str| {
            let merged = merge(base, ide, noted);
            assert_eq!((merged.clean, merged.content.as_str()), (true, expected));
        };
        check("a\nb\nc\nd\ne\n", "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n", "A\nb\nc\nd\nE\n");
        check("a\nb\nc\n", "a\nb\nc\nd\n", "b\nc\n", "b\nc\nd\n");
        check("a\n", "a\n", "b\n", "b\n");
        check("a\n", "b\n", "a\n", "b\n");
        check("a\n", "b\n", "b\n", "b\n");
        check("", "", "", "");
    }

    #[test]
    fn what_both_changed_stands_between_markers() {
        let check = |base: &str, ide: &str, noted: &str, expected: &str| {
            let merged = merge(base, ide, noted);
            assert_eq!((merged.clean, merged.content.as_str()), (false, expected));
        };
        check("a\nb\nc\n", "a\nmine\nc\n", "a\ntheirs\nc\n", "a\n<<<<<<< IDE\nmine\n=======\ntheirs\n>>>>>>> Noted\nc\n");
        check("a", "mine", "theirs", "<<<<<<< IDE\nmine\n=======\ntheirs\n>>>>>>> Noted\n");
        // Lines of the text that look like markers are left alone.
        check(
            "<<<<<<< ours\nb\n",
            "<<<<<<< ours\nmine\n",
            "<<<<<<< ours\ntheirs\n",
            "<<<<<<< ours\n<<<<<<< IDE\nmine\n=======\ntheirs\n>>>>>>> Noted\n",
        );
    }

    #[test]
    fn a_comparison_that_would_take_too_long_is_coarse() {
        let lines = |name: &str| (0..20_000).map(|line| format!("{name} {line}\n")).collect::<String>();
        let (base, ide, noted) = (lines("base"), format!("top\n{}", lines("ide")), lines("noted"));
        assert!(steps(&base, &ide) > MERGE_STEPS_MAX);
        let merged = merge(&base, &ide, &noted);
        assert!(!merged.clean && merged.content.contains(&ide) && merged.content.contains(&noted));
        let diff = unified_diff(("1", &base), ("2", &noted));
        assert_eq!(diff.lines().filter(|line| line.starts_with("-base")).count(), 20_000);
    }

    #[test]
    fn large_texts_with_few_changes_are_compared_finely() {
        let line = |line: usize| if line.is_multiple_of(2) { "\n".to_owned() } else { format!("line {line}\n") };
        let base: String = (0..60_000).map(line).collect();
        let ide = base.replace("line 101\n", "mine\n\n").replace("line 55001\n", "");
        let noted = base.replace("line 30001\n", "theirs\n\n\n");
        let merged = merge(&base, &ide, &noted);
        assert!(merged.clean && merged.content.contains("mine") && merged.content.contains("theirs"));
    }

    #[test]
    fn the_frame_is_whole_lines_that_all_texts_share() {
        let check = |texts: &[&str], expected: (usize, usize)| assert_eq!(frame(texts), expected, "{texts:?}");
        check(&["a\nb\nc\n", "a\nx\nc\n"], (2, 2));
        check(&["a\na\n", "a\n"], (2, 0));
        check(&["ab\n", "b\n"], (0, 0));
        check(&["a\nb", "a\nb\n"], (2, 0));
        check(&["\u{e9}\n", "\u{e8}\n"], (0, 0));
        check(&["", "a\n"], (0, 0));
    }

    /// A few lines out of few words, so that they often agree; the last one may lack its end.
    fn any_text() -> impl Strategy<Value = String> {
        (prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "", "<<<<<<< x", "======="]), 0..12), any::<bool>())
            .prop_map(|(lines, ended)| lines.join("\n") + if ended { "\n" } else { "" })
    }

    /// Applies a diff, the slow and simple way.
    fn patched(text: &str, diff: &str) -> String {
        match diffy::Patch::from_str(diff) {
            Ok(patch) => diffy::apply(text, &patch).unwrap(),
            Err(wrong) => panic!("{wrong}\n{diff}"),
        }
    }

    proptest! {
        #[test]
        fn a_side_that_changed_nothing_adds_nothing(base in any_text(), other in any_text()) {
            prop_assert_eq!(merge(&base, &base, &other).content, other.clone());
            prop_assert_eq!(merge(&base, &other, &base).content, other.clone());
            prop_assert_eq!(merge(&base, &other, &other).content, other);
        }

        #[test]
        fn every_line_of_both_sides_is_in_a_merge(base in any_text(), ide in any_text(), noted in any_text()) {
            let proposals = [merge(&base, &ide, &noted).content, coarse_merge(&ide, &noted)];
            for line in ide.lines().chain(noted.lines()).filter(|line| !base.lines().any(|old| old == *line)) {
                for proposal in &proposals {
                    prop_assert!(proposal.lines().any(|merged| merged == line), "{line:?} is missing in {proposal:?}");
                }
            }
        }

        #[test]
        fn a_diff_leads_from_one_text_to_the_other(from in any_text(), to in any_text()) {
            prop_assume!(from != to);
            prop_assert_eq!(patched(&from, &unified_diff(("a", &from), ("b", &to))), to.clone());
            prop_assert_eq!(patched(&from, &coarse_diff(("a", &from), ("b", &to))), to);
        }
    }
}
