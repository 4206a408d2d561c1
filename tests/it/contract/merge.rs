//! Two texts made side by side: how they are brought together, and when they are not.

use noted_shared::domain::ContentHash;
use noted_tests::client::{id_of, note_update};
use noted_tests::world::shared;
use serde_json::{Value, json};

use super::with;

const BASE: &str = "title\n\none\ntwo\nthree\nfour\nfive\n";

fn edit(note: &Value, from: &str, to: &str, origin: &str) -> Value {
    with(note_update(note, &BASE.replace(from, to)), "sync_origin_id", origin)
}

#[tokio::test]
async fn a_conflict_shows_what_both_grew_from_and_how_they_could_be_merged() {
    let client = shared().tenant().await;
    let note = client.note("a.md", BASE).await;
    let theirs = client.update(id_of(&note), &edit(&note, "one", "ONE", "b")).await.data(200)["note"].clone();
    let details = client.update(id_of(&note), &edit(&note, "five", "FIVE", "a")).await.error(409)["details"].clone();
    let merged = BASE.replace("one", "ONE").replace("five", "FIVE");
    assert_eq!(details["merge"], json!({ "clean": true, "content": merged, "content_sha256": ContentHash::of(&merged) }));
    assert_eq!(
        details["base"],
        json!({ "version": 1, "version_vector": note["version_vector"], "content": BASE, "content_sha256": note["content_sha256"] })
    );
    assert_eq!((&details["local_vector"], &details["remote_vector"]), (&note["version_vector"], &theirs["version_vector"]));
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"], json!([theirs]), "it was only shown");
}

#[tokio::test]
async fn lines_that_both_changed_stand_between_markers() {
    let client = shared().tenant().await;
    let note = client.note("a.md", BASE).await;
    client.update(id_of(&note), &edit(&note, "three", "theirs", "b")).await.data(200);
    for merge in [Value::Null, json!("auto")] {
        let mine = with(edit(&note, "three", "mine", "a"), "merge", merge.clone());
        let details = client.update(id_of(&note), &mine).await.error(409)["details"].clone();
        let expected = BASE.replace("three\n", "<<<<<<< IDE\nmine\n=======\ntheirs\n>>>>>>> Noted\n");
        assert_eq!((&details["merge"]["clean"], &details["merge"]["content"]), (&json!(false), &json!(expected)), "{merge}");
    }
}

#[tokio::test]
async fn a_clean_merge_that_was_asked_for_is_done_recorded_and_answered_again() {
    let client = shared().tenant().await;
    let note = client.note("a.md", BASE).await;
    client.update(id_of(&note), &edit(&note, "one", "ONE", "b")).await.data(200);
    let mine = with(edit(&note, "five", "FIVE", "a"), "merge", "auto");
    let answer = client.update_as("k", id_of(&note), &mine).await;
    let merged = answer.data(200)["note"].clone();
    let text = BASE.replace("one", "ONE").replace("five", "FIVE");
    assert_eq!((&merged["content"], &merged["content_sha256"]), (&json!(text), &json!(ContentHash::of(&text))));
    assert_eq!(merged["version_vector"], json!({ "test-origin": 1, "a": 1, "b": 1 }));

    client.edited(&merged, "later").await;
    let again = client.update_as("k", id_of(&note), &mine).await;
    assert_eq!((again.header("idempotent-replayed"), again.data(200)), ("true", answer.data(200)), "also after the note went on");
    let logged = client.get("/v1/conflicts?status=resolved").await.data(200)["conflicts"].clone();
    assert_eq!((&logged[0]["resolution_strategy"], &logged[0]["resolved_by"]), (&json!("manual_merge"), &json!("auto")));
    let whole = client.get(&format!("/v1/conflicts/{}", id_of(&logged[0]))).await.data(200)["conflict"].clone();
    assert_eq!(whole["merged_content"], text);
}

#[tokio::test]
async fn without_a_version_that_both_know_there_is_no_proposal() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let stranger = with(note_update(&note, "two"), "version_vector", json!({}));
    let details = client.update(id_of(&note), &with(stranger, "merge", "auto")).await.error(409)["details"].clone();
    assert_eq!((details.get("base"), details.get("merge")), (None, None));
    assert_eq!(details["noted_version"]["content"], "one");
}

#[tokio::test]
async fn a_third_writer_is_merged_on_what_it_saw_and_loses_nobodys_lines() {
    let client = shared().tenant().await;
    let note = client.note("a.md", BASE).await;
    let second = client.update(id_of(&note), &edit(&note, "one", "from b", "b")).await.data(200)["note"].clone();
    let third = with(note_update(&second, &BASE.replace("one", "from b").replace("three", "from c")), "sync_origin_id", "c");
    client.update(id_of(&note), &third).await.data(200);
    let offline = with(edit(&note, "five", "from a", "a"), "merge", "auto");
    let merged = client.update(id_of(&note), &offline).await.data(200)["note"].clone();
    for line in ["from a", "from b", "from c"] {
        assert!(merged["content"].as_str().unwrap().contains(line), "{line}: {merged}");
    }
}

#[tokio::test]
async fn a_megabyte_that_cannot_be_compared_in_time_is_still_answered() {
    let client = shared().tenant().await;
    let lines = |word: &str| (0..60_000).map(|line| format!("{word} {line}\n")).collect::<String>();
    let note = client.note("a.md", &lines("base")).await;
    client.update(id_of(&note), &with(note_update(&note, &lines("their")), "sync_origin_id", "b")).await.data(200);
    let details = client.update(id_of(&note), &note_update(&note, &lines("mine"))).await.error(409)["details"].clone();
    let proposed = details["merge"]["content"].as_str().unwrap();
    assert!(details["merge"]["clean"] == false && proposed.contains("mine 59999") && proposed.contains("their 59999"));
}

#[tokio::test]
async fn what_is_replaced_on_purpose_is_kept() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let theirs = client.update(id_of(&note), &with(note_update(&note, "theirs"), "sync_origin_id", "b")).await.data(200)["note"].clone();
    let force = |vector: &Value| with(with(note_update(&note, "mine"), "version_vector", vector.clone()), "force_overwrite", true);
    let details = client.update(id_of(&note), &force(&note["version_vector"])).await.error(409)["details"].clone();
    // Whoever forces must have seen what is forced away.
    let forced = client.update(id_of(&note), &force(&details["remote_vector"])).await.data(200)["note"].clone();
    assert_eq!(forced["content"], "mine");
    let kept = client.get(&format!("/v1/notes/{}/revisions/{}", id_of(&note), theirs["version"])).await.data(200);
    assert_eq!(kept["revision"]["content"], "theirs");
    let logged = client.get("/v1/conflicts?status=all").await.data(200)["conflicts"].clone();
    assert_eq!((logged.as_array().unwrap().len(), &logged[0]["resolution_strategy"]), (1, &json!("keep_ide")));
}

#[tokio::test]
async fn a_deleted_note_comes_back_only_on_purpose() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    client.delete(id_of(&note)).await.data(200);
    let update = with(note_update(&note, "two"), "sync_origin_id", "b");
    let gone = client.update(id_of(&note), &update).await.error(410)["details"].clone();
    assert!(gone["conflict_id"].is_string(), "an edit that met a deletion is noted down: {gone}");
    let seen = with(update.clone(), "version_vector", gone["version_vector"].clone());
    assert_eq!(client.update(id_of(&note), &seen).await.status, 410, "having seen it is not enough");
    let back = client.update(id_of(&note), &with(seen, "force_overwrite", true)).await.data(200)["note"].clone();
    assert_eq!((&back["content"], &back["version"]), (&json!("two"), &json!(3)));
    assert_eq!(client.update(id_of(&note), &with(update, "force_overwrite", true)).await.status, 200, "the same text again is nothing new");
}
