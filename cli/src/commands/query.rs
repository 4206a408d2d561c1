//! `noted query "..."`: what the workspace's notes answer.

use anyhow::Result;
use clap::{Args, ValueEnum};
use noted_shared::limits;
use noted_shared::wire::{Degraded, RagQuery, RagReply, RagResult, SearchFilter, SearchMode};

use crate::config::Connection;
use crate::output;

/// Lines of a result that are shown; `--json` has all of it.
const LINES_SHOWN: usize = 8;
/// Characters of a line that are shown.
const WIDTH: usize = 110;

/// How to look for answers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Mode {
    /// Words and meaning together
    Hybrid,
    /// Meaning alone
    Vector,
    /// Words alone; nothing leaves the database
    Text,
}

impl From<Mode> for SearchMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Hybrid => Self::Hybrid,
            Mode::Vector => Self::Vector,
            Mode::Text => Self::Text,
        }
    }
}

/// Arguments of `noted query`.
#[derive(Debug, Args)]
#[command(
    after_help = "A note must have words in \"quotes\", and must not have -word; everything else may occur, and the best matches come first.
What follows a minus is an option of a command, and not left out, if it has one or two letters or if a note has it so.

Example:
  noted query 'how are breaking changes to the language introduced?'"
)]
pub struct QueryArguments {
    /// The question, up to 500 characters
    #[arg(allow_hyphen_values = true)]
    pub question: String,
    /// Results at most
    #[arg(short, long, default_value_t = limits::RAG_RESULTS_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub k: u32,
    /// How to look
    #[arg(long, value_enum, default_value_t = Mode::Hybrid)]
    pub mode: Mode,
    /// The least similarity (0 to 1) of what only its meaning found [default: what suits the model]
    #[arg(long, value_name = "NUMBER")]
    pub threshold: Option<f64>,
    /// Only notes whose path begins so
    #[arg(long, value_name = "PREFIX")]
    pub path: Option<String>,
    /// Print the whole answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the server cannot be used or refuses the question.
pub async fn run(arguments: &QueryArguments, connection: &Connection) -> Result<()> {
    let api = connection.resolve(".".as_ref())?.client()?;
    let query = RagQuery {
        query: arguments.question.clone(),
        k: arguments.k,
        similarity_threshold: arguments.threshold,
        mode: arguments.mode.into(),
        filters: SearchFilter { path_prefix: arguments.path.clone(), ..SearchFilter::default() },
        token_budget: limits::RAG_TOKENS_MAX,
    };
    let reply = api.query(&query).await?;
    if arguments.json { output::json(&reply) } else { print(&reply) }
}

fn print(reply: &RagReply) -> Result<()> {
    for (place, result) in reply.results.iter().enumerate() {
        print_result(place + 1, result)?;
    }
    output::line(&format!(
        "{} in {} ms{}",
        output::count(reply.results.len(), "note"),
        reply.query_time_ms,
        if reply.cached { ", as a moment ago" } else { "" }
    ))?;
    if let [excluded @ .., last] = reply.understood.excluded.as_slice() {
        let all = excluded.iter().map(|word| format!("\"{word}\", ")).collect::<String>();
        eprintln!("note: notes with {all}\"{last}\" were left out");
    }
    if reply.held_back > 0 {
        let held_back = output::count(reply.held_back as usize, "note");
        eprintln!("note: {held_back} held back as too little alike; a lower --threshold shows them");
    }
    if let Some(reason) = reply.degraded_reason {
        eprintln!("note: only words were searched: {}", explained(reason));
    }
    if reply.pending_count > 0 {
        eprintln!("note: {} without vectors yet, found by words alone", output::count(pending(reply), "note"));
    }
    Ok(())
}

fn pending(reply: &RagReply) -> usize {
    usize::try_from(reply.pending_count).unwrap_or_default()
}

fn print_result(place: usize, result: &RagResult) -> Result<()> {
    let mut heading = vec![result.title.as_str()];
    heading.extend(result.heading_path.iter().map(String::as_str).filter(|section| *section != result.title));
    output::line(&format!("{place}. {}", heading.join(" → ")))?;
    let path = result.ide_file_path.as_ref().map_or_else(|| result.note_id.to_string(), ToString::to_string);
    output::line(&format!("   {path}  ({})", why(result)))?;
    let mut lines = result.content.lines().filter(|line| !line.trim().is_empty());
    for line in lines.by_ref().take(LINES_SHOWN) {
        let shown: String = line.chars().take(WIDTH).collect();
        output::line(&format!("     {shown}{}", if shown.len() < line.len() { "…" } else { "" }))?;
    }
    if lines.next().is_some() {
        output::line("     …")?;
    }
    output::line("")
}

/// Why a result is where it is.
fn why(result: &RagResult) -> String {
    let words = result.words_rank.map(|rank| format!("words: {}", ordinal(rank)));
    let meaning =
        result.vector_rank.map(|rank| format!("meaning: {}, similarity {:.2}", ordinal(rank), result.similarity.unwrap_or_default()));
    words.into_iter().chain(meaning).collect::<Vec<_>>().join("; ")
}

fn ordinal(rank: i32) -> String {
    let ending = match (rank % 10, rank % 100) {
        (1, 1..=10 | 21..) => "st",
        (2, 1..=10 | 21..) => "nd",
        (3, 1..=10 | 21..) => "rd",
        _ => "th",
    };
    format!("{rank}{ending}")
}

fn explained(reason: Degraded) -> &'static str {
    match reason {
        Degraded::NoConsent => "AI processing is off in this workspace; `noted embed consent --on` turns it on",
        Degraded::NoVectors => "no vector has come yet; `noted embed status` shows how far they are",
        Degraded::Provider => "the provider of embeddings did not answer in time",
    }
}

#[cfg(test)]
mod tests {
    use super::ordinal;

    #[test]
    fn ranks_read_well() {
        let read: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 22, 50].map(ordinal).into();
        assert_eq!(read, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "50th"]);
    }
}
