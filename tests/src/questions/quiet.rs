//! When nobody writes any more and the worker has nothing left: what lives is found, what went is not, and nothing is left behind.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use noted_shared::wire::SearchMode;

use super::asker::{Door, Question, ask};
use super::{Asked, Workspace};
use crate::world::World;

/// Words that no note has any more, and are asked for, of each workspace.
const GONE_WORDS: usize = 100;

/// Faults of what search keeps of a workspace, by what they are.
const LEFT_BEHIND: [(&str, &str); 5] = [
    (
        "chunks of notes that are deleted",
        "select count(*) from search.chunks as chunk join noted.notes as note on note.workspace_id = chunk.workspace_id and note.id = chunk.note_id
           where chunk.workspace_id = $1 and note.deleted_at is not null",
    ),
    (
        "vectors of texts that no chunk has",
        "select count(*) from search.embeddings as embedding where embedding.workspace_id = $1 and not exists (
           select from search.chunks as chunk where chunk.workspace_id = $1 and chunk.text_hash = embedding.text_hash)",
    ),
    (
        "chunks without a vector",
        "select count(*) from search.chunks as chunk where chunk.workspace_id = $1 and chunk.chunk_index >= 0 and chunk.words_count > 0 and not exists (
           select from search.embeddings as embedding where embedding.workspace_id = $1 and embedding.text_hash = chunk.text_hash)",
    ),
    (
        "notes whose chunks are of another text",
        "select count(*) from noted.notes as note left join search.notes as known on known.workspace_id = $1 and known.note_id = note.id
           where note.workspace_id = $1 and note.deleted_at is null and known.content_sha256 is distinct from note.content_sha256",
    ),
    (
        "chunks and words that are counted wrong",
        "select abs(known.chunks - actual.chunks) + abs(known.words - actual.words) from search.workspaces as known
           cross join (select count(*) as chunks, coalesce(sum(words_count), 0) as words from search.chunks where workspace_id = $1) as actual
           where known.workspace_id = $1",
    ),
];

/// Asks for every note, and for much that is gone.
///
/// # Errors
/// What is not as it must be.
pub(super) async fn check(world: &World, workspaces: &[Workspace]) -> Result<Asked> {
    let mut asked = Asked::default();
    for place in 0..workspaces.len() {
        ask_before_the_worker(workspaces, place).await?;
    }
    world.run_jobs().await;
    for (place, workspace) in workspaces.iter().enumerate() {
        asked += check_workspace(workspaces, place).await?;
        let mut superuser = world.superuser().await;
        for (what, sql) in LEFT_BEHIND {
            let count: Option<i64> = sqlx::query_scalar(sql).bind(workspace.client.key.workspace_id).fetch_optional(&mut superuser).await?;
            ensure!(count == Some(0), "{what} are left: {count:?}");
        }
    }
    Ok(asked)
}

/// Words of notes that came out of the database, while the worker may not have been there: what is answered now must not be answered later.
async fn ask_before_the_worker(workspaces: &[Workspace], place: usize) -> Result<()> {
    for (_, version) in workspaces[place].ledger.all() {
        if version.is_live && !version.is_found_at_once {
            ask(workspaces, place, &Question::for_word(Door::Rag(SearchMode::Text), &version.title_word)).await?;
        }
    }
    Ok(())
}

async fn check_workspace(workspaces: &[Workspace], place: usize) -> Result<Asked> {
    let ledger = &workspaces[place].ledger;
    let mut asked = Asked::default();
    let mut words = BTreeSet::new();
    for (note, version) in ledger.all().into_iter().filter(|(_, version)| version.is_live) {
        for word in version.words() {
            let answered = ask(workspaces, place, &Question::for_word(Door::Search, &word)).await?;
            ensure!(answered.notes == [note], "{word} is in {note} alone, and found in {:?}", answered.notes);
            asked += answered.counted;
            words.insert(word);
        }
        for mode in [SearchMode::Text, SearchMode::Hybrid] {
            // The second answer is the first, kept.
            for _ in 0..2 {
                let answered = ask(workspaces, place, &Question::for_word(Door::Rag(mode), &version.title_word)).await?;
                ensure!(answered.notes.first() == Some(&note), "{} is in {note}, and found in {:?}", version.title_word, answered.notes);
                asked += answered.counted;
            }
        }
    }
    let gone: BTreeSet<String> = ledger.words().into_iter().filter(|word| !words.contains(word)).collect();
    for word in gone.iter().step_by(gone.len().div_ceil(GONE_WORDS).max(1)) {
        let answered = ask(workspaces, place, &Question::for_word(Door::Search, word)).await?;
        ensure!(answered.notes.is_empty(), "{word} is in no note any more, and found in {:?}", answered.notes);
        asked += answered.counted;
        // Others may be near, but nothing that is gone.
        asked += ask(workspaces, place, &Question::for_word(Door::Rag(SearchMode::Vector), word)).await?.counted;
    }
    Ok(asked)
}
