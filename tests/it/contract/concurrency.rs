//! Many writers at once: one order, no lost change, counters that tell the truth.

use std::collections::BTreeSet;

use futures::future::join_all;
use noted_tests::client::{Client, id_of, note_in, note_update};
use noted_tests::world::shared;
use serde_json::{Value, json};

use super::with;

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// The counters of the workspace and the same numbers counted.
async fn counted_and_true(client: &Client) -> ((i64, i64, i64), (i64, i64, i64)) {
    let mut owner = shared().inside(client).await;
    let counted = sqlx::query_as("select live_notes, synced_notes, seq from noted.workspaces").fetch_one(&mut owner).await.unwrap();
    let truth =
        "select count(*) filter (where deleted_at is null), count(*) filter (where deleted_at is null and synced_from_ide), max(seq)
                 from noted.notes";
    (counted, sqlx::query_as(truth).fetch_one(&mut owner).await.unwrap())
}

#[tokio::test]
async fn of_thirty_updates_from_the_same_base_one_wins_and_the_others_see_it() {
    let client = shared().tenant().await;
    let base = client.note("a.md", "base").await;
    let bodies: Vec<_> =
        (0..30).map(|writer| with(note_update(&base, &format!("by {writer}")), "sync_origin_id", format!("writer-{writer}"))).collect();
    let answers = join_all(bodies.iter().map(|body| client.update(id_of(&base), body))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 29), "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    let winner = won[0].data(200)["note"].clone();
    assert_eq!(winner["version"], 2);
    for answer in lost {
        let noted = answer.error(409)["details"]["noted_version"].clone();
        assert_eq!((&noted["content"], &noted["version"]), (&winner["content"], &json!(2)));
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0], winner);
}

#[tokio::test]
async fn writers_that_try_again_all_get_their_turn_and_no_text_is_lost() {
    let client = shared().tenant().await;
    let base = client.note("a.md", "base").await;
    let write = async |writer: usize| {
        let mut seen = base["version_vector"].clone();
        loop {
            let body = with(note_update(&base, &format!("by {writer}")), "version_vector", seen);
            let answer = client.update(id_of(&base), &body).await;
            if answer.status == 200 {
                return answer.data(200)["note"].clone();
            }
            seen = answer.error(409)["details"]["remote_vector"].clone();
        }
    };
    let notes = join_all((0..10).map(write)).await;
    let versions: BTreeSet<_> = notes.iter().map(|note| number(&note["version"])).collect();
    assert_eq!(versions, (2..=11).collect(), "no version was skipped or given out twice");

    let texts = "select content from noted.notes union all select content from noted.note_revisions";
    let kept: BTreeSet<String> =
        sqlx::query_scalar(texts).fetch_all(&mut shared().inside(&client).await).await.unwrap().into_iter().collect();
    let written: BTreeSet<String> = (0..10).map(|writer| format!("by {writer}")).chain(["base".to_owned()]).collect();
    assert_eq!(kept, written);
}

#[tokio::test]
async fn every_change_of_a_workspace_has_its_own_place_and_no_place_is_empty() {
    let client = shared().tenant().await;
    let created = join_all((0..20).map(async |number| client.note(&format!("{number}.md"), "one").await)).await;
    let edits = created[..12].iter().map(async |note| number(&client.edited(note, "two").await["seq"]));
    let refusals = (0..5).map(async |number| client.create(&note_in(&format!("{number}.md"), "taken")).await.status);
    let deletes = created[12..].iter().map(async |note| client.delete(id_of(note)).await.status);
    let (edits, refusals, deletes) = tokio::join!(join_all(edits), join_all(refusals), join_all(deletes));
    assert!(refusals.iter().all(|&status| status == 409) && deletes.iter().all(|&status| status == 200), "{refusals:?} {deletes:?}");

    let tombstones: Vec<i64> = sqlx::query_scalar("select seq from noted.notes where deleted_at is not null")
        .fetch_all(&mut shared().inside(&client).await)
        .await
        .unwrap();
    let mut places: Vec<_> = created.iter().map(|note| number(&note["seq"])).chain(edits).chain(tombstones).collect();
    places.sort_unstable();
    assert_eq!(places, (1..=40).collect::<Vec<_>>(), "a refusal takes no place");
    let (counted, truth) = counted_and_true(&client).await;
    assert_eq!((counted, truth), ((12, 12, 40), (12, 12, 40)));
}

#[tokio::test]
async fn counters_tell_the_truth_after_everything_at_once() {
    let client = shared().tenant().await;
    let folder = shared().folder(&client, "docs").await.to_string();
    let live = join_all((0..24).map(async |number: usize| {
        let kind = ["ide_synced", "user_created", "agent_generated"][number % 3];
        let body = with(note_in(&format!("{number}.md"), "one"), "note_type", kind);
        let body = if number.is_multiple_of(2) { with(body, "folder_id", folder.clone()) } else { body };
        let note = client.create(&body).await.data(201)["note"].clone();
        let moved =
            if number.is_multiple_of(4) { with(note_update(&note, "two"), "folder_id", Value::Null) } else { note_update(&note, "two") };
        client.update(id_of(&note), &moved).await.data(200);
        if number % 6 < 2 {
            // Twice, side by side: it must be counted once.
            let (first, second) = tokio::join!(client.delete(id_of(&note)), client.delete(id_of(&note)));
            assert_eq!((first.status, second.status), (200, 200));
            return 0;
        }
        1
    }))
    .await
    .into_iter()
    .sum::<i64>();
    let (counted, truth) = counted_and_true(&client).await;
    assert_eq!((counted, counted.0), (truth, live));
    let in_folder =
        "select live_notes, (select count(*) from noted.notes where folder_id is not null and deleted_at is null) from noted.folders";
    let (counted, truth): (i64, i64) = sqlx::query_as(in_folder).fetch_one(&mut shared().inside(&client).await).await.unwrap();
    assert_eq!(counted, truth);
    let listed = client.get(&format!("/v1/ide-sync/list?folder_id={folder}")).await.data(200);
    assert_eq!((number(&listed["total"]), listed["notes"].as_array().unwrap().len()), (counted, usize::try_from(counted).unwrap()));
}

#[tokio::test]
async fn of_twenty_creates_at_one_path_one_wins() {
    let client = shared().tenant().await;
    let bodies: Vec<_> = (0..20).map(|writer| note_in("a.md", &format!("by {writer}"))).collect();
    let answers = join_all(bodies.iter().map(|body| client.create(body))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(won.len(), 1);
    let winner = won[0].data(201)["note"].clone();
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.error(409)["details"]["noted_version"]["id"], winner["id"]);
    }
}

#[tokio::test]
async fn an_update_and_a_delete_at_once_leave_no_half_of_either() {
    let client = shared().tenant().await;
    for round in 0..5 {
        let note = client.note(&format!("{round}.md"), "one").await;
        let body = note_update(&note, "two");
        let (update, delete) = tokio::join!(client.update(id_of(&note), &body), client.delete(id_of(&note)));
        assert_eq!(delete.status, 200, "{}", delete.body);
        assert!(matches!(update.status, 200 | 410), "{}", update.body);
    }
    let (counted, truth) = counted_and_true(&client).await;
    assert_eq!((counted, counted.0), (truth, 0));
}
