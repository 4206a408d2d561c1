//! How well questions are answered, through the running bundle: documents are written, embedded and asked for, like a user's.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use noted::output;
use noted_shared::domain::ContentHash;
use noted_tests::client::Client;
use noted_tests::known_items::{Document, KnownItem, known_items};
use noted_tests::world::World;
use serde_json::{Value, json};
use url::Url;

/// Notes of one batch.
const BATCH: usize = 50;
/// Results that are looked at.
const DEPTH: usize = 10;
/// Times that a question is asked before it counts as one that the provider cannot answer in time.
const TRIES: usize = 60;

/// Ask questions whose answers are known, and tell how often and how high they were found.
#[derive(Parser)]
struct Arguments {
    /// A folder of markdown files with summaries
    #[arg(long, default_value = "../shared/corpus/rust-rfcs", value_name = "DIR")]
    corpus: PathBuf,
    /// A provider of embeddings in the form of Voyage AI, such as http://127.0.0.1:3999/v1 [default: the built-in stand-in]
    #[arg(long, value_name = "URL")]
    provider: Option<Url>,
    /// The model to ask it for
    #[arg(long, default_value = "voyage-3.5", requires = "provider")]
    model: String,
    /// Ask only so many questions
    #[arg(long, value_name = "NUMBER")]
    questions: Option<usize>,
    /// Ask with only so many words out of the middle of each, as people do
    #[arg(long, value_name = "NUMBER")]
    words: Option<usize>,
}

/// How one way of searching did.
#[derive(Default)]
struct Score {
    reciprocal_ranks: f64,
    within_5: usize,
    within_10: usize,
    times_ms: Vec<f64>,
    /// How alike to their questions the right answers are, and whatever else was found.
    right: Vec<f64>,
    wrong: Vec<f64>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> Result<()> {
    let (documents, mut items) = known_items(&arguments.corpus)?;
    ensure!(!items.is_empty(), "no file in {} has a summary", arguments.corpus.display());
    items.truncate(arguments.questions.unwrap_or(items.len()));
    if let Some(words) = arguments.words {
        items.iter_mut().for_each(|item| item.question = middle(&item.question, words));
    }
    eprintln!("{} documents, {} questions", documents.len(), items.len());

    let world = match &arguments.provider {
        Some(provider) => World::with_provider(provider, &arguments.model).await?,
        None => World::start().await?,
    };
    let client = world.asker().await;
    write(&client, &documents).await?;
    embed(&world, &client).await?;

    let mut rows = Vec::new();
    for mode in ["text", "vector", "hybrid"] {
        let score = ask_all(&client, &items, mode).await?;
        let share = |found: usize| format!("{:.3}", found as f64 / items.len() as f64);
        let mrr = format!("{:.3}", score.reciprocal_ranks / items.len() as f64);
        let [median, p95] = [50, 95].map(|percent| format!("{:.1}", percentile(&score.times_ms, percent)));
        if mode == "vector" {
            let [low, middle] = [5, 50].map(|percent| percentile(&score.right, percent));
            let [others, high] = [50, 95].map(|percent| percentile(&score.wrong, percent));
            eprintln!(
                "similarity: of the right answers p5 {low:.2}, median {middle:.2}; of what else was found median {others:.2}, p95 {high:.2}"
            );
        }
        rows.push([mode.to_owned(), mrr, share(score.within_5), share(score.within_10), median, p95]);
    }
    output::table(["mode", "MRR@10", "recall@5", "recall@10", "median ms", "p95 ms"], &rows)
}

/// So many words out of the middle of a text.
fn middle(text: &str, count: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let begin = words.len().saturating_sub(count) / 2;
    words[begin..].iter().take(count).copied().collect::<Vec<_>>().join(" ")
}

async fn write(client: &Client, documents: &[Document]) -> Result<()> {
    let bar = bar("written", documents.len());
    for batch in documents.chunks(BATCH) {
        let notes: Vec<Value> = batch
            .iter()
            .map(|document| {
                json!({
                    "idempotency_key": document.title, "sync_origin_id": "eval", "title": document.title, "content": document.text,
                    "content_sha256": ContentHash::of(&document.text), "ide_file_path": format!("{}.md", document.title),
                    "ide_last_modified": "2026-01-01T00:00:00Z",
                })
            })
            .collect();
        let answer = client.post("/v1/ide-sync/batch", &json!({ "notes": notes })).await;
        ensure!(answer.status == 200, "a batch was refused: {}", answer.body);
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Runs the worker until nothing waits.
async fn embed(world: &World, client: &Client) -> Result<()> {
    let started = Instant::now();
    let bar = bar("embedded", 0);
    loop {
        world.run_round().await;
        let embeddings = client.get("/v1/embeddings").await.data(200)["embeddings"].clone();
        let notes = &embeddings["notes"];
        let (total, completed) = (notes["total"].as_u64().unwrap_or_default(), notes["completed"].as_u64().unwrap_or_default());
        bar.set_length(total);
        bar.set_position(completed);
        ensure!(notes["failed_permanently"] == 0, "notes were given up: {}", embeddings["failures"]);
        if completed == total {
            bar.finish_and_clear();
            eprintln!("{} chunks embedded in {:.0} s", embeddings["chunks"], started.elapsed().as_secs_f64());
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn ask_all(client: &Client, items: &[KnownItem], mode: &str) -> Result<Score> {
    let bar = bar(mode, items.len());
    let mut score = Score::default();
    for item in items {
        let (answer, time_ms) = ask(client, item, mode).await?;
        score.times_ms.push(time_ms);
        let results = answer["results"].as_array().context("results")?;
        for result in results {
            let is_right = result["title"] == item.answer.as_str();
            let similarities = if is_right { &mut score.right } else { &mut score.wrong };
            similarities.extend(result["similarity"].as_f64());
        }
        if let Some(place) = results.iter().position(|result| result["title"] == item.answer.as_str()) {
            score.reciprocal_ranks += 1.0 / (place + 1) as f64;
            score.within_5 += usize::from(place < 5);
            score.within_10 += 1;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    for figures in [&mut score.times_ms, &mut score.right, &mut score.wrong] {
        figures.sort_by(f64::total_cmp);
    }
    Ok(score)
}

/// The whole answer to a question, and how long it took. A provider that is slow once is asked again.
async fn ask(client: &Client, item: &KnownItem, mode: &str) -> Result<(Value, f64)> {
    let body = json!({ "query": item.question, "k": DEPTH, "mode": mode, "similarity_threshold": 0 });
    for tried in 1..=TRIES {
        let started = Instant::now();
        let answer = client.post("/v1/rag-query", &body).await;
        let time_ms = started.elapsed().as_secs_f64() * 1000.0;
        let answer = answer.data(200);
        if answer["degraded"] == false {
            return Ok((answer, time_ms));
        }
        eprintln!("only words were searched, {}: try {tried} of {TRIES}", answer["degraded_reason"]);
        // Whoever failed is left alone for a while.
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    bail!("{:?} was never answered whole", item.question)
}

/// Of figures in order.
fn percentile(figures: &[f64], percent: usize) -> f64 {
    figures.get((figures.len() * percent / 100).min(figures.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn bar(what: &str, length: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("  {msg} {wide_bar} {pos}/{len} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64).with_style(style).with_message(what.to_owned())
}
