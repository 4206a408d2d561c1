//! `noted folder`, `noted trash` and `noted restore`: the tree and the way back, from a shell.

use noted_tests::client::{id_of, note_in};
use noted_tests::world::shared;
use serde_json::{Value, json};

use super::{json as json_of, noted, stdout};

#[tokio::test]
async fn folders_are_made_renamed_moved_and_deleted_by_their_paths() {
    let client = shared().tenant().await;
    let folder = |arguments: &[&str]| noted(&client, &[&["folder"], arguments].concat());
    let paths = || -> Vec<Value> {
        let listed = json_of(&folder(&["list", "--json"]));
        listed.as_array().unwrap().iter().map(|folder| folder["path"].clone()).collect()
    };
    stdout(&folder(&["create", "work/2026/plans"]));
    assert_eq!(paths(), ["work", "work/2026", "work/2026/plans"]);
    stdout(&folder(&["rename", "work/2026", "2027"]));
    stdout(&folder(&["move", "work/2027/plans", "/"]));
    assert_eq!(paths(), ["plans", "work", "work/2027"]);
    assert!(stdout(&folder(&["list"])).contains("work/2027"));
    for (arguments, said) in [
        (&["delete", "work"][..], "folder"),
        (&["move", "work", "work/2027"], "in the folder itself"),
        (&["rename", "nowhere", "x"], "nowhere"),
        (&["create", "a\u{7}b"], "control"),
    ] {
        let refused = folder(arguments);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && told.contains(said), "{arguments:?}: {:?} {told}", refused.status);
    }
    stdout(&folder(&["delete", "work/2027"]));
    assert_eq!(paths(), ["plans", "work"]);
}

#[tokio::test]
async fn what_was_deleted_is_listed_and_comes_back() {
    let client = shared().tenant().await;
    for number in 0..3 {
        let note = client.create(&note_in(&format!("{number}.md"), "text")).await.data(201)["note"].clone();
        client.delete(id_of(&note)).await.data(200);
    }
    let trashed = json_of(&noted(&client, &["trash", "--json"]));
    let ids: Vec<&str> = trashed.as_array().unwrap().iter().map(id_of).collect();
    assert_eq!(ids.len(), 3);
    let table = stdout(&noted(&client, &["trash"]));
    assert!(table.contains("2.md") && table.contains("3 notes"), "{table}");

    // One comes back, one that nobody deleted is told, and then all.
    stdout(&noted(&client, &["restore", ids[0]]));
    let missing = uuid::Uuid::new_v4().to_string();
    let refused = noted(&client, &["restore", ids[1], &missing]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stdout).contains(&missing), "{refused:?}");
    stdout(&noted(&client, &["restore", "--all"]));
    assert_eq!(json_of(&noted(&client, &["trash", "--json"])), json!([]));
    assert_eq!(client.get("/v1/notes").await.data(200)["notes"].as_array().unwrap().len(), 3);
}
