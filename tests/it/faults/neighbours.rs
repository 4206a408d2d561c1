//! What one workspace does to the worker, and what the others notice of it: nothing.

use noted_tests::client::{Client, id_of};
use noted_tests::world::World;
use serde_json::{Value, json};

use super::alone;

/// A note whose text came back out of the database, so that it is left to the worker.
async fn left_to_the_worker(client: &Client, path: &str, content: &str) -> Value {
    let note = client.note(path, content).await;
    client.delete(id_of(&note)).await.data(200);
    client.post(&format!("/v1/notes/{}/restore", id_of(&note)), &Value::Null).await.data(200)["note"].clone()
}

async fn is_found(client: &Client, word: &str) -> bool {
    client.get(&format!("/v1/notes/search?q={word}")).await.data(200)["results"].as_array().is_some_and(|results| !results.is_empty())
}

/// From now on the database refuses to store anything in this table for this workspace.
async fn poison(world: &World, table: &str, client: &Client) {
    let statement = format!(
        "alter table search.{table} add constraint poisoned_{table} check (workspace_id <> '{}') not valid",
        client.key.workspace_id
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut world.superuser().await).await.unwrap();
}

#[tokio::test]
async fn a_note_that_cannot_be_cut_holds_up_no_other_note() {
    let (_turn, world) = alone().await;
    let (poisoned, other) = (world.tenant().await, world.tenant().await);
    left_to_the_worker(&poisoned, "a.md", "unfortunate").await;
    poison(&world, "chunks", &poisoned).await;
    left_to_the_worker(&other, "a.md", "fortunate").await;
    world.run_jobs().await;
    assert!(is_found(&other, "fortunate").await && !is_found(&poisoned, "unfortunate").await);
    // Nor in the next round, and what is handed out again waits its turn.
    left_to_the_worker(&other, "b.md", "lucky").await;
    world.run_jobs().await;
    assert!(is_found(&other, "lucky").await);
}

#[tokio::test]
async fn a_workspace_whose_words_cannot_be_counted_holds_up_no_other() {
    let (_turn, world) = alone().await;
    let (poisoned, other) = (world.tenant().await, world.tenant().await);
    for client in [&poisoned, &other] {
        for number in 0..30 {
            client.note(&format!("{number}.md"), &format!("common word{number}")).await;
        }
    }
    poison(&world, "lexemes", &poisoned).await;
    world.run_jobs().await;
    let counted = "select counted_chunks, (select count(*) from search.lexemes as lexeme
        where lexeme.workspace_id = known.workspace_id and lexeme.side = known.lexemes_side), (select failures from search.slices as slice
        where slice.workspace_id = known.workspace_id and slice.task = 'count') from search.workspaces as known where workspace_id = $1";
    let counted = async |client: &Client| -> (i64, i64, Option<i32>) {
        sqlx::query_as(counted).bind(client.key.workspace_id).fetch_one(&mut world.superuser().await).await.unwrap()
    };
    let (chunks, words, failures) = counted(&other).await;
    assert!(chunks >= 60 && words > 30 && failures.is_none(), "{chunks} chunks, {words} words");
    let (chunks, _, failures) = counted(&poisoned).await;
    assert!(chunks == 0 && failures.is_some_and(|failures| failures >= 1), "{chunks} chunks, {failures:?} failures");
    assert!(is_found(&poisoned, "word7").await, "what was never counted is found");
    poisoned.note("after.md", "its own writers do not wait").await;
}

#[tokio::test]
async fn counting_in_slices_counts_every_chunk_once() {
    let (_turn, world) = alone().await;
    let client = world.tenant().await;
    let section = |number: usize| format!("## Part {number}\n\n{}\n\n", format!("everywhere here{number} ").repeat(60));
    let long: String = (0..700).map(section).collect();
    client.note("long.md", &long).await;
    world.run_jobs().await;
    let word = "select lexeme.chunks::bigint, (select count(*) from search.chunks as chunk
          where chunk.workspace_id = known.workspace_id and chunk.words @@ quote_literal(known.number || ':everywher')::tsquery)
        from search.workspaces as known join search.lexemes as lexeme on lexeme.workspace_id = known.workspace_id
          and lexeme.side = known.lexemes_side and lexeme.lexeme = known.number || ':everywher' where known.workspace_id = $1";
    let (counted, there): (i64, i64) =
        sqlx::query_as(word).bind(client.key.workspace_id).fetch_one(&mut world.superuser().await).await.unwrap();
    assert!(counted == there && there > 400, "{counted} of {there} chunks");
    let left = "select count(*) from search.slices where workspace_id = $1";
    let left: i64 = sqlx::query_scalar(left).bind(client.key.workspace_id).fetch_one(&mut world.superuser().await).await.unwrap();
    assert_eq!(json!(left), json!(0));
}

#[tokio::test]
async fn whoever_has_much_to_embed_takes_turns_with_whoever_has_little() {
    let (_turn, world) = alone().await;
    let (busy, other) = (world.asker().await, world.asker().await);
    for number in 0..60 {
        busy.note(&format!("{number}.md"), &format!("the many notes, number {number}")).await;
    }
    let late = other.note("late.md", "one note that came last").await;
    let (claimed, _): (Value, Value) = sqlx::query_as("select notes, texts from search.claim('noted-local', 16, 256)")
        .fetch_one(&mut world.superuser().await)
        .await
        .unwrap();
    let claimed: Vec<&str> = claimed.as_array().unwrap().iter().map(|note| note["note_id"].as_str().unwrap()).collect();
    assert_eq!(claimed.len(), 16);
    assert!(claimed.contains(&id_of(&late)), "{claimed:?}");
}
