//! `POST /v1/ide-sync/batch`: many notes at once, each on its own terms.

mod packed;
mod retries;

use std::collections::BTreeMap;

use noted_tests::client::{Answer, Client, id_of, item, note_in, note_update};
use noted_tests::world::shared;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, with, without};

/// Items that create so many notes, `0.md` and on.
fn creates(count: usize) -> Vec<Value> {
    (0..count).map(|number| item(&format!("{number}.md"), &format!("text {number}"))).collect()
}

/// An item that changes a note that exists.
fn update_item(note: &Value, content: &str) -> Value {
    let mut update = with(note_update(note, content), "note_id", id_of(note));
    update["idempotency_key"] = json!(Uuid::new_v4());
    update
}

fn summary(total: usize, failed: usize) -> Value {
    json!({ "total": total, "succeeded": total - failed, "failed": failed })
}

/// What is stored of a tenant: notes, revisions, remembered answers, conflicts, and the workspace's counters.
async fn stored(client: &Client) -> (i64, i64, i64, i64, i64, i64) {
    let counts = "select (select count(*) from noted.notes), (select count(*) from noted.note_revisions),
        (select count(*) from noted.idempotent_requests), (select count(*) from noted.sync_conflict_events), seq, live_notes
        from noted.workspaces";
    sqlx::query_as(counts).fetch_one(&mut shared().inside(client).await).await.unwrap()
}

/// What is told of an item that failed.
fn failure(result: &Value) -> (&Value, &Value) {
    assert_eq!(result["success"], false, "{result}");
    (&result["error_code"], &result["error_message"])
}

#[tokio::test]
async fn creates_and_updates_are_done_together_and_answered_in_their_order() {
    let client = shared().tenant().await;
    let (one, two) = (client.note("one.md", "1").await, client.note("two.md", "2").await);
    let items = [
        item("three.md", "3"),
        update_item(&two, "2, changed"),
        item("four.md", "4"),
        update_item(&one, "1"),
        with(update_item(&one, "1"), "ide_file_path", "moved.md"),
    ];
    let before = stored(&client).await;
    let data = client.batch(&items).await.data(200);
    assert_eq!(data["summary"], summary(5, 0));
    let results = data["results"].as_array().unwrap();
    let told = |field: &str| results.iter().map(|result| result[field].clone()).collect::<Vec<_>>();
    assert_eq!(told("idx"), [0, 1, 2, 3, 4].map(Value::from));
    assert_eq!(told("message"), ["created", "updated", "created", "unchanged", "updated"].map(Value::from));
    assert_eq!((&told("note_id")[1], &told("note_id")[4]), (&two["id"], &one["id"]));
    let notes: Vec<_> = told("note");
    let seqs: Vec<_> = notes.iter().map(|note| note["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, [3, 4, 5, 1, 6], "one place for each change, in their order");
    assert!(notes.iter().all(|note| note.get("content").is_none()), "the sender has the texts");

    let after = stored(&client).await;
    assert_eq!((after.0 - before.0, after.1 - before.1, after.4 - before.4, after.5 - before.5), (2, 1, 4, 2));
    let listed = client.get("/v1/ide-sync/list").await.data(200);
    let texts: BTreeMap<_, _> = listed["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| (note["ide_file_path"].as_str().unwrap(), note["content"].as_str().unwrap()))
        .collect();
    assert_eq!(texts, BTreeMap::from([("moved.md", "1"), ("two.md", "2, changed"), ("three.md", "3"), ("four.md", "4")]));
    assert_eq!(client.get("/v1/ide-sync/status").await.data(200)["total_synced_notes"], 4);
}

#[tokio::test]
async fn up_to_a_tenth_may_fail_and_the_rest_is_done() {
    for failing in [9, 10] {
        let client = shared().tenant().await;
        let mut items = creates(100);
        for bad in items.iter_mut().step_by(10).take(failing) {
            bad["title"] = json!("");
        }
        let answer = client.batch(&items).await;
        let data = answer.data(200);
        assert_eq!((&data["summary"], &answer.json()["errors"]), (&summary(100, failing), &json!([])));
        for (place, result) in data["results"].as_array().unwrap().iter().enumerate() {
            let is_bad = place % 10 == 0 && place / 10 < failing;
            assert_eq!((result["idx"].as_u64(), result["success"].as_bool()), (u64::try_from(place).ok(), Some(!is_bad)), "{result}");
            assert_eq!(result.get("note_id").is_none(), is_bad, "{result}");
        }
        let done = i64::try_from(100 - failing).unwrap();
        assert_eq!(stored(&client).await, (done, 0, done, 0, done, done));
    }
}

#[tokio::test]
async fn when_more_than_a_tenth_fails_nothing_is_done_and_each_is_told_why() {
    let client = shared().tenant().await;
    let note = client.note("there.md", "there").await;
    let newer = client.edited(&note, "newer").await;
    let mut items = creates(88);
    items.extend([update_item(&newer, "would be fine"), update_item(&note, "stale"), item("there.md", "taken")]);
    items.extend((0..9).map(|number| with(item(&format!("bad {number}.md"), "a"), "ide_file_path", "../x")));
    let before = stored(&client).await;
    let answer = client.batch(&items).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    let envelope = answer.json();
    let message = "11 of 100 notes failed, more than a tenth, so nothing was done; mend them or send fewer at once";
    assert_eq!((&envelope["errors"][0]["code"], &envelope["errors"][0]["message"]), (&json!("BATCH_FAILED"), &json!(message)));
    assert_eq!(envelope["data"]["summary"], summary(100, 11));
    let results = envelope["data"]["results"].as_array().unwrap();
    let codes: Vec<_> = results.iter().map(|result| failure(result).0.as_str().unwrap()).collect();
    let expected = [["BATCH_FAILED"; 89].as_slice(), &["CONFLICT"; 2], &["VALIDATION_ERROR"; 9]].concat();
    assert_eq!(codes, expected);
    assert!(results.iter().all(|result| result.get("note_id").is_none() && result.get("details").is_none()), "no id of what is not there");
    assert_eq!(stored(&client).await, before, "no note, no revision, no remembered answer, no conflict, no place taken");

    let alone = client.create_as(items[0]["idempotency_key"].as_str().unwrap(), &without(items[0].clone(), "idempotency_key")).await;
    assert_eq!((alone.status, alone.header("idempotent-replayed")), (201, ""), "{}", alone.body);
}

#[tokio::test]
async fn an_item_fails_with_the_code_and_message_of_its_own_route() {
    let client = shared().tenant().await;
    let note = client.note("there.md", "there").await;
    let newer = client.edited(&note, "newer").await;
    let gone = client.note("gone.md", "gone").await;
    client.delete(id_of(&gone)).await.data(200);
    let theirs = shared().tenant().await.note("theirs.md", "theirs").await;
    let new = || item("new.md", "new");
    let cases = [
        with(new(), "title", "x".repeat(201)),
        with(new(), "content", "other"),
        with(new(), "ide_file_path", "a//b"),
        with(new(), "ide_last_modified", "yesterday"),
        with(new(), "note_type", "poem"),
        with(new(), "folder_id", Uuid::new_v4().to_string()),
        without(new(), "sync_origin_id"),
        item("there.md", "taken"),
        item("large.md", &"x".repeat((1 << 20) + 1)),
        update_item(&note, "stale"),
        update_item(&gone, "a"),
        update_item(&theirs, "mine"),
        with(update_item(&newer, "a"), "note_id", Uuid::new_v4().to_string()),
        with(update_item(&newer, "a"), "folder_id", Uuid::new_v4().to_string()),
        with(update_item(&newer, "a"), "ide_file_path", "x/../y"),
        with(update_item(&newer, "a"), "last_known_updated_at", "2020-01-01T00:00:00Z"),
    ];
    for case in cases {
        let mut items = creates(10);
        items.insert(5, case.clone());
        let data = client.batch(&items).await.data(200);
        let (code, message) = failure(&data["results"][5]);
        let key = case["idempotency_key"].as_str().unwrap();
        let alone = match case["note_id"].as_str() {
            Some(id) => client.update_as(key, id, &without(case.clone(), "note_id")).await,
            None => client.create_as(key, &case).await,
        };
        let error = alone.error(alone.status);
        assert!(alone.status >= 400, "{case}");
        assert_eq!((code, message), (&error["code"], &error["message"]), "{case}");
        for made in client.get("/v1/ide-sync/list").await.data(200)["notes"].as_array().unwrap() {
            if made["title"] == "A note" && made["id"] != note["id"] {
                client.delete(id_of(made)).await.data(200);
            }
        }
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0]["content"], "newer");
}

#[tokio::test]
async fn of_two_items_with_one_path_the_second_fails() {
    let client = shared().tenant().await;
    let mut items = creates(10);
    items.push(item("3.md", "another text"));
    let data = client.batch(&items).await.data(200);
    assert_eq!(data["summary"], summary(11, 1));
    assert_eq!(failure(&data["results"][10]), (&json!("CONFLICT"), &json!("Another note already has this path")));
    let listed = client.get("/v1/ide-sync/list").await.data(200);
    let third = listed["notes"].as_array().unwrap().iter().find(|note| note["ide_file_path"] == "3.md").unwrap();
    assert_eq!((&listed["total"], &third["content"]), (&json!(10), &json!("text 3")));
}

#[tokio::test]
async fn a_note_of_another_tenant_is_not_there_and_stays_as_it_is() {
    let (client, other) = (shared().tenant().await, shared().tenant().await);
    let theirs = other.note("theirs.md", "theirs").await;
    let mut items = creates(10);
    items.push(update_item(&theirs, "mine"));
    let data = client.batch(&items).await.data(200);
    let message = format!("Note with ID {} not found", id_of(&theirs));
    assert_eq!(failure(&data["results"][10]), (&json!("NOT_FOUND"), &json!(message)));
    assert_eq!(other.get("/v1/ide-sync/list").await.data(200)["notes"], json!([theirs]));
}

#[tokio::test]
async fn a_batch_holds_one_to_a_hundred_notes_in_an_array() {
    let client = shared().tenant().await;
    let cases = [
        (json!({ "notes": creates(101) }), 422, "notes must hold 1 to 100 notes"),
        (json!({ "notes": [] }), 422, "notes must hold 1 to 100 notes"),
        (json!({ "notes": item("a.md", "a") }), 400, "notes must be an array"),
        (json!({}), 400, "Missing required field: notes"),
    ];
    for (body, status, message) in cases {
        let answer = posted(&client, &body).await;
        assert_refused(&answer, (status, "VALIDATION_ERROR", Some("notes"), message), message);
    }
    let answer = client.batch(&[json!("a note")]).await;
    assert_eq!((answer.status, failure(&answer.json()["data"]["results"][0]).0), (422, &json!("VALIDATION_ERROR")));
    assert_eq!(stored(&client).await.0, 0);
    assert_eq!(client.batch(&creates(100)).await.data(200)["summary"], summary(100, 0));
}

#[tokio::test]
async fn the_header_may_name_the_writer_of_all_items() {
    let client = shared().tenant().await;
    let items: Vec<_> = creates(3).into_iter().map(|item| without(item, "sync_origin_id")).collect();
    let request = client.request(reqwest::Method::POST, "/v1/ide-sync/batch").header("X-Sync-Origin", "laptop");
    let data = noted_tests::client::send(request.json(&json!({ "notes": items }))).await.data(200);
    assert!(data["results"].as_array().unwrap().iter().all(|result| result["note"]["last_sync_origin_id"] == "laptop"), "{data}");
}

#[tokio::test]
async fn an_update_in_a_batch_leaves_the_note_in_its_folder() {
    let client = shared().tenant().await;
    let folder = shared().folder(&client, "docs").await.to_string();
    let note = client.create(&with(note_in("a.md", "a"), "folder_id", folder.as_str())).await.data(201)["note"].clone();
    let data = client.batch(&[with(update_item(&note, "b"), "folder_id", Value::Null)]).await.data(200);
    assert_eq!(data["results"][0]["note"]["folder_id"], folder);
}

async fn posted(client: &Client, body: &Value) -> Answer {
    noted_tests::client::send(client.request(reqwest::Method::POST, "/v1/ide-sync/batch").json(body)).await
}
