//! What a writer claims is checked: what it has seen, who it is, and what its key may see and do.

use noted::keys::{KeyKind, KeyRequest};
use noted_shared::domain::{ContentHash, NotePath};
use noted_tests::client::{Client, id_of, note_in, note_update, send, tag_of};
use noted_tests::world::shared;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, with};

const UNKNOWN: &str =
    "version_vector names changes of this note that there never were; send one that the server gave out, as in the details";

/// Keys of one workspace and one person, by their kinds and scopes.
async fn keys<const N: usize>(wanted: [(KeyKind, &[&str]); N]) -> [Client; N] {
    let email = format!("{}@example.com", Uuid::new_v4());
    let mut keys: Vec<Client> = Vec::new();
    for (kind, scopes) in wanted {
        let workspace = keys.first().map(|client| client.key.workspace_id);
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let email = email.clone();
        let adjust = |request: KeyRequest| KeyRequest {
            workspace,
            new_workspace: request.new_workspace.filter(|_| workspace.is_none()),
            email,
            kind,
            scopes,
            ..request
        };
        keys.push(shared().tenant_with(adjust).await);
    }
    keys.into_iter()
        .enumerate()
        .map(|(place, key)| if place == 0 { key } else { key.writing_as("second") })
        .collect::<Vec<_>>()
        .try_into()
        .unwrap_or_else(|_| unreachable!("as many as were asked for"))
}

const ALL: &[&str] = &["notes:read", "notes:write", "notes:delete", "ide:sync"];
const WRITE_ONLY: &[&str] = &["notes:write", "ide:sync"];

/// Vectors that claim more than there was, of a note that `test-origin` wrote once.
fn forged() -> Vec<Value> {
    let crowd: serde_json::Map<_, _> =
        (0..2047).map(|number| (format!("o{number}"), json!(1))).chain([("test-origin".into(), json!(1))]).collect();
    vec![
        json!({ "test-origin": 2 }),
        json!({ "test-origin": 9_007_199_254_740_991_u64 }),
        json!({ "test-origin": 1, "victim": 1 }),
        json!({ "victim": 9_007_199_254_740_991_u64 }),
        json!({ "test-origin": 1, "~": 1 }),
        json!({ "~": 9_007_199_254_740_991_u64 }),
        crowd.into(),
    ]
}

#[tokio::test]
async fn a_vector_that_claims_what_never_was_is_refused_on_every_route() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let id = id_of(&note);
    let conflict = client.update(id, &with(note_update(&note, "mine"), "version_vector", json!({}))).await.error(409);
    let resolve = format!("/v1/conflicts/{}/resolve", conflict["details"]["conflict_id"].as_str().unwrap());
    for vector in forged() {
        let case = vector.to_string().chars().take(60).collect::<String>();
        let update = client.update(id, &with(note_update(&note, "two"), "version_vector", vector.clone())).await;
        let error = assert_refused(&update, (422, "UNKNOWN_VERSION", Some("version_vector"), UNKNOWN), &case);
        assert_eq!(error, json!({ "version": 1, "version_vector": { "test-origin": 1 } }), "{case}");
        // Also where nothing else would change, and where the sender wants to decide.
        let same = with(note_update(&note, "one"), "version_vector", vector.clone());
        assert_eq!(client.update(id, &same).await.error(422)["code"], "UNKNOWN_VERSION", "{case}");
        let forced = with(with(note_update(&note, "two"), "version_vector", vector.clone()), "force_overwrite", true);
        assert_eq!(client.update(id, &forced).await.error(422)["code"], "UNKNOWN_VERSION", "{case}");

        let mut item = with(note_update(&note, "two"), "version_vector", vector.clone());
        item["note_id"] = note["id"].clone();
        item["idempotency_key"] = json!(Uuid::new_v4());
        let results = client.batch(&[item]).await.json()["data"]["results"].clone();
        assert_eq!(results[0]["error_code"], "UNKNOWN_VERSION", "{results}");

        let resolution = json!({ "strategy": "keep_ide", "sync_origin_id": "test-origin", "version_vector": vector });
        assert_eq!(client.post(&resolve, &resolution).await.error(422)["code"], "UNKNOWN_VERSION", "{case}");
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"], json!([note]), "nothing of it was done");
}

#[tokio::test]
async fn a_lie_about_what_was_seen_turns_no_conflict_off() {
    let [person, liar] = keys([(KeyKind::Ide, ALL), (KeyKind::Integration, ALL)]).await;
    let note = person.note("a.md", "one").await;
    let by_liar = |vector: &Value| with(with(note_update(&note, "liar's"), "sync_origin_id", "liar"), "version_vector", vector.clone());
    for vector in forged() {
        liar.update(id_of(&note), &by_liar(&vector)).await.error(422);
    }
    // The liar writes as anybody may; the person has not seen it, and is told so.
    let theirs = liar.update(id_of(&note), &by_liar(&note["version_vector"])).await.data(200)["note"].clone();
    let refused = person.update(id_of(&note), &note_update(&note, "person's")).await.error(409);
    assert_eq!(refused["details"]["noted_version"]["content"], "liar's");
    let decided = with(note_update(&theirs, "both"), "sync_origin_id", "test-origin");
    let decided = person.update(id_of(&note), &decided).await.data(200)["note"].clone();
    assert_eq!(decided["version_vector"], json!({ "test-origin": 2, "liar": 1 }));
}

#[tokio::test]
async fn a_name_belongs_to_the_key_that_first_wrote_under_it() {
    let [person, other] = keys([(KeyKind::Ide, ALL), (KeyKind::Integration, ALL)]).await;
    let other = other.writing_as("test-origin");
    let note = person.note("a.md", "one").await;
    let message = |name: &str| format!("sync_origin_id {name} is the name of another key in this workspace; use another name, or none");
    let taken = ("test-origin", message("test-origin"));
    let key_name = {
        let made =
            person.write(Method::PATCH, &format!("/v1/notes/{}", id_of(&note)), &tag_of(&note), &json!({ "title": "x" })).await.data(200);
        let key_id = made["note"]["author"]["key_id"].as_str().unwrap();
        format!("key-{key_id}")
    };
    let of_key = (key_name.as_str(), message(&key_name));
    let now = person.get(&format!("/v1/notes/{}", id_of(&note))).await.data(200)["note"].clone();
    for (name, message) in [taken, of_key] {
        let expected = (422, "ORIGIN_TAKEN", Some("sync_origin_id"), message.as_str());
        let update = with(note_update(&now, "two"), "sync_origin_id", name);
        assert_refused(&other.update(id_of(&note), &update).await, expected, "update");
        assert_refused(&other.create(&with(note_in("b.md", "two"), "sync_origin_id", name)).await, expected, "create");
        let patch = other.request(Method::PATCH, &format!("/v1/notes/{}", id_of(&note))).header("X-Sync-Origin", name);
        let patch = patch.header("Idempotency-Key", Uuid::new_v4().to_string()).header("If-Match", tag_of(&now));
        assert_refused(&send(patch.json(&json!({ "title": "y" }))).await, expected, "patch");
        let delete = other.request(Method::DELETE, &format!("/v1/notes/{}", id_of(&note))).header("X-Sync-Origin", name);
        assert_refused(&send(delete.header("If-Match", tag_of(&now))).await, expected, "delete");
    }
    // A name is free in every other workspace, and its own key keeps it.
    shared().tenant().await.note("a.md", "one").await;
    person.edited(&now, "two").await;
}

#[tokio::test]
async fn a_thousand_clones_leave_a_vector_that_everybody_reads() {
    let client = shared().tenant().await;
    let mut note = client.note("a.md", "0").await;
    for number in 0..80 {
        let edit = with(note_update(&note, &format!("{number}")), "sync_origin_id", format!("clone-{number}"));
        note = client.update(id_of(&note), &edit).await.data(200)["note"].clone();
    }
    let vector = note["version_vector"].as_object().unwrap();
    assert!(vector.len() <= 66 && vector["~"] == 1, "{vector:?}");
    assert_eq!(vector["clone-79"], 2, "one more than all that are not named");
    // Whoever is named no more goes on from what it has seen, and counts above it.
    let edit = with(note_update(&note, "again"), "sync_origin_id", "test-origin");
    let again = client.update(id_of(&note), &edit).await.data(200)["note"].clone();
    assert_eq!(again["version_vector"]["test-origin"], 2);
    let refused = send(client.request(Method::POST, "/v1/ide-sync/create").header("Idempotency-Key", "k").json(&with(
        note_in("b.md", "x"),
        "sync_origin_id",
        "~",
    )))
    .await;
    assert_eq!(refused.error(422)["message"], "sync_origin_id must not be \"~\", which stands for all who are not named");
}

#[tokio::test]
async fn texts_are_told_only_to_keys_that_may_read() {
    let [person, writer] = keys([(KeyKind::Ide, ALL), (KeyKind::Integration, WRITE_ONLY)]).await;
    let secret = "TOP SECRET content of the plan, and nobody else may see a word of it";
    let note = person.note("plan.md", secret).await;
    let newer = person.edited(&note, &format!("{secret}, twice")).await;
    let id = id_of(&note);
    let written = with(note_update(&note, "guess"), "sync_origin_id", "writer");
    let create = with(note_in("plan.md", "guess"), "sync_origin_id", "writer");
    let mut answers = vec![
        writer.create(&create).await,
        writer.update(id, &written).await,
        writer.update(id, &with(written.clone(), "merge", "auto")).await,
        writer.post("/v1/notes", &json!({ "title": "t", "content": "guess", "ide_file_path": "plan.md" })).await,
        writer.post(&format!("/v1/notes/{id}/restore/1"), &Value::Null).await,
        writer.write(Method::PATCH, &format!("/v1/notes/{id}"), "*", &json!({ "title": "renamed" })).await,
    ];
    let conflict = answers[1].error(409)["details"]["conflict_id"].as_str().unwrap().to_owned();
    let now = person.get(&format!("/v1/notes/{id}")).await.data(200)["note"].clone();
    let resolution = json!({ "strategy": "keep_noted", "sync_origin_id": "writer", "version_vector": now["version_vector"] });
    answers.push(writer.post(&format!("/v1/conflicts/{conflict}/resolve"), &resolution).await);
    answers.push(writer.post(&format!("/v1/conflicts/{conflict}/restore"), &json!({ "side": "noted" })).await);
    for answer in &answers {
        assert!(!answer.body.contains("SECRET"), "{}", answer.body);
    }
    assert_eq!(answers[0].error(409)["details"]["noted_version"]["content"], Value::Null);
    assert_eq!(newer["author"]["kind"], "ide");
}

#[tokio::test]
async fn a_replayed_answer_has_no_text_for_a_key_that_may_not_read() {
    let [person, writer] = keys([(KeyKind::Ide, ALL), (KeyKind::Integration, WRITE_ONLY)]).await;
    let note = person.note("a.md", "SECRET one").await;
    person.edited(&note, "two").await;
    let restore = |client: &Client| {
        let request = client.request(Method::POST, &format!("/v1/notes/{}/restore/1", id_of(&note)));
        request.header("Idempotency-Key", "restore-it").json(&Value::Null)
    };
    assert_eq!(send(restore(&person)).await.data(200)["note"]["content"], "SECRET one");
    let replayed = send(restore(&writer)).await;
    assert!(!replayed.body.contains("SECRET"), "{}", replayed.body);
}

#[tokio::test]
async fn settling_a_conflict_by_deleting_needs_the_scope_of_deletions() {
    let [person, writer] = keys([(KeyKind::Ide, ALL), (KeyKind::Integration, &["notes:read", "notes:write", "ide:sync"])]).await;
    let note = person.note("a.md", "one").await;
    let newer = person.edited(&note, "two").await;
    let delete = person.request(Method::DELETE, &format!("/v1/ide-sync/delete/{}", id_of(&note))).header("X-Sync-Origin", "test-origin");
    let refused = send(delete.query(&[("version_vector", note["version_vector"].to_string())])).await.error(409);
    let path = format!("/v1/conflicts/{}/resolve", refused["details"]["conflict_id"].as_str().unwrap());
    let resolution = |name: &str| json!({ "strategy": "keep_ide", "sync_origin_id": name, "version_vector": newer["version_vector"] });
    let expected = (403, "MISSING_SCOPE", None, "Missing required scope: notes:delete");
    assert_refused(&writer.post(&path, &resolution("writer")).await, expected, "without the scope");
    assert_eq!(person.get(&format!("/v1/notes/{}", id_of(&note))).await.status, 200);
    person.post(&path, &resolution("test-origin")).await.data(200);
    assert_eq!(person.get(&format!("/v1/notes/{}", id_of(&note))).await.status, 410);
}

#[tokio::test]
async fn a_revision_says_which_key_wrote_it_whatever_it_calls_itself() {
    let [person, program] = keys([(KeyKind::Ide, ALL), (KeyKind::Integration, ALL)]).await;
    let mut note = person.note("a.md", "a person's").await;
    for number in 0..12 {
        let edit = with(note_update(&note, &format!("{number}")), "sync_origin_id", "vscode-person");
        note = program.update(id_of(&note), &edit).await.data(200)["note"].clone();
    }
    let list = person.get(&format!("/v1/notes/{}/revisions", id_of(&note))).await.data(200)["revisions"].clone();
    let kinds: Vec<_> = list.as_array().unwrap().iter().map(|old| old["author"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, [["integration"; 10].as_slice(), &["ide"]].concat(), "ten of a program's, and the person's");
    let first = person.get(&format!("/v1/notes/{}/revisions/1", id_of(&note))).await.data(200)["revision"].clone();
    assert_eq!((&first["content"], &first["created_by"]), (&json!("a person's"), &json!("test-origin")));
    assert_ne!(first["author"]["key_id"], note["author"]["key_id"]);
    // A new title alone writes no text.
    let renamed = person.write(Method::PATCH, &format!("/v1/notes/{}", id_of(&note)), &tag_of(&note), &json!({ "title": "new" })).await;
    assert_eq!(renamed.data(200)["note"]["author"], note["author"]);
}

#[tokio::test]
async fn no_row_is_stored_that_a_client_could_not_read() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let mut owner = shared().inside(&client).await;
    let refused = [
        "update noted.notes set version_vector = '{\"a\": 2}'",
        "update noted.notes set version_vector = '{\"a\": -1}'",
        "update noted.notes set version_vector = '{\"a\": 0.5}'",
        "update noted.notes set version_vector = '{\"a b\": 1}'",
        "update noted.notes set version_vector = '[]'",
        "update noted.notes set version_vector = (select jsonb_object_agg('o' || n, 1) from generate_series(1, 67) as n)",
        "update noted.notes set ide_file_path = 'x/ (Noted).env'",
        "update noted.notes set ide_file_path = '../x'",
        "update noted.notes set last_sync_origin_id = 'a b'",
        "update noted.notes set last_sync_origin_id = '~'",
    ];
    for statement in refused {
        let error = sqlx::query(statement).execute(&mut owner).await.unwrap_err();
        let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(code.as_deref(), Some("23514"), "{statement}: {error}");
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"], json!([note]));
}

/// The database's rule for paths and the one that clients read by are two programs; here they judge the same texts.
#[tokio::test]
async fn the_database_accepts_the_paths_that_clients_read() {
    let pieces = prop::sample::select(vec![
        "a",
        "b.md",
        ".",
        "..",
        "/",
        "//",
        " ",
        ":",
        "\\",
        "con",
        "CON",
        "Aux.txt",
        "lpt1",
        "nul ",
        ".git",
        ".GIT",
        "git~1",
        "%2e",
        "%2F",
        "%25",
        "\u{e9}",
        "e\u{301}",
        "\u{200b}",
        "\u{200d}",
        "\u{feff}",
        "\u{1f468}",
        "\u{a0}",
        "\u{3000}",
        "\u{7f}",
        "\t",
        "\u{e0001}",
        "\u{130}",
        "\u{1e9b}\u{323}",
        "\u{1100}\u{1161}",
        "\u{2028}",
        "\u{fffa}",
        "\u{345}",
    ]);
    let texts = prop_oneof![
        4 => prop::collection::vec(pieces, 1..6).prop_map(|pieces| pieces.concat()),
        2 => "\\PC{1,12}",
        1 => (200_usize..300, 1_usize..70).prop_map(|(long, deep)| format!("{}{}", "d/".repeat(deep), "x".repeat(long))),
    ];
    let mut runner = TestRunner::deterministic();
    let texts: Vec<String> =
        (0..20_000).map(|_| texts.new_tree(&mut runner).unwrap().current()).filter(|text| !text.contains('\0')).collect();
    let client = shared().tenant().await;
    let judged: Vec<bool> =
        sqlx::query_scalar("select noted.is_path(path) from unnest($1::text[]) with ordinality as given (path, place) order by place")
            .bind(&texts)
            .fetch_all(&mut shared().inside(&client).await)
            .await
            .unwrap();
    for (text, is_path) in texts.iter().zip(judged) {
        // What is read in another spelling than it is stored in is stored in no such spelling.
        let is_read = NotePath::parse(text).is_ok_and(|path| path.as_str() == text);
        assert_eq!(is_path, is_read, "{text:?}");
    }
}

#[tokio::test]
async fn both_sides_of_a_conflict_get_paths_whatever_the_name() {
    let client = shared().tenant().await;
    let long = format!("{}.md", "n".repeat(252));
    let deep = format!("{}{}.md", format!("{}/", "d".repeat(250)).repeat(4), "e".repeat(15));
    for path in
        ["x/.env", ".env", "a", "a.b.c", "x/..md", "x y/ z.md".replace(" z", "z").as_str(), &long, &deep, "\u{1f468}\u{200d}\u{1f469}.md"]
    {
        let note = client.note(path, "theirs").await;
        client.edited(&note, "theirs again").await;
        let conflict = client.update(id_of(&note), &note_update(&note, "mine")).await.error(409);
        let now = conflict["details"]["remote_vector"].clone();
        let resolution = json!({ "strategy": "create_both", "sync_origin_id": "test-origin", "version_vector": now });
        let resolve = format!("/v1/conflicts/{}/resolve", conflict["details"]["conflict_id"].as_str().unwrap());
        let second = client.post(&resolve, &resolution).await.data(200)["second_note"].clone();
        let beside = second["ide_file_path"].as_str().unwrap_or_else(|| panic!("{path}: {second}"));
        assert_eq!(NotePath::parse(beside).unwrap().as_str(), beside, "{path}");
        assert_ne!(beside, path);
        assert_eq!(second["content_sha256"], json!(ContentHash::of("theirs again")));
    }
}
