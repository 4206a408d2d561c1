//! `noted up` as a person starts it: how soon a note that was saved has its vectors.
#![expect(clippy::print_stdout, reason = "how soon it was is the result of a run")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use noted::config::ConfigFile;
use noted::local::folders::Folders;
use noted_tests::world::{checkout, eventually};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Notes that are saved one after the other.
const SAVES: usize = 20;
/// Longer than it takes on any machine; two seconds are promised.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running `noted up` in a project of its own, with data of its own.
struct Up {
    process: Child,
    project: TempDir,
}

impl Up {
    fn start() -> Self {
        let project = tempfile::tempdir().unwrap();
        std::fs::copy(checkout().join("spin.toml"), project.path().join("spin.toml")).unwrap();
        // Where its components are.
        std::os::unix::fs::symlink(checkout().join("target"), project.path().join("target")).unwrap();
        let mut program = Command::new(Path::new(env!("CARGO_BIN_EXE_conformance")).with_file_name("noted"));
        for variable in ["DATABASE_URL", "VOYAGE_API_KEY", "VOYAGE_BASE_URL", "VOYAGE_MODEL"] {
            program.env_remove(variable);
        }
        let process = program.args(["up", "--listen", "127.0.0.1:0"]).current_dir(project.path()).stderr(Stdio::null()).spawn().unwrap();
        Self { process, project }
    }

    fn settings(&self) -> Option<(url::Url, String)> {
        let text = std::fs::read_to_string(self.project.path().join(".noted/config.toml")).ok()?;
        let file: ConfigFile = toml::from_str(&text).ok()?;
        Some((file.url?, file.api_key?))
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Ctrl-C: it stops its database and its host.
        let _ = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
        if let Ok(folders) = Folders::of_project(self.project.path()) {
            let _ = std::fs::remove_dir_all(folders.data);
        }
    }
}

async fn data(request: RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    answer.json::<Value>().await.unwrap()["data"].take()
}

#[tokio::test]
async fn a_note_has_its_vectors_soon_after_it_was_saved() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let up = Up::start();
    let (url, key) = eventually("noted up", Duration::from_secs(120), async || up.settings()).await;
    let http = reqwest::Client::new();
    let url = |path: &str| url.join(path).unwrap();
    let mut delays = Vec::new();
    for number in 1..=SAVES {
        let body = json!({ "title": "A note", "content": format!("thought number {number}") });
        let save = http.post(url("/v1/notes")).header("Idempotency-Key", number.to_string()).bearer_auth(&key).json(&body);
        data(save).await;
        let saved = Instant::now();
        eventually("a vector", PATIENCE, async || {
            let status = data(http.get(url("/v1/embeddings")).bearer_auth(&key)).await;
            (status["embeddings"]["notes"]["completed"] == number).then_some(())
        })
        .await;
        delays.push(saved.elapsed());
    }
    delays.sort();
    println!("from save to vector: median {:.2?}, slowest {:.2?} of {SAVES}", delays[SAVES / 2], delays[SAVES - 1]);
}
