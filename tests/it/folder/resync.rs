//! A folder that was away for longer than deletions are remembered: what is gone goes, and what was changed since stays.

use noted_tests::client::id_of;
use noted_tests::world::shared;

use super::{json as json_of, name, noted, on_disk, on_server, read, stdout, write};

#[tokio::test]
async fn deletions_that_nobody_remembers_remove_unchanged_files_and_no_others() {
    let (client, folder) = (shared().tenant().await, tempfile::tempdir().unwrap());
    for path in ["gone.md", "edited.md", "stays.md"] {
        write(folder.path(), path, "base\n");
    }
    stdout(&noted(&client, &["sync", name(&folder)]));
    let notes = client.get("/v1/ide-sync/list").await.data(200);
    for note in notes["notes"].as_array().unwrap().iter().filter(|note| note["ide_file_path"] != "stays.md") {
        client.delete(id_of(note)).await.data(200);
    }
    let mut owner = shared().inside(&client).await;
    let age = "update noted.notes set deleted_at = now() - interval '31 days', updated_at = now() - interval '31 days'
               where deleted_at is not null";
    assert_eq!(sqlx::query(age).execute(&mut owner).await.unwrap().rows_affected(), 2);
    let collect = sqlx::query_scalar("select sync.collect_tombstones($1, 100)").bind(client.key.workspace_id);
    assert_eq!(collect.fetch_one(&mut owner).await.unwrap_or(0_i64), 2);

    write(folder.path(), "edited.md", "work that nobody else has\n");
    let summary = json_of(&noted(&client, &["sync", name(&folder), "--json"]));
    assert_eq!(summary["received_deletes"], serde_json::json!(["gone.md"]));
    assert_eq!((read(&folder, "gone.md"), read(&folder, "stays.md").as_deref()), (None, Some("base\n")));
    assert_eq!(read(&folder, "edited.md").as_deref(), Some("work that nobody else has\n"));
    stdout(&noted(&client, &["sync", name(&folder)]));
    assert_eq!(on_disk(folder.path()), on_server(&client));
    assert_eq!(on_server(&client).len(), 2);
}
