//! A vector of a text made of its words alone: each word and each pair of neighbours adds to one of 1,024 numbers that its hash picks.
//!
//! Two texts are near to each other when they share words. The same text has the same vector on every machine and in every version, to the last bit:
//! everything is added up in whole numbers, and what is then left, a square root and a division, is exact by the rules of IEEE 754.

use noted_shared::domain::Words;
use noted_shared::domain::embedding::EMBEDDING_DIMENSION;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What a word that stands once weighs. Weights are rounded to whole numbers of this size, because logarithms differ in their last bit from machine
/// to machine.
const ONCE: f64 = 1024.0;

/// Adds up what the hashes pick.
struct Sums(Vec<i64>);

/// The vector of a text, of length 1.
#[must_use]
pub fn embed(text: &str) -> Vec<f32> {
    let words = Words::of(text);
    let mut sums = Sums(vec![0; EMBEDDING_DIMENSION]);
    let mut places: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for (lexeme, positions) in words.positions() {
        let mut times = 0;
        for position in positions {
            places.entry(position).or_default().push(lexeme);
            times += 1;
        }
        sums.add(&[lexeme], times);
    }
    for (pair, times) in pairs(&places) {
        sums.add(&pair, times);
    }
    if sums.0.iter().all(|&sum| sum == 0) {
        // Without a word, or with words that cancel out: still a vector, because zero has no direction.
        sums.add(&[], 1);
    }
    sums.normalised()
}

/// Words that stand side by side, and how often.
fn pairs<'a>(places: &BTreeMap<u16, Vec<&'a str>>) -> BTreeMap<[&'a str; 2], u32> {
    let mut pairs = BTreeMap::new();
    for (position, before) in places {
        let after = position.checked_add(1).and_then(|next| places.get(&next));
        for &second in after.into_iter().flatten() {
            for &first in before {
                *pairs.entry([first, second]).or_insert(0) += 1;
            }
        }
    }
    pairs
}

impl Sums {
    /// Adds a word or a pair that the text has so many times.
    fn add(&mut self, feature: &[&str], times: u32) {
        // No lexeme has a space in it, so a pair never hashes as a word does.
        let hash = Sha256::digest(feature.join(" "));
        let weight = (ONCE * (1.0 + f64::from(times).ln())).round() as i64;
        let index = usize::from(u16::from_le_bytes([hash[0], hash[1]])) % EMBEDDING_DIMENSION;
        self.0[index] += if hash[2] & 1 == 0 { weight } else { -weight };
    }

    fn normalised(&self) -> Vec<f32> {
        let squares: i64 = self.0.iter().map(|sum| sum * sum).sum();
        let length = (squares as f64).sqrt();
        self.0.iter().map(|&sum| (sum as f64 / length) as f32).collect()
    }
}
