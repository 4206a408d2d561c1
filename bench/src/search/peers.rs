//! Other programs that search vectors, over the very vectors of a workspace: how many of the ten nearest they find, and how many questions a second.
//!
//! They are libraries in the process that asks, without a network, tenants, words or a log that survives a crash; what is beside them is a server.
//! They come from PyPI into an environment of their own, with versions that `requirements.txt` beside this file names.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tokio::process::Command;

use super::filled::Filled;

const SCRIPT: &str = include_str!("peers.py");
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// Dimensions of a vector.
const DIMENSION: usize = 1_024;

/// What one program did.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct PeerFigures {
    pub(crate) name: String,
    /// Until all vectors could be searched.
    pub(crate) build_s: f64,
    pub(crate) questions_per_second: f64,
    pub(crate) recall_at_10: f64,
}

/// Asks every program as many questions.
pub(super) async fn measure(filled: &Filled, questions: usize, superuser: &mut PgConnection, folder: &Path) -> Result<Vec<PeerFigures>> {
    let environment = folder.join("peers");
    let python = environment.join("bin/python");
    if !python.is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment)).await?;
    }
    std::fs::write(environment.join("requirements.txt"), REQUIREMENTS)?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(environment.join("requirements.txt"))).await?;

    let vectors = tempfile::NamedTempFile::new_in(folder)?;
    write_vectors(filled, superuser, vectors.as_file()).await?;
    let mut script = Command::new(&python);
    script.args(["-c", SCRIPT]).arg(vectors.path()).args([DIMENSION, questions].map(|number| number.to_string()));
    run(&mut script).await?.lines().map(|line| serde_json::from_str(line).context("a peer's figures")).collect()
}

async fn write_vectors(filled: &Filled, superuser: &mut PgConnection, file: &std::fs::File) -> Result<()> {
    let mut file = std::io::BufWriter::new(file);
    let all = "select embedding::vector::real[] from search.embeddings where workspace_id = $1 order by text_hash";
    let mut rows = sqlx::query_scalar::<_, Vec<f32>>(all).bind(filled.workspace).fetch(superuser);
    while let Some(vector) = rows.try_next().await? {
        ensure!(vector.len() == DIMENSION, "a vector of {} dimensions", vector.len());
        for part in vector {
            file.write_all(&part.to_le_bytes())?;
        }
    }
    Ok(file.flush()?)
}

async fn run(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::piped()).kill_on_drop(true).output().await.context("cannot run python3; is it on PATH?")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?)
}
