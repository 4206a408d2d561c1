//! Conflicts of notes of one megabyte that have to be merged, beside the same updates without a conflict: what merging costs at its worst.
//!
//! Each case is one for which comparing lines is known to be slow, or just below the bound from which it is not done any more.

use std::time::Instant;

use anyhow::{Result, ensure};
use noted_shared::domain::{Content, ContentHash, OriginId};
use noted_shared::limits;
use serde::Serialize;

use crate::large::{ask, create, note_of, percentile, update};
use crate::load::{Connection, Target};

/// Room for what a merge adds to a text, markers too, so that it is never refused for its size.
const ROOM_BYTES: usize = 64 * 1024;

/// What one case took.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MergeFigures {
    pub(crate) case: &'static str,
    pub(crate) repetitions: usize,
    /// Whether both texts could be brought together: then that was written, and else the answer was a conflict.
    pub(crate) is_clean: bool,
    /// An update of the same size that met no other.
    pub(crate) plain_p50_ms: f64,
    pub(crate) plain_p95_ms: f64,
    pub(crate) merged_p50_ms: f64,
    pub(crate) merged_p95_ms: f64,
}

impl MergeFigures {
    /// What the merge costs above the same request without one.
    pub(crate) fn above_ms(&self) -> f64 {
        self.merged_p95_ms - self.plain_p95_ms
    }
}

/// Three texts: what both sides grew from, and the two sides.
struct Case {
    name: &'static str,
    base: Content,
    theirs: Content,
    mine: Content,
}

/// Measures each case so many times.
pub(crate) async fn measure(target: &Target, key: &str, repetitions: usize) -> Result<Vec<MergeFigures>> {
    let mut connection = Connection::open(target).await?;
    let mut figures = Vec::new();
    for case in cases()? {
        figures.push(case.measure(&mut connection, target, key, repetitions).await?);
    }
    Ok(figures)
}

impl Case {
    async fn measure(&self, connection: &mut Connection, target: &Target, key: &str, repetitions: usize) -> Result<MergeFigures> {
        let (theirs, mine) = (OriginId::parse("noted-bench-theirs")?, OriginId::parse("noted-bench-mine")?);
        let path = format!("{}.md", self.name);
        let mut note = ask(connection, create(target, key, &path, &self.base)?, 201).await?;
        let (mut plain_ms, mut merged_ms, mut is_clean) = (Vec::new(), Vec::new(), false);
        for _ in 0..repetitions {
            let put = |content, seen, origin| update(target, key, note.id, content, (seen, origin));
            let base = ask(connection, put(&self.base, note.version_vector.clone(), &theirs)?, 200).await?;
            let request = put(&self.theirs, base.version_vector.clone(), &theirs)?;
            let begin = Instant::now();
            let newer = ask(connection, request, 200).await?;
            plain_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
            let mut request = put(&self.mine, base.version_vector, &mine)?;
            let begin = Instant::now();
            let answer = connection.ask(request.numbered(0)).await?;
            merged_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
            ensure!(matches!(answer.status, 200 | 409), "{}: {} {}", self.name, answer.status, String::from_utf8_lossy(&answer.body));
            is_clean = answer.status == 200;
            note = if is_clean { note_of(&answer.body)? } else { newer };
        }
        plain_ms.sort_by(f64::total_cmp);
        merged_ms.sort_by(f64::total_cmp);
        Ok(MergeFigures {
            case: self.name,
            repetitions,
            is_clean,
            plain_p50_ms: percentile(&plain_ms, 50),
            plain_p95_ms: percentile(&plain_ms, 95),
            merged_p50_ms: percentile(&merged_ms, 50),
            merged_p95_ms: percentile(&merged_ms, 95),
        })
    }

    fn of(name: &'static str, [base, theirs, mine]: [String; 3]) -> Result<Self> {
        Ok(Self { name, base: Content::parse(base)?, theirs: Content::parse(theirs)?, mine: Content::parse(mine)? })
    }
}

fn cases() -> Result<Vec<Case>> {
    Ok(vec![
        Case::of("identical lines, one changed by each", identical_lines(1))?,
        Case::of("identical lines, 40 changed by each", identical_lines(40))?,
        Case::of("single lines, as many changed as are compared", single_lines(80))?,
        Case::of("single lines, more changed than are compared", single_lines(2_000))?,
        Case::of("nothing in common, as long as is compared", nothing_in_common(1_200))?,
        Case::of("nothing in common, longer than is compared", nothing_in_common(8_000))?,
        Case::of("8,000 lines shuffled by each", shuffled(8_000))?,
    ])
}

/// The shortest lines, so that there are as many as there can be. Both sides change some of them, in turn and over the whole text.
fn identical_lines(changes: usize) -> [String; 3] {
    edited(changes, (limits::CONTENT_BYTES_MAX - ROOM_BYTES) / 2, |_| "x\n".to_owned())
}

/// Lines of 64 characters that each text has once.
fn single_lines(changes: usize) -> [String; 3] {
    edited(changes, (limits::CONTENT_BYTES_MAX - ROOM_BYTES) / 65, |place| format!("{}\n", ContentHash::of(&place.to_string())))
}

/// A text, and two sides that have each changed so many lines of it, never the same nor neighbours.
fn edited(changes: usize, lines: usize, line: impl Fn(usize) -> String) -> [String; 3] {
    let step = lines / changes;
    let side = |whose: &str, first: usize| {
        let is_changed = |place: usize| !whose.is_empty() && place % step == first && place / step < changes;
        (0..lines).map(|place| if is_changed(place) { format!("{whose} {place}\n") } else { line(place) }).collect()
    };
    [side("", 0), side("theirs", step / 4), side("mine", step / 4 * 3)]
}

/// Three texts of so many lines.
fn nothing_in_common(lines: usize) -> [String; 3] {
    // The markers and both sides of a conflict have to fit into one text.
    let width = (limits::CONTENT_BYTES_MAX - ROOM_BYTES) / 2 / lines;
    ["base", "theirs", "mine"]
        .map(|whose| (0..lines).map(|place| format!("{:<width$}\n", format!("{whose} {place}"), width = width - 1)).collect())
}

/// The same lines in three orders. A step that shares no divisor with the number of lines visits each of them once.
fn shuffled(lines: usize) -> [String; 3] {
    let line = |place: usize| format!("{}\n", ContentHash::of(&(place % lines).to_string()));
    [1, 3_457, 5_741].map(|step| (0..lines).map(|place| line(place * step)).collect())
}
