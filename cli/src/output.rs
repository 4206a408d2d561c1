//! What a person reads: sizes, times, tables, progress. What a program reads is JSON, one value a command.

use std::borrow::Cow;
use std::io::Write;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// Prints one JSON value to standard output.
///
/// # Errors
/// When standard output is closed.
pub fn json(value: &impl Serialize) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{}", serde_json::to_string_pretty(value)?)?;
    Ok(())
}

/// Prints one line to standard output. Unlike `println!` it reports a closed pipe instead of panicking, and what a note, a name or a server put into
/// the line cannot steer the terminal.
///
/// # Errors
/// When standard output is closed.
pub fn line(text: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{}", clean(text))?;
    Ok(())
}

/// A text in which what steers a terminal, or the order in which it is read, is written out.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    let steers = |character: char| {
        character != '\t' && character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            cleaned.extend(character.escape_unicode());
        } else {
            cleaned.push(character);
        }
    }
    Cow::Owned(cleaned)
}

/// Rows under a header, columns as wide as their longest cell.
///
/// # Errors
/// When standard output is closed.
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> Result<()> {
    let mut widths = header.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let print = |cells: &[&str]| {
        let padded: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(padded.join("  ").trim_end())
    };
    print(&header)?;
    rows.iter().try_for_each(|row| print(&row.each_ref().map(String::as_str)))
}

/// A bar on standard error, invisible where standard error is no terminal or the output is for a program.
#[must_use]
pub fn bar(visible: bool) -> ProgressBar {
    if !visible {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len} {per_sec:.dim} {elapsed:.dim}");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar
}

/// Shows a step while it runs, and one line when it is done. The step answers what to say about it.
///
/// # Errors
/// Those of the step; then the line is missing and the error speaks.
pub async fn step<T>(title: &str, work: impl Future<Output = Result<(T, String)>>) -> Result<T> {
    let spinner = ProgressBar::new_spinner().with_message(title.to_owned());
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    let started = std::time::Instant::now();
    let outcome = work.await;
    spinner.finish_and_clear();
    let (value, said) = outcome?;
    eprintln!("  ✓ {title}: {said} ({:.1} s)", started.elapsed().as_secs_f64());
    Ok(value)
}

/// A size as people write it: `512 B`, `9.1 kB`, `5.9 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

/// `1 note`, `2 notes`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::{clean, count, size};

    #[test]
    fn nothing_steers_the_terminal() {
        for text in ["\u{1b}]52;c;cm0=\u{7}", "\u{1b}[2J", "a\rb", "two\nlines", "\u{9b}31m", "\u{202e}gpj.exe", "\u{2066}x\u{2069}"] {
            let cleaned = clean(text);
            assert!(cleaned.is_ascii() && !cleaned.contains(char::is_control), "{cleaned:?}");
        }
        assert_eq!(clean("plain\ttext \u{1f468}\u{200d}\u{1f469} \u{5e9}"), "plain\ttext \u{1f468}\u{200d}\u{1f469} \u{5e9}");
    }

    #[test]
    fn sizes_read_well() {
        for (bytes, expected) in
            [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (9_123, "9.1 kB"), (999_960, "1.0 MB"), (5_900_000, "5.9 MB")]
        {
            assert_eq!(size(bytes), expected);
        }
        assert_eq!((count(1, "note"), count(0, "note")), ("1 note".to_owned(), "0 notes".to_owned()));
    }
}
