//! What a note says of its embedding, and that no entity tag is good for longer than what it stands for.

use noted::database;
use noted_tests::client::{Answer, Client, id_of, item, note_in, send, tag_of};
use noted_tests::world::{World, shared};
use reqwest::Method;
use serde_json::{Value, json};

/// A tenant whose texts may be embedded.
async fn with_vectors(world: &World) -> Client {
    let client = world.tenant().await;
    let mut owner = database::connect(&world.database.owner_url).await.unwrap();
    database::set_consent(&mut owner, client.key.workspace_id, true).await.unwrap();
    client
}

async fn read(client: &Client, note: &Value, tag: &str) -> Answer {
    send(client.request(Method::GET, &format!("/v1/notes/{}", id_of(note))).header("If-None-Match", tag)).await
}

/// Pretends that this came of the embedding.
async fn set(world: &World, client: &Client, status: &str, error: Option<&str>) {
    let update = sqlx::query("update search.notes set embedding_status = $1, embedding_error = $2, due_at = now() + interval '1 hour'");
    update.bind(status).bind(error).execute(&mut world.inside(client).await).await.unwrap();
}

#[tokio::test]
async fn a_note_is_made_pending_at_every_door() {
    let client = with_vectors(shared()).await;
    let draft = json!({ "title": "t", "content": "c" });
    for (path, body) in [("/v1/ide-sync/create", note_in("a.md", "one")), ("/v1/notes", draft)] {
        let note = client.post(path, &body).await.data(201)["note"].clone();
        assert_eq!((&note["embedding_status"], note.get("embedding_error")), (&json!("pending"), None), "{path}");
    }
    let batch = client.batch(&[item("b.md", "two")]).await.data(200);
    assert_eq!(batch["results"][0]["note"]["embedding_status"], "pending");
    let first = client.create_as("once", &note_in("c.md", "three")).await.data(201);
    assert_eq!(client.create_as("once", &note_in("c.md", "three")).await.data(201), first, "what is answered again is the same");
}

#[tokio::test]
async fn an_entity_tag_is_good_until_the_embedding_moves_on() {
    // A worker of its own, so that nobody else embeds what this test looks at.
    let world = World::start().await.unwrap();
    let client = with_vectors(&world).await;
    let note = client.note("a.md", "a numbat digs").await;
    let created = tag_of(&note);
    assert_eq!(read(&client, &note, &created).await.status, 304, "nothing happened yet");
    world.run_jobs().await;
    let completed = read(&client, &note, &created).await;
    assert_eq!(completed.data(200)["note"]["embedding_status"], "completed");
    let tag = completed.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}-1.completed\"", id_of(&note)));
    let again = read(&client, &note, &tag).await;
    assert_eq!((again.status, again.header("etag")), (304, tag.as_str()));

    let mut tags = vec![created, tag];
    for (status, error) in [
        ("pending", Some("no answer within 15000 ms")),
        ("pending", Some("another reason \"quoted\"")),
        ("in_progress", None),
        ("failed_permanently", Some("the provider refused it")),
    ] {
        set(&world, &client, status, error).await;
        let answer = read(&client, &note, &tags.join(", ")).await;
        let told = answer.data(200)["note"].clone();
        assert_eq!((told["embedding_status"].as_str(), told["embedding_error"].as_str()), (Some(status), error));
        tags.push(answer.header("etag").to_owned());
    }
    let changed = client.write(Method::PATCH, &format!("/v1/notes/{}", id_of(&note)), &tags[1], &json!({ "content": "it sleeps" })).await;
    assert_eq!(changed.data(200)["note"]["version"], 2, "who writes has seen the version, whatever came of its embedding");
    let answer = read(&client, &note, &tags.join(", ")).await;
    assert_eq!(
        (&answer.data(200)["note"]["embedding_status"], answer.header("etag")),
        (&json!("pending"), format!("\"{}-2\"", id_of(&note)).as_str())
    );
}

#[tokio::test]
async fn a_workspace_that_wants_no_embeddings_hears_of_none() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    shared().run_jobs().await;
    let answer = read(&client, &note, "\"0\"").await;
    assert_eq!((answer.header("etag"), answer.data(200)["note"].get("embedding_status")), (tag_of(&note).as_str(), None));
    assert_eq!((note.get("embedding_status"), read(&client, &note, &tag_of(&note)).await.status), (None, 304));
}

#[tokio::test]
async fn lists_and_changes_do_not_tell_what_their_tags_and_places_do_not_cover() {
    let client = with_vectors(shared()).await;
    client.note("a.md", "one").await;
    for path in ["/v1/notes", "/v1/ide-sync/list"] {
        assert_eq!(client.get(path).await.data(200)["notes"][0].get("embedding_status"), None, "{path}");
    }
    assert_eq!(client.changes("").await.data(200)["changes"][0].get("embedding_status"), None);
}
