//! Pairs of brackets, and what stands in them.

use std::ops::Range;

/// A pair of brackets without another pair in it.
pub(super) struct Bracket<'a> {
    /// From the opening to behind the closing one.
    pub(super) range: Range<usize>,
    pub(super) within: &'a str,
    /// Whether it is one of several in another pair that says nothing of its own: a table of numbers, or a link of a wiki.
    pub(super) is_nested: bool,
}

impl<'a> Bracket<'a> {
    /// What `source: x` names.
    pub(super) fn source(&self) -> Option<&'a str> {
        let (name, source) = self.within.split_once(':')?;
        name.trim().eq_ignore_ascii_case("source").then(|| source.trim())
    }

    /// The only number in it.
    pub(super) fn number(&self) -> Option<u64> {
        self.numbers().filter(|numbers| numbers.len() == 1).and_then(|numbers| numbers.first().copied())
    }

    /// The numbers in it, the ends of `1-3` too; none if anything else is there.
    pub(super) fn numbers(&self) -> Option<Vec<u64>> {
        let parts = self.within.split([',', ';', '-', '\u{2013}']).map(str::trim);
        let number = |part: &str| {
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            // One that is too long to be counted is no year either.
            is_number.then(|| part.parse().unwrap_or(u64::MAX))
        };
        parts.map(number).collect()
    }
}

/// The innermost pairs of brackets in a range of a text, in order. What is escaped is no bracket.
pub(super) fn brackets(text: &str, range: Range<usize>) -> Vec<Bracket<'_>> {
    let mut open: Vec<usize> = Vec::new();
    let mut found: Vec<Bracket<'_>> = Vec::new();
    // The first pair in the outermost one that is open.
    let mut first_inner = 0;
    for (offset, sign) in text[range.clone()].char_indices() {
        let place = range.start + offset;
        match sign {
            '[' | '\u{3010}' if !text[..place].ends_with('\\') => {
                if open.is_empty() {
                    first_inner = found.len();
                }
                open.push(place);
            }
            ']' | '\u{3011}' => {
                let Some(start) = open.pop() else { continue };
                let within = within(text, start, place);
                if !within.contains(['[', '\u{3010}']) {
                    found.push(Bracket { range: start..place + sign.len_utf8(), within, is_nested: false });
                } else if open.is_empty() && !within.contains(char::is_alphabetic) {
                    // With words in it those in it may be citations: `[see [3]]`.
                    found[first_inner..].iter_mut().for_each(|inner| inner.is_nested = true);
                }
            }
            _ => {}
        }
    }
    found
}

fn within(text: &str, opens: usize, closes: usize) -> &str {
    let within = &text[opens..closes];
    within.strip_prefix(['[', '\u{3010}']).unwrap_or(within)
}
