//! Many files at once: they travel in batches, and what becomes of each is what would have become of it alone.

use noted_tests::client::{Client, item};
use noted_tests::world::shared;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{json as json_of, name, noted, on_disk, on_server, read, stdout, write};

/// A folder with so many new files; of the first `taken` paths the server has other notes, of which the folder knows nothing yet.
async fn against(files: usize, taken: usize) -> (Client, TempDir) {
    let (client, folder) = (shared().tenant().await, tempfile::tempdir().unwrap());
    stdout(&noted(&client, &["sync", name(&folder)]));
    let notes: Vec<Value> = (0..taken).map(|number| item(&format!("{number}.md"), &format!("theirs {number}\n"))).collect();
    if !notes.is_empty() {
        client.batch(&notes).await.data(200);
    }
    for number in 0..files {
        write(folder.path(), &format!("{number}.md"), &format!("mine {number}\n"));
    }
    (client, folder)
}

#[tokio::test]
async fn files_that_meet_other_notes_are_conflicts_and_all_others_arrive() {
    // Up to a tenth fail alone; more take the whole batch back, and it is halved until each stands for itself.
    for (files, taken) in [(120, 3), (40, 15), (6, 6)] {
        let (client, folder) = against(files, taken).await;
        let output = noted(&client, &["sync", name(&folder), "--json"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let summary = json_of(&output);
        assert_eq!(summary["created"].as_array().unwrap().len(), files - taken, "{files} {taken}");
        assert_eq!(summary["conflicts"].as_array().unwrap().len(), taken, "{files} {taken}");
        for number in 0..taken {
            let texts: Vec<String> = std::fs::read_dir(folder.path().join(".noted-conflicts"))
                .unwrap()
                .flatten()
                .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{number}.md.")))
                .map(|entry| std::fs::read_to_string(entry.path()).unwrap())
                .collect();
            for text in [format!("mine {number}\n"), format!("theirs {number}\n")] {
                assert!(texts.contains(&text), "{text:?} is not in {texts:?}");
            }
            assert_eq!(read(&folder, &format!("{number}.md")), Some(format!("mine {number}\n")));
        }
        assert_eq!(on_server(&client).len(), files);
    }
}

#[tokio::test]
async fn edits_and_large_files_travel_together_too() {
    let (client, folder) = against(30, 0).await;
    stdout(&noted(&client, &["sync", name(&folder)]));
    // Twelve times 700 kB, of characters that JSON writes with two: more than one batch can hold.
    for number in 0..30 {
        let text = if number < 12 { "\"".repeat(700_000) } else { format!("edited {number}\n") };
        write(folder.path(), &format!("{number}.md"), &text);
    }
    let summary = json_of(&noted(&client, &["sync", name(&folder), "--json"]));
    assert_eq!(summary["updated"].as_array().unwrap().len(), 30, "{}", summary["refused"]);
    assert_eq!(summary["conflicts"], json!([]));
    assert_eq!(on_disk(folder.path()), on_server(&client));
    assert!(stdout(&noted(&client, &["sync", name(&folder)])).starts_with("Nothing to do: 30 notes"));
}
