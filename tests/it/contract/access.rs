//! What a key may do, and that nothing of another workspace can be reached through it.

use noted::keys::{KeyKind, KeyRequest};
use noted_tests::client::{Answer, Client, id_of, note_in, note_update, send};
use noted_tests::routes::{KEYED, SCOPES};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{assert_refused, comparable, with};

/// A person's key, because no other kind may use every route.
async fn with_scopes(scopes: Vec<String>) -> Client {
    shared().tenant_with(|request| KeyRequest { kind: KeyKind::User, scopes, ..request }).await
}

#[tokio::test]
async fn every_route_names_the_scope_that_a_key_lacks() {
    for missing in SCOPES {
        let scopes = SCOPES.into_iter().filter(|&scope| scope != missing).map(str::to_owned).collect();
        let client = with_scopes(scopes).await;
        for route in KEYED {
            let answer = send(route.request(&client, &Uuid::new_v4().to_string())).await;
            let case = format!("{} without {missing}", route.path);
            if route.scopes.contains(&missing) {
                let message = format!("Missing required scope: {missing}");
                assert_refused(&answer, (403, "MISSING_SCOPE", None, &message), &case);
            } else {
                assert_ne!(answer.status, 403, "{case}: {}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn the_scope_is_checked_before_the_request_is_judged() {
    let client = with_scopes(vec!["rag:query".into()]).await;
    let answer = client.create_raw("{").await;
    assert_refused(&answer, (403, "MISSING_SCOPE", None, "Missing required scope: notes:write"), "a body that is not JSON");
    let answer = client.get("/v1/ide-sync/list?limit=x").await;
    assert_refused(&answer, (403, "MISSING_SCOPE", None, "Missing required scope: notes:read"), "a query that cannot be");
}

#[tokio::test]
async fn each_kind_of_key_gets_the_scopes_it_usually_needs() {
    let cases: [(KeyKind, &[&str]); 4] = [
        (KeyKind::User, &["notes:read", "notes:write", "notes:delete", "ide:sync"]),
        (KeyKind::Ide, &["notes:read", "notes:write", "notes:delete", "ide:sync"]),
        (KeyKind::Agent, &["notes:read", "rag:query"]),
        (KeyKind::Integration, &["notes:read", "notes:write", "webhooks:manage"]),
    ];
    for (kind, expected) in cases {
        let client = shared().tenant_with(|request| KeyRequest { kind, ..request }).await;
        assert_eq!(client.key.scopes, expected, "{kind:?}");
    }
}

/// Every way to name something of another workspace, with the id of it put in.
async fn attempts(client: &Client, note: &str, folder: &str) -> Vec<(&'static str, Answer)> {
    let own = client.note(&format!("{}.md", Uuid::new_v4()), "own").await;
    let create = with(note_in("attempt.md", "a"), "folder_id", folder);
    let update = with(note_update(&own, "two"), "folder_id", folder);
    let stale = note_update(&json!({ "version_vector": {} }), "stale");
    vec![
        ("update", client.update(note, &note_update(&own, "two")).await),
        ("update with an empty vector", client.update(note, &stale).await),
        ("delete", client.delete(note).await),
        ("create into a folder", client.create(&create).await),
        ("move into a folder", client.update(id_of(&own), &update).await),
        ("list a folder", client.get(&format!("/v1/ide-sync/list?folder_id={folder}")).await),
    ]
}

#[tokio::test]
async fn what_is_anothers_looks_exactly_like_what_is_not_there() {
    let (owner, stranger) = (shared().tenant().await, shared().tenant().await);
    let note = owner.note("secret.md", "secret").await;
    let folder = shared().folder(&owner, "secret").await.to_string();
    let (no_note, no_folder) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());

    let theirs = attempts(&stranger, id_of(&note), &folder).await;
    let nobodys = attempts(&stranger, &no_note, &no_folder).await;
    for ((case, theirs), (_, nobodys)) in theirs.iter().zip(&nobodys) {
        let (theirs_said, nobodys_said) =
            (comparable(theirs, id_of(&note)).replace(&folder, "F"), comparable(nobodys, &no_note).replace(&no_folder, "F"));
        assert_eq!(theirs_said, nobodys_said, "{case}");
        let names = |answer: &Answer| answer.headers.keys().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(theirs), names(nobodys), "{case}");
        assert!(!theirs.body.contains("secret"), "{case}: {}", theirs.body);
    }
    assert_eq!(owner.get("/v1/ide-sync/list").await.data(200)["notes"], json!([note]), "nothing of the owner's changed");
    let counted: i64 =
        sqlx::query_scalar("select live_notes from noted.folders").fetch_one(&mut shared().inside(&owner).await).await.unwrap();
    assert_eq!(counted, 0);
}

#[tokio::test]
async fn a_key_of_another_workspace_sees_nothing() {
    let (owner, stranger) = (shared().tenant().await, shared().tenant().await);
    for number in 0..3 {
        owner.note(&format!("{number}.md"), "secret").await;
    }
    for query in ["", "limit=500", "offset=1", "modified_since=1970-01-01T00:00:00Z", "include_content=false"] {
        let page = stranger.get(&format!("/v1/ide-sync/list?{query}")).await.data(200);
        assert_eq!((&page["notes"], &page["total"]), (&json!([]), &json!(0)), "{query}");
    }
    assert_eq!(stranger.get("/v1/ide-sync/status").await.data(200)["total_synced_notes"], 0);
}

#[tokio::test]
async fn two_keys_of_one_workspace_share_its_notes() {
    let first = shared().tenant().await;
    let note = first.note("a.md", "one").await;
    // The owner of the first key is the only member, so the second key is theirs too.
    let email: String = sqlx::query_scalar(
        "select person.email from noted.users as person join noted.workspace_members as member on member.user_id = person.id",
    )
    .fetch_one(&mut shared().inside(&first).await)
    .await
    .unwrap();
    let workspace = Some(first.key.workspace_id);
    let second = shared().tenant_with(|request| KeyRequest { workspace, new_workspace: None, email, ..request }).await.writing_as("second");
    assert_eq!(second.get("/v1/ide-sync/list").await.data(200)["notes"], json!([note]));
    second.edited(&note, "two").await;
    assert_eq!(first.get("/v1/ide-sync/list").await.data(200)["notes"][0]["content"], "two");
}

#[tokio::test]
async fn headers_of_the_platform_that_a_client_sends_change_nothing() {
    let (client, other) = (shared().tenant().await, shared().tenant().await);
    let (note, decoy) = (client.note("a.md", "one").await, client.note("b.md", "decoy").await);
    let spoofed = |request: reqwest::RequestBuilder| {
        request
            .header("spin-path-match-id", id_of(&decoy))
            .header("spin-path-info", format!("/v1/ide-sync/update/{}", id_of(&decoy)))
            .header("spin-full-url", format!("http://evil.example/v1/ide-sync/update/{}", id_of(&decoy)))
            .header("spin-raw-component-route", "/health")
            .header("spin-matched-route", "/health")
            .header("spin-component-route", "/evil")
            .header("spin-base-path", "/evil")
            .header("spin-client-addr", "10.0.0.1:1")
            .header("spin-workspace-id", other.key.workspace_id.to_string())
            .header("X-Forwarded-For", "10.0.0.1")
    };
    let update = client.request(Method::PUT, &format!("/v1/ide-sync/update/{}", id_of(&note))).header("Idempotency-Key", "k");
    let updated = send(spoofed(update.json(&note_update(&note, "two")))).await.data(200);
    assert_eq!(updated["note"]["id"], note["id"]);
    let malformed = client.request(Method::PUT, "/v1/ide-sync/update/x").header("Idempotency-Key", "k").json(&note_update(&note, "two"));
    assert_eq!(send(spoofed(malformed)).await.error(400)["field"], "id", "the path is read, not the header");
    send(spoofed(client.request(Method::DELETE, &format!("/v1/ide-sync/delete/{}", id_of(&note))).header("If-Match", "*"))).await.data(200);
    let page = send(spoofed(client.request(Method::GET, "/v1/ide-sync/list"))).await.data(200);
    assert_eq!(page["notes"], json!([decoy]));
}
