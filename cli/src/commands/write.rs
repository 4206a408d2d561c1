//! `noted write FILE`: a note, written as an agent writes it.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use noted_shared::domain::{Content, ContentHash, NoteId, Title};
use noted_shared::wire::{AgentMetadata, AgentNote};

use crate::config::Connection;
use crate::output;

/// Arguments of `noted write`.
#[derive(Debug, Args)]
#[command(
    after_help = "The text is held against the rules for agents, whoever writes it: sound markdown, at least 50 characters, at most 100 KB, sources that
were given, no note that says the same already. What is refused is told with its line, and can be written again.

Examples:
  noted write decision.md --model claude --context 0197...
  echo '...' | noted write - --title 'How we deploy'"
)]
pub struct WriteArguments {
    /// A markdown file, or - for standard input
    pub file: PathBuf,
    /// The title [default: the first heading of the first level, the front matter's, any heading or the first line]
    #[arg(long)]
    pub title: Option<String>,
    /// Replace the text of this note
    #[arg(long, value_name = "ID", requires = "if_version")]
    pub note: Option<String>,
    /// The version of that note that was read
    #[arg(long, value_name = "NUMBER", requires = "note")]
    pub if_version: Option<i64>,
    /// The model that wrote it
    #[arg(long, value_name = "NAME", env = "NOTED_AGENT_MODEL", default_value = "unknown")]
    pub model: String,
    /// Id of a note that the model was given, as [1], [2] and so on cite them; may be repeated
    #[arg(long = "context", value_name = "ID")]
    pub context: Vec<String>,
    /// Write it though another note says the same
    #[arg(long)]
    pub allow_duplicate: bool,
    /// Print the note as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be read, the server cannot be used, or the text breaks a rule.
pub async fn run(arguments: &WriteArguments, connection: &Connection) -> Result<()> {
    let api = connection.resolve(".".as_ref())?.client()?;
    let text = read(&arguments.file)?;
    let content = Content::parse(text).map_err(|wrong| anyhow::anyhow!("the text {}", wrong.reason))?;
    let title = arguments.title.as_deref().map(Title::parse).transpose().map_err(|wrong| anyhow::anyhow!("--title {}", wrong.reason))?;
    let note_id = arguments.note.as_deref().map(NoteId::parse).transpose().map_err(|wrong| anyhow::anyhow!("--note {}", wrong.reason))?;
    let note = AgentNote {
        note_id,
        title,
        content_sha256: ContentHash::of(content.as_str()),
        content,
        ide_file_path: None,
        folder_id: None,
        tags: None,
        if_version: arguments.if_version,
        metadata: AgentMetadata {
            agent_model: Some(arguments.model.clone()),
            agent_name: None,
            agent_version: None,
            generation_prompt: None,
            confidence_score: None,
            rag_context_ids: arguments.context.clone(),
            generation_timestamp: None,
            allow_duplicate: arguments.allow_duplicate,
        },
        sync_origin_id: None,
    };
    let reply = api.write_note(&note).await?;
    if arguments.json {
        return output::json(&reply);
    }
    output::line(&format!("{}  version {}  {}", reply.note_id, reply.version, reply.note.title))
}

fn read(file: &Path) -> Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("standard input is not UTF-8 text")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(text)
}
