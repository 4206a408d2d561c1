//! `/v1/folders`: the tree that notes are sorted into.

use noted_shared::limits;
use noted_tests::client::{Answer, Client, id_of, item, note_in, send};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, with};

async fn make(client: &Client, name: &str, parent: Option<&Value>) -> Value {
    let body = json!({ "name": name, "parent_id": parent.map(id_of) });
    client.post("/v1/folders", &body).await.data(201)["folder"].clone()
}

fn path_of(folder: &Value) -> String {
    format!("/v1/folders/{}", id_of(folder))
}

async fn patch(client: &Client, folder: &Value, body: Value) -> Answer {
    send(client.request(Method::PATCH, &path_of(folder)).json(&body)).await
}

async fn delete(client: &Client, folder: &Value, query: &str) -> Answer {
    send(client.request(Method::DELETE, &format!("{}{query}", path_of(folder)))).await
}

async fn paths(client: &Client) -> Vec<Value> {
    let list = client.get("/v1/folders").await.data(200);
    list["folders"].as_array().unwrap().iter().map(|folder| json!([folder["path"], folder["live_notes"]])).collect()
}

#[tokio::test]
async fn folders_make_a_tree_that_is_listed_from_the_top_down() {
    let client = shared().tenant().await;
    let work = make(&client, "work", None).await;
    let year = make(&client, "2026", Some(&work)).await;
    make(&client, "home", None).await;
    make(&client, "work 2", None).await;
    assert_eq!((&year["path"], &year["parent_id"], &year["live_notes"]), (&json!("work/2026"), &work["id"], &json!(0)));
    client.create(&with(note_in("a.md", "a"), "folder_id", id_of(&year))).await.data(201);
    client.post("/v1/notes", &json!({ "title": "t", "content": "c", "folder_id": year["id"] })).await.data(201);
    let expected = [json!(["home", 0]), json!(["work", 0]), json!(["work/2026", 2]), json!(["work 2", 0])];
    assert_eq!(paths(&client).await, expected);
    let stranger = shared().tenant().await;
    assert_eq!(paths(&stranger).await, [] as [Value; 0]);
    let missing = stranger.post("/v1/folders", &json!({ "name": "x", "parent_id": work["id"] })).await;
    assert_refused(&missing, (404, "NOT_FOUND", Some("folder_id"), &format!("Folder with ID {} not found", id_of(&work))), "a stranger");
}

#[tokio::test]
async fn a_list_that_the_client_has_is_not_sent_again_until_something_changes() {
    let client = shared().tenant().await;
    let folder = make(&client, "docs", None).await;
    let get = |tag: String| send(client.request(Method::GET, "/v1/folders").header("If-None-Match", tag));
    let tag = client.get("/v1/folders").await.header("etag").to_owned();
    let same = get(tag.clone()).await;
    assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", tag.as_str()));
    patch(&client, &folder, json!({ "name": "texts" })).await.data(200);
    let renamed = get(tag.clone()).await;
    assert_eq!((renamed.status, renamed.header("cache-control")), (200, "private, no-cache"));
    client.create(&with(note_in("a.md", "a"), "folder_id", id_of(&folder))).await.data(201);
    assert_eq!(get(renamed.header("etag").to_owned()).await.status, 200, "the counts are part of it");
}

#[tokio::test]
async fn a_folder_gets_another_name_and_place_and_its_notes_stay() {
    let client = shared().tenant().await;
    let (work, home) = (make(&client, "work", None).await, make(&client, "home", None).await);
    let inner = make(&client, "plans", Some(&work)).await;
    let note = client.create(&with(note_in("a.md", "a"), "folder_id", id_of(&inner))).await.data(201)["note"].clone();
    let moved = patch(&client, &inner, json!({ "name": "ideas", "parent_id": home["id"] })).await.data(200)["folder"].clone();
    assert_eq!((&moved["path"], &moved["live_notes"]), (&json!("home/ideas"), &json!(1)));
    assert_eq!(patch(&client, &inner, json!({ "name": "ideas" })).await.data(200)["folder"], moved, "nothing was new");
    assert_eq!(patch(&client, &inner, json!({ "parent_id": null })).await.data(200)["folder"]["path"], "ideas");
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"], json!([note]), "no note has changed");
}

#[tokio::test]
async fn no_two_folders_have_one_name_in_one_place() {
    let client = shared().tenant().await;
    let first = make(&client, "docs", None).await;
    let taken = client.post("/v1/folders", &json!({ "name": "docs" })).await;
    let expected = (409, "CONFLICT", Some("name"), "Another folder has this name in the same place");
    assert_eq!(assert_refused(&taken, expected, "create")["folder_id"], first["id"]);
    let inner = make(&client, "docs", Some(&first)).await;
    assert_refused(&patch(&client, &inner, json!({ "parent_id": null })).await, expected, "move");
    let other = make(&client, "other", None).await;
    assert_refused(&patch(&client, &other, json!({ "name": "docs" })).await, expected, "rename");
}

#[tokio::test]
async fn a_folder_never_lies_in_itself_and_not_too_deep() {
    let client = shared().tenant().await;
    let top = make(&client, "1", None).await;
    let mut deepest = top.clone();
    for depth in 2..=16 {
        deepest = make(&client, &depth.to_string(), Some(&deepest)).await;
    }
    let itself = (422, "VALIDATION_ERROR", Some("parent_id"), "parent_id lies in the folder itself");
    assert_refused(&patch(&client, &top, json!({ "parent_id": top["id"] })).await, itself, "itself");
    assert_refused(&patch(&client, &top, json!({ "parent_id": deepest["id"] })).await, itself, "one of its own");
    let message = "parent_id would make more than 16 folders lie in one another";
    let too_deep = (422, "VALIDATION_ERROR", Some("parent_id"), message);
    assert_refused(&client.post("/v1/folders", &json!({ "name": "17", "parent_id": deepest["id"] })).await, too_deep, "create");
    let other = make(&client, "other", None).await;
    assert_refused(&patch(&client, &top, json!({ "parent_id": other["id"] })).await, too_deep, "what lies in it counts");
}

#[tokio::test]
async fn a_folder_with_something_in_it_is_not_deleted_unless_its_notes_may_move() {
    let client = shared().tenant().await;
    let top = make(&client, "top", None).await;
    let inner = make(&client, "inner", Some(&top)).await;
    let note = client.create(&with(note_in("a.md", "a"), "folder_id", id_of(&inner))).await.data(201)["note"].clone();
    let gone = client.create(&with(note_in("b.md", "b"), "folder_id", id_of(&inner))).await.data(201)["note"].clone();
    client.delete(id_of(&gone)).await.data(200);
    for (folder, folders, notes) in [(&top, 1, 0), (&inner, 0, 1)] {
        let refused = delete(&client, folder, "").await.error(409);
        assert_eq!((&refused["code"], &refused["details"]), (&json!("CONFLICT"), &json!({ "folders": folders, "live_notes": notes })));
    }
    assert_eq!(delete(&client, &inner, "?notes=delete").await.error(400)["field"], "notes");

    assert_eq!(delete(&client, &inner, "?notes=move_to_parent").await.data(200), json!({ "success": true, "notes_moved": 1 }));
    let moved = client.get(&format!("/v1/notes/{}", id_of(&note))).await.data(200)["note"].clone();
    assert_eq!((&moved["folder_id"], &moved["version"]), (&top["id"], &json!(2)), "a change that followers are told");
    assert_eq!(paths(&client).await, [json!(["top", 1])]);
    let restored = send(client.request(Method::POST, &format!("/v1/notes/{}/restore", id_of(&gone)))).await.data(200);
    assert_eq!(restored["note"]["folder_id"], Value::Null, "its folder is gone");
    assert_eq!(delete(&client, &top, "?notes=move_to_parent").await.data(200)["notes_moved"], 1);
    assert_eq!(delete(&client, &top, "").await.status, 404);
}

#[tokio::test]
async fn a_folder_is_made_and_deleted_once_for_each_key() {
    let client = shared().tenant().await;
    let create = || send(client.request(Method::POST, "/v1/folders").header("Idempotency-Key", "k").json(&json!({ "name": "docs" })));
    let (first, again) = (create().await, create().await);
    assert_eq!((first.data(201), again.header("idempotent-replayed")), (again.data(201), "true"));
    let folder = first.data(201)["folder"].clone();
    let delete = || send(client.request(Method::DELETE, &path_of(&folder)).header("Idempotency-Key", "d"));
    let (first, again) = (delete().await, delete().await);
    assert_eq!((first.data(200), again.header("idempotent-replayed")), (again.data(200), "true"));
    let without_key = send(client.request(Method::POST, "/v1/folders").json(&json!({ "name": "docs" }))).await;
    assert_refused(&without_key, (400, "VALIDATION_ERROR", Some("idempotency_key"), "Missing required field: idempotency_key"), "no key");
}

#[tokio::test]
async fn what_is_no_name_and_no_folder_is_told_by_field() {
    let client = shared().tenant().await;
    for name in ["", "a/b", "..", "con", " a", "a."] {
        let answer = client.post("/v1/folders", &json!({ "name": name })).await;
        assert_eq!((answer.status, answer.error(422)["field"].as_str()), (422, Some("name")), "{name:?}");
    }
    let nobodys = json!({ "id": Uuid::new_v4() });
    let missing = format!("Folder with ID {} not found", id_of(&nobodys));
    let expected = (404, "NOT_FOUND", Some("folder_id"), missing.as_str());
    assert_refused(&patch(&client, &nobodys, json!({ "name": "x" })).await, expected, "patch");
    assert_refused(&delete(&client, &nobodys, "").await, expected, "delete");
    assert_eq!(patch(&client, &json!({ "id": "x" }), json!({ "name": "x" })).await.error(400)["field"], "id");
    assert_eq!(send(client.request(Method::GET, &path_of(&nobodys))).await.header("allow"), "PATCH, DELETE, OPTIONS");
}

#[tokio::test]
async fn a_workspace_has_so_many_folders_and_no_more() {
    let client = shared().tenant().await;
    let fill = "insert into noted.folders (workspace_id, name) select auth.workspace_id(), 'folder ' || number from generate_series(1, $1) as number";
    sqlx::query(fill).bind(limits::FOLDERS_MAX - 1).execute(&mut shared().inside(&client).await).await.unwrap();
    let last = make(&client, "the last one", None).await;
    let refused = client.post("/v1/folders", &json!({ "name": "one more" })).await;
    assert_refused(&refused, (422, "VALIDATION_ERROR", Some("name"), "name is one more than the 1000 folders of a workspace"), "1,001");
    delete(&client, &last, "").await.data(200);
    make(&client, "in its place", None).await;
}

#[tokio::test]
async fn a_folder_with_too_many_notes_moves_none_of_them() {
    let client = shared().tenant().await;
    let folder = make(&client, "full", None).await;
    for batch in 0..6 {
        let most = if batch == 5 { 1 } else { 100 };
        let items: Vec<Value> =
            (0..most).map(|number| with(item(&format!("{batch}/{number}.md"), "text"), "folder_id", id_of(&folder))).collect();
        client.batch(&items).await.data(200);
    }
    let refused = delete(&client, &folder, "?notes=move_to_parent").await.error(422);
    assert_eq!(refused["field"], "notes", "{refused}");
    assert_eq!(paths(&client).await, [json!(["full", 501])]);
    let one = client.get(&format!("/v1/notes?folder_id={}&limit=1", id_of(&folder))).await.data(200)["notes"][0].clone();
    client.delete(id_of(&one)).await.data(200);
    assert_eq!(delete(&client, &folder, "?notes=move_to_parent").await.data(200)["notes_moved"], 500);
}

#[tokio::test]
async fn of_two_moves_into_one_another_one_is_refused() {
    let client = shared().tenant().await;
    for turn in 0..12 {
        let (one, other) = (make(&client, &format!("one {turn}"), None).await, make(&client, &format!("other {turn}"), None).await);
        let (first, second) = tokio::join!(
            patch(&client, &one, json!({ "parent_id": other["id"] })),
            patch(&client, &other, json!({ "parent_id": one["id"] }))
        );
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422], "{} {}", first.body, second.body);
    }
    assert_eq!(paths(&client).await.len(), 24, "every folder can be reached from the top");
}
