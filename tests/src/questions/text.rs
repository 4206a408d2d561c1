//! Texts for notes and questions: common words that every workspace has, and words that were never written before.

use std::fmt::Write;
use std::sync::Arc;

use fastrand::Rng;

/// What everybody writes about.
const COMMON: [&str; 36] = [
    "anchor", "border", "cactus", "dragon", "engine", "fabric", "garden", "hammer", "island", "jacket", "kettle", "ladder", "magnet",
    "napkin", "orange", "packet", "quartz", "ribbon", "saddle", "tunnel", "umbrella", "velvet", "walnut", "yellow", "zipper", "bottle",
    "candle", "donkey", "forest", "guitar", "harbor", "insect", "jungle", "kitten", "lemon", "mirror",
];
/// Sections that stand in many notes of all workspaces, byte for byte, so that their vectors are of the same texts.
const SHARED: u64 = 6;
/// Without vowels nothing is a stem of anything else.
const LETTERS: &[u8; 16] = b"bcdfghjklmnpqrtv";

/// A part of a note, under a heading of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// The word that no other section has; none where the section itself is in other notes too.
    pub(super) word: Option<String>,
    /// The heading and what stands under it.
    pub(super) text: String,
}

/// A note's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    sections: Vec<Arc<Section>>,
    whole: Arc<str>,
}

/// The word that belongs to this number alone.
pub(super) fn word(mut number: u32) -> String {
    let mut word = "zx".to_owned();
    loop {
        word.push(char::from(LETTERS[(number % 16) as usize]));
        number /= 16;
        if number == 0 {
            return word;
        }
    }
}

/// A few words that many notes have.
pub(super) fn common_words(random: &mut Rng, count: usize) -> String {
    let words: Vec<&str> = (0..count).map(|_| COMMON[random.usize(..COMMON.len())]).collect();
    words.join(" ")
}

impl Section {
    fn new(random: &mut Rng, word: Option<String>) -> Self {
        let mut text = format!("## The {} of the {}\n\n", common_words(random, 1), common_words(random, 1));
        let words = random.usize(10..120);
        let place = random.usize(..words);
        for number in 0..words {
            match &word {
                Some(word) if number == place => text.push_str(word),
                _ => text.push_str(&common_words(random, 1)),
            }
            text.push_str(if number % 12 == 11 { ".\n" } else { " " });
        }
        text.push_str("\n\n");
        Self { word, text }
    }
}

impl Text {
    /// A new text; `fresh` gives words that nobody has written.
    pub(super) fn new(random: &mut Rng, mut fresh: impl FnMut() -> String) -> Self {
        // Most are one chunk, some are several.
        let count = if random.u8(..3) == 0 { random.usize(4..9) } else { random.usize(1..3) };
        // Each has a section of its own.
        let mut sections = vec![Arc::new(Section::new(random, Some(fresh())))];
        while sections.len() < count {
            sections.push(Self::section(random, &mut fresh));
        }
        random.shuffle(&mut sections);
        Self::of(sections)
    }

    /// The text after an edit: a section is new, or new and in another one's place; the others stay as they are.
    pub(super) fn edited(&self, random: &mut Rng, mut fresh: impl FnMut() -> String) -> Self {
        let mut sections = self.sections.clone();
        let place = random.usize(..sections.len());
        let section = Arc::new(Section::new(random, Some(fresh())));
        match random.u8(..4) {
            0 if sections.len() < 10 => sections.insert(place, section),
            1 if sections.len() > 1 => {
                sections.remove(place);
                sections.rotate_left(1);
                sections[0] = section;
            }
            _ => sections[place] = section,
        }
        Self::of(sections)
    }

    fn section(random: &mut Rng, mut fresh: impl FnMut() -> String) -> Arc<Section> {
        Arc::new(match random.u8(..4) {
            0 => Section::new(&mut Rng::with_seed(random.u64(..SHARED)), None),
            _ => Section::new(random, Some(fresh())),
        })
    }

    fn of(sections: Vec<Arc<Section>>) -> Self {
        let whole = sections.iter().fold(String::new(), |mut whole, section| {
            let _ = write!(whole, "{}", section.text);
            whole
        });
        Self { sections, whole: whole.into() }
    }

    /// As it is stored.
    pub(super) fn whole(&self) -> &str {
        &self.whole
    }

    /// The words that only this note has.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().filter_map(|section| section.word.as_deref())
    }

    /// One of its sections, at most `chars_max` characters of it.
    pub(super) fn passage(&self, random: &mut Rng, chars_max: usize) -> String {
        self.sections[random.usize(..self.sections.len())].text.chars().take(chars_max).collect()
    }
}
