//! Texts that stand against each other: kept first, and settled in each of five ways.

use std::collections::BTreeMap;

use noted_tests::client::{Client, id_of, note_update};
use noted_tests::world::shared;
use serde_json::json;
use tempfile::TempDir;

use super::{json as json_of, name, noted, on_disk, on_server, read, remembered, stdout, write};

/// A folder in which `a.md` was changed, after somebody else had changed it on the server.
async fn in_conflict() -> (Client, TempDir) {
    let (client, folder) = (shared().tenant().await, tempfile::tempdir().unwrap());
    write(folder.path(), "a.md", "base\n");
    stdout(&noted(&client, &["sync", name(&folder)]));
    let notes = client.get("/v1/ide-sync/list").await.data(200);
    client.update(id_of(&notes["notes"][0]), &note_update(&notes["notes"][0], "theirs\n")).await.data(200);
    write(folder.path(), "a.md", "mine\n");
    let refused = noted(&client, &["sync", name(&folder)]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    (client, folder)
}

/// The kept texts, by whose they are.
fn kept(folder: &TempDir) -> BTreeMap<String, Vec<String>> {
    let mut kept: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder.path().join(".noted-conflicts")).unwrap().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        if let Some((_, side)) = file.trim_end_matches(".md").rsplit_once('.').filter(|_| file.starts_with("a.md.")) {
            kept.entry(side.to_owned()).or_default().push(std::fs::read_to_string(entry.path()).unwrap());
        }
    }
    kept
}

fn resolve(client: &Client, folder: &TempDir, path: &str, keep: &str) -> std::process::Output {
    noted(client, &["resolve", &format!("{}/{path}", name(folder)), "--keep", keep])
}

#[tokio::test]
async fn both_texts_and_the_base_are_kept_before_anybody_decides() {
    let (client, folder) = in_conflict().await;
    let texts = kept(&folder);
    assert_eq!(texts["ide"], ["mine\n"]);
    assert_eq!(texts["noted"], ["theirs\n"]);
    assert_eq!(texts["base"], ["base\n"]);
    assert_eq!(read(&folder, "a.md").as_deref(), Some("mine\n"));

    let listed = json_of(&noted(&client, &["conflicts", name(&folder), "--json"]));
    assert_eq!(listed, json!([{"path": "a.md", "reason": "changed here and on the server", "deferred": false}]));
    // The same conflict, seen again, is not kept again; and the path stays out of it.
    let again = json_of(&noted(&client, &["sync", name(&folder), "--json"]));
    assert_eq!((again["conflicts"].as_array().unwrap().len(), again["updated"].as_array().unwrap().len()), (1, 0));
    assert_eq!(kept(&folder), texts);
}

#[tokio::test]
async fn each_of_five_ways_settles_a_conflict() {
    for (keep, expected) in [
        ("mine", vec![("a.md", "mine\n")]),
        ("theirs", vec![("a.md", "theirs\n")]),
        ("both", vec![("a (IDE).md", "mine\n"), ("a (Noted).md", "theirs\n")]),
        ("merged", vec![("a.md", "mine and theirs\n")]),
    ] {
        let (client, folder) = in_conflict().await;
        if keep == "merged" {
            write(folder.path(), "a.md", "<<<<<<< IDE\nmine\n=======\ntheirs\n>>>>>>> Noted\n");
            let refused = resolve(&client, &folder, "a.md", keep);
            assert!(String::from_utf8_lossy(&refused.stderr).contains("still has conflict markers"), "{refused:?}");
            write(folder.path(), "a.md", "mine and theirs\n");
        }
        stdout(&resolve(&client, &folder, "a.md", keep));
        let files: Vec<(String, String)> =
            on_disk(folder.path()).into_iter().map(|(path, _)| (path.clone(), read(&folder, &path).unwrap())).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(files, expected, "{keep}");
        assert_eq!(on_disk(folder.path()), on_server(&client), "{keep}");
        assert!(stdout(&noted(&client, &["sync", name(&folder)])).starts_with("Nothing to do"), "{keep}");
        assert!(kept(&folder)["ide"].contains(&"mine\n".to_owned()), "{keep}");
        let log = std::fs::read_to_string(remembered(&folder).join("conflicts.log")).unwrap();
        let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let says = |what: &str| lines.iter().any(|line| line["path"] == "a.md" && line["what"].as_str().unwrap().contains(what));
        assert!(says("changed here and on the server") && says("decided to keep"), "{log}");
    }
}

#[tokio::test]
async fn a_conflict_that_waits_fails_no_sync_and_still_holds_its_path() {
    let (client, folder) = in_conflict().await;
    stdout(&resolve(&client, &folder, "a.md", "later"));
    let summary = json_of(&noted(&client, &["sync", name(&folder), "--json"]));
    assert_eq!(summary["conflicts"][0]["deferred"], true);
    assert!(noted(&client, &["sync", name(&folder)]).status.success());
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0]["content"], "theirs\n");
}

#[tokio::test]
async fn a_deletion_against_an_edit_is_a_conflict_and_both_choices_work() {
    for (deleted_here, keep, expected) in
        [(true, "mine", None), (true, "theirs", Some("edited\n")), (false, "mine", Some("edited\n")), (false, "theirs", None)]
    {
        let (client, folder) = (shared().tenant().await, tempfile::tempdir().unwrap());
        write(folder.path(), "a.md", "base\n");
        stdout(&noted(&client, &["sync", name(&folder)]));
        let notes = client.get("/v1/ide-sync/list").await.data(200);
        let note = &notes["notes"][0];
        if deleted_here {
            std::fs::remove_file(folder.path().join("a.md")).unwrap();
            client.update(id_of(note), &note_update(note, "edited\n")).await.data(200);
        } else {
            write(folder.path(), "a.md", "edited\n");
            client.delete(id_of(note)).await.data(200);
        }
        assert_eq!(noted(&client, &["sync", name(&folder)]).status.code(), Some(1));
        assert_eq!(read(&folder, "a.md").is_none(), deleted_here, "the file is as it was");
        stdout(&resolve(&client, &folder, "a.md", keep));
        assert_eq!(read(&folder, "a.md").as_deref(), expected, "{deleted_here} {keep}");
        assert_eq!(on_disk(folder.path()), on_server(&client));
        assert!(stdout(&noted(&client, &["sync", name(&folder)])).starts_with("Nothing to do"));
    }
}

#[tokio::test]
async fn the_server_brings_texts_together_only_for_whoever_asks() {
    let (client, folder) = (shared().tenant().await, tempfile::tempdir().unwrap());
    let lines = |first: &str, last: &str| format!("{first}\ntwo\nthree\nfour\n{last}\n");
    write(folder.path(), "a.md", &lines("one", "five"));
    stdout(&noted(&client, &["sync", name(&folder)]));
    let notes = client.get("/v1/ide-sync/list").await.data(200);
    client.update(id_of(&notes["notes"][0]), &note_update(&notes["notes"][0], &lines("theirs", "five"))).await.data(200);
    write(folder.path(), "a.md", &lines("one", "mine"));
    stdout(&noted(&client, &["sync", name(&folder), "--merge"]));
    assert_eq!(read(&folder, "a.md"), Some(lines("theirs", "mine")));
    assert_eq!(on_disk(folder.path()), on_server(&client));
    assert!(stdout(&noted(&client, &["sync", name(&folder)])).starts_with("Nothing to do"));

    let notes = client.get("/v1/ide-sync/list").await.data(200);
    client.update(id_of(&notes["notes"][0]), &note_update(&notes["notes"][0], &lines("other", "mine"))).await.data(200);
    write(folder.path(), "a.md", &lines("same line", "mine"));
    assert_eq!(noted(&client, &["sync", name(&folder), "--merge"]).status.code(), Some(1));
    assert_eq!(read(&folder, "a.md"), Some(lines("same line", "mine")));
}
