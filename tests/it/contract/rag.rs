//! `POST /v1/rag-query`, and how vectors come to notes.

use noted::database;
use noted_tests::client::{Client, id_of, tag_of};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_refused, made};

async fn ask(client: &Client, body: Value) -> Value {
    client.post("/v1/rag-query", &body).await.data(200)
}

fn titles(answer: &Value) -> Vec<&str> {
    answer["results"].as_array().unwrap().iter().map(|result| result["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_question_finds_the_section_and_says_why() {
    let client = shared().asker().await;
    let text = format!(
        "# Guide\n\n{}\n\n## Authentication\n\nA request carries an API key as a bearer token. The server keeps only a hash of it, under a secret of its own, and compares that.\n",
        "About other things. ".repeat(150)
    );
    let note = made(&client, "Guide", &text).await;
    made(&client, "Cooking", "Soup needs salt.").await;
    shared().run_jobs().await;
    let answer = ask(&client, json!({ "query": "how does authentication work here?", "similarity_threshold": 0 })).await;
    let best = &answer["results"][0];
    assert_eq!((&best["note_id"], &best["title"]), (&note["id"], &json!("Guide")), "{answer}");
    assert_eq!((&best["heading_path"], &best["citation"]), (&json!(["Guide", "Authentication"]), &json!("Guide → Authentication")));
    let range = best["byte_start"].as_u64().unwrap() as usize..best["byte_end"].as_u64().unwrap() as usize;
    assert_eq!(best["content"], text[range]);
    assert_eq!(best["words_rank"], 1);
    assert!(best["vector_rank"].is_i64() && best["similarity"].is_f64(), "{best}");
    assert_eq!((&answer["degraded"], &answer["pending_count"]), (&json!(false), &json!(0)));
}

#[tokio::test]
async fn nothing_is_embedded_without_consent_and_words_work() {
    let scopes = ["notes:read", "notes:write", "rag:query"].map(str::to_owned).to_vec();
    let client = shared().tenant_with(|request| noted::keys::KeyRequest { scopes, ..request }).await;
    made(&client, "Secret", "an okapi in the garden").await;
    shared().run_jobs().await;
    let stored: i64 = sqlx::query_scalar("select count(*) from search.embeddings where workspace_id = $1")
        .bind(client.key.workspace_id)
        .fetch_one(&mut shared().superuser().await)
        .await
        .unwrap();
    assert_eq!(stored, 0);
    let answer = ask(&client, json!({ "query": "okapi" })).await;
    assert_eq!((titles(&answer), &answer["degraded"], &answer["degraded_reason"]), (vec!["Secret"], &json!(true), &json!("no_consent")));
    let refused = client.post("/v1/rag-query", &json!({ "query": "okapi", "mode": "vector" })).await;
    assert_eq!(refused.error(409)["code"], "AI_PROCESSING_OFF");
}

#[tokio::test]
async fn a_question_needs_its_scope_and_a_query_that_can_be_read() {
    let client = shared().tenant().await;
    let refused = client.post("/v1/rag-query", &json!({ "query": "x" })).await;
    assert_refused(&refused, (403, "MISSING_SCOPE", None, "Missing required scope: rag:query"), "scope");
    let client = shared().asker().await;
    let refused = client.post("/v1/rag-query", &json!({ "query": "x", "k": 21 })).await;
    assert_refused(&refused, (422, "VALIDATION_ERROR", Some("k"), "k must be a whole number from 1 to 20"), "k");
    assert_eq!(ask(&client, json!({ "query": "xyz123" })).await["results"], json!([]));
}

#[tokio::test]
async fn what_did_not_change_is_not_embedded_again() {
    let client = shared().asker().await;
    let sections = |changed: &str| {
        (0..8)
            .map(|n| format!("## Section {n}\n\n{}\n\n", if n == 3 { changed.to_owned() } else { format!("Text {n}. ").repeat(60) }))
            .collect::<String>()
    };
    let note = made(&client, "Long", &sections(&"Before. ".repeat(60))).await;
    shared().run_jobs().await;
    let sent = async || client.get("/v1/embeddings").await.data(200)["embeddings"]["embedded_chunks"].as_i64().unwrap();
    let before = sent().await;
    assert!(before >= 4, "{before}");
    let path = format!("/v1/notes/{}", id_of(&note));
    let changed = client.write(Method::PATCH, &path, &tag_of(&note), &json!({ "content": sections(&"After. ".repeat(60)) })).await;
    shared().run_jobs().await;
    assert_eq!(sent().await, before + 1);
    let renamed = client.write(Method::PATCH, &path, &tag_of(&changed.data(200)["note"]), &json!({ "title": "Renamed" })).await;
    shared().run_jobs().await;
    assert_eq!((renamed.status, sent().await), (200, before + 1), "a title is not embedded");
    let notes = client.get("/v1/embeddings").await.data(200)["embeddings"]["notes"].clone();
    assert_eq!((&notes["completed"], &notes["pending"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn vectors_go_with_their_note() {
    let client = shared().asker().await;
    let note = made(&client, "Gone", "a quokka on the island").await;
    shared().run_jobs().await;
    assert_eq!(titles(&ask(&client, json!({ "query": "quokka" })).await), ["Gone"]);
    client.write(Method::DELETE, &format!("/v1/notes/{}", id_of(&note)), &tag_of(&note), &json!({})).await.data(200);
    let answer = ask(&client, json!({ "query": "quokka", "mode": "vector", "similarity_threshold": 0 })).await;
    assert_eq!(answer["results"], json!([]));
    let embeddings = client.get("/v1/embeddings").await.data(200)["embeddings"].clone();
    assert_eq!((&embeddings["vectors"], &embeddings["chunks"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn the_same_question_is_answered_from_memory_until_something_changes() {
    let client = shared().asker().await;
    made(&client, "One", "a numbat digs").await;
    shared().run_jobs().await;
    let query = json!({ "query": "numbat" });
    assert_eq!(ask(&client, query.clone()).await["cached"], false);
    let again = ask(&client, query.clone()).await;
    assert_eq!((&again["cached"], titles(&again)), (&json!(true), vec!["One"]));
    assert_eq!(ask(&client, json!({ "query": "numbat", "k": 6 })).await["cached"], false, "another question");
    made(&client, "Two", "another numbat").await;
    let after = ask(&client, query).await;
    assert_eq!((&after["cached"], after["results"].as_array().unwrap().len()), (&json!(false), 2));
}

#[tokio::test]
async fn what_the_threshold_holds_back_is_counted() {
    let client = shared().asker().await;
    for (title, text) in [("Tea", "Green tea, steeped for a minute."), ("Bridges", "A bridge over the river.")] {
        made(&client, title, text).await;
    }
    shared().run_jobs().await;
    let at = async |threshold: f64| ask(&client, json!({ "query": "steeping", "mode": "vector", "similarity_threshold": threshold })).await;
    let (all, none) = (at(0.0).await, at(1.0).await);
    let total = titles(&all).len() as u64 + all["held_back"].as_u64().unwrap();
    assert_eq!((titles(&none).len(), &none["held_back"]), (0, &json!(2)), "{none}");
    assert_eq!(total, 2, "{all}");
    let held_back = ask(&client, json!({ "query": "bridge", "similarity_threshold": 1 })).await;
    assert_eq!((titles(&held_back), &held_back["held_back"]), (vec!["Bridges"], &json!(1)), "what words found is not held back");
    // Without a threshold the model's own is used: equal texts are alike for every model.
    assert_eq!(titles(&ask(&client, json!({ "query": "A bridge over the river.", "mode": "vector" })).await)[0], "Bridges");
}

#[tokio::test]
async fn another_tenants_vectors_are_not_found() {
    let (client, other) = (shared().asker().await, shared().asker().await);
    for client in [&client, &other] {
        made(client, "Same", "the very same text about a tapir").await;
    }
    shared().run_jobs().await;
    let answer = ask(&client, json!({ "query": "the very same text about a tapir", "mode": "vector", "similarity_threshold": 0 })).await;
    assert_eq!(answer["results"].as_array().unwrap().len(), 1);
    let mine = client.get("/v1/notes").await.data(200)["notes"][0]["id"].clone();
    assert_eq!(answer["results"][0]["note_id"], mine);
    // Each tenant's text was sent for each tenant: a vector that another has cannot be noticed.
    assert_eq!(other.get("/v1/embeddings").await.data(200)["embeddings"]["embedded_chunks"], 1);
}

#[tokio::test]
async fn filters_and_budget_bound_an_answer() {
    let client = shared().asker().await;
    for number in 0..6 {
        made(&client, &format!("Note {number}"), &format!("A marmot whistles. {}", format!("Text {number}. ").repeat(180))).await;
    }
    shared().run_jobs().await;
    let check = async |extra: Value, expected: usize| {
        let mut body = json!({ "query": "marmot", "k": 20 });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let answer = ask(&client, body).await;
        assert_eq!(answer["results"].as_array().unwrap().len(), expected, "{extra}");
        answer
    };
    assert_eq!(check(json!({}), 6).await["truncated"], false);
    assert_eq!(check(json!({ "token_budget": 1000 }), 2).await["truncated"], true);
    check(json!({ "k": 3 }), 3).await;
    check(json!({ "filters": { "synced_from_ide": true } }), 0).await;
    check(json!({ "filters": { "date_range": { "end": "2001-01-01T00:00:00Z" } } }), 0).await;
    check(json!({ "filters": { "date_range": { "start": "2001-01-01T00:00:00Z" } }, "mode": "text" }), 6).await;
    check(json!({ "filters": { "path_prefix": "nowhere/" } }), 0).await;
}

#[tokio::test]
async fn a_filter_by_tags_wants_all_of_them() {
    let client = shared().asker().await;
    for (title, tags) in [("Both", vec!["auth", "api"]), ("One", vec!["auth"]), ("None", vec![])] {
        let note = json!({ "title": title, "content": "A quoll hunts.", "source_metadata": { "tags": tags } });
        client.post("/v1/notes", &note).await.data(201);
    }
    for (tags, expected) in [(vec!["auth"], vec!["Both", "One"]), (vec!["api", "auth"], vec!["Both"]), (vec!["other"], vec![])] {
        let answer = ask(&client, json!({ "query": "quoll", "mode": "text", "filters": { "tags": tags } })).await;
        let mut found = titles(&answer);
        found.sort_unstable();
        assert_eq!(found, expected, "{tags:?}");
    }
}

#[tokio::test]
async fn nobody_but_the_worker_runs_the_jobs() {
    let client = shared().asker().await;
    for request in [client.request(Method::POST, "/internal/jobs/embed"), client.anonymous(Method::POST, "/internal/jobs/embed")] {
        let answer = noted_tests::client::send(request).await;
        assert_eq!(answer.error(401)["code"], "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn taking_consent_back_deletes_the_vectors() {
    let client = shared().asker().await;
    made(&client, "Note", "a bilby at night").await;
    shared().run_jobs().await;
    let mut owner = database::connect(&shared().database.owner_url).await.unwrap();
    database::set_consent(&mut owner, client.key.workspace_id, false).await.unwrap();
    let embeddings = client.get("/v1/embeddings").await.data(200)["embeddings"].clone();
    assert_eq!((&embeddings["ai_processing"], &embeddings["vectors"]), (&json!(false), &json!([])));
    assert_eq!(titles(&ask(&client, json!({ "query": "bilby" })).await), ["Note"]);
    let refused = client.post("/v1/embeddings/backfill", &json!({})).await;
    assert_eq!(refused.error(409)["code"], "AI_PROCESSING_OFF");
}
