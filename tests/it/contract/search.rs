//! `GET /v1/notes/search`: words find notes at once, at most their own workspace's, in an order that a reader would choose.

use noted_tests::client::{Client, id_of, send, tag_of};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::json;

use super::{assert_refused, made};

/// The titles that a search answers, best first.
async fn titles(client: &Client, query: &[(&str, &str)]) -> Vec<String> {
    let answer = send(client.request(Method::GET, "/v1/notes/search").query(query)).await.data(200);
    let results = answer["results"].as_array().cloned().unwrap_or_default();
    results.iter().map(|result| result["title"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn found(client: &Client, words: &str) -> Vec<String> {
    titles(client, &[("q", words)]).await
}

#[tokio::test]
async fn a_note_is_found_as_soon_as_it_is_written_and_gone_as_soon_as_it_is_deleted() {
    let client = shared().tenant().await;
    let note = made(&client, "Storage", "Everything is kept in PostgreSQL.").await;
    assert_eq!(found(&client, "postgresql").await, ["Storage"]);
    let path = format!("/v1/notes/{}", id_of(&note));
    let changed = client.write(Method::PATCH, &path, &tag_of(&note), &json!({ "content": "Everything is kept in SQLite." })).await;
    let changed = changed.data(200)["note"].clone();
    assert_eq!((found(&client, "postgresql").await, found(&client, "sqlite").await), (vec![], vec!["Storage".to_owned()]));
    let renamed = client.write(Method::PATCH, &path, &tag_of(&changed), &json!({ "title": "Persistence" })).await.data(200)["note"].clone();
    assert_eq!((found(&client, "storage").await, found(&client, "persistence").await), (vec![], vec!["Persistence".to_owned()]));
    client.write(Method::DELETE, &path, &tag_of(&renamed), &json!({})).await.data(200);
    assert_eq!(found(&client, "sqlite").await, Vec::<String>::new());
}

#[tokio::test]
async fn every_door_makes_its_notes_searchable() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "walrus").await;
    assert_eq!(found(&client, "walrus").await.len(), 1);
    client.edited(&note, "narwhal").await;
    assert_eq!((found(&client, "walrus").await.len(), found(&client, "narwhal").await.len()), (0, 1));
    assert_eq!(found(&client, "a.md").await.len(), 1, "by its path");
}

#[tokio::test]
async fn another_tenants_words_are_not_found() {
    let (client, other) = (shared().tenant().await, shared().tenant().await);
    made(&client, "Ours", "a pangolin").await;
    made(&other, "Theirs", "a pangolin too").await;
    assert_eq!((found(&client, "pangolin").await, found(&other, "pangolin").await), (vec!["Ours".to_owned()], vec!["Theirs".to_owned()]));
}

#[tokio::test]
async fn any_word_may_match_and_the_rarest_decide() {
    let client = shared().tenant().await;
    for number in 0..12 {
        made(&client, &format!("Note {number}"), &format!("The service answers requests, says number {number}.")).await;
    }
    made(&client, "Auth", "The service authenticates requests with tokens.").await;
    assert_eq!(found(&client, "how does the service authenticate a request?").await[0], "Auth");
    assert_eq!(found(&client, "zebra authenticated").await, ["Auth"], "a word that nobody wrote does no harm");
}

#[tokio::test]
async fn quotes_minus_and_or_mean_what_people_mean() {
    let client = shared().tenant().await;
    made(&client, "Match", "Rust has pattern matching and closures.").await;
    made(&client, "Knit", "Matching a pattern when knitting.").await;
    made(&client, "Loop", "Rust has a while loop.").await;
    let check = async |query: &str, expected: &[&str]| {
        let mut titles = found(&client, query).await;
        titles.sort();
        assert_eq!(titles, expected, "{query}");
    };
    check("pattern matching", &["Knit", "Match"]).await;
    check("\"pattern matching\"", &["Match"]).await;
    check("pattern -knitting", &["Match"]).await;
    check("\"pattern matching\" or \"while loop\"", &["Loop", "Match"]).await;
    check("closures or loop", &["Loop", "Match"]).await;
}

#[tokio::test]
async fn a_command_finds_the_note_that_tells_of_it() {
    let client = shared().asker().await;
    let text = "Use tar -xvf backup.tar to unpack. rm -rf build, git commit -m \"msg\", ls -la, docker run -it --rm alpine, mvn package -DskipTests, \
        kubectl get pods -n kube-system, find . -name core -delete";
    made(&client, "Shell", text).await;
    made(&client, "Archives", "An archive of xvf files, by name, which nobody may delete.").await;
    shared().run_jobs().await;
    for query in [
        "tar -xvf",
        "what does tar -xvf do",
        "-xvf",
        "rm -rf build",
        "git commit -m",
        "ls -la",
        "docker run -it --rm",
        "mvn package -DskipTests",
        "kubectl get pods -n kube-system",
        "find . -name core -delete",
    ] {
        assert_eq!(found(&client, query).await.first().map(String::as_str), Some("Shell"), "{query}");
        for mode in ["text", "hybrid", "vector"] {
            let answer = client.post("/v1/rag-query", &json!({ "query": query, "mode": mode, "similarity_threshold": 0 })).await.data(200);
            assert_eq!(answer["understood"], json!({ "required": [], "excluded": [] }), "{query}");
            assert!(answer["results"].to_string().contains("Shell"), "{mode} {query}: {answer}");
        }
    }
}

#[tokio::test]
async fn what_is_asked_in_quotes_or_behind_a_minus_is_asked_of_the_whole_note_in_every_mode() {
    let client = shared().asker().await;
    let far = "Filler about nothing. ".repeat(200);
    made(&client, "Cooking", "Boil the noodles.").await;
    made(&client, "Cooking rice", &format!("Boil the rice.\n\n{far}\n\nServe with soy sauce.")).await;
    client.note("noodles/cooking-pots.md", "Pots for cooking.").await;
    made(&client, "Gardening", "Water the beds.").await;
    shared().run_jobs().await;
    let check = async |query: &str, expected: &[&str], understood: serde_json::Value| {
        let mut found = found(&client, query).await;
        found.sort();
        assert_eq!(found, expected, "{query}");
        for mode in ["text", "hybrid", "vector"] {
            let body = json!({ "query": query, "mode": mode, "similarity_threshold": 0, "k": 20 });
            let answer = client.post("/v1/rag-query", &body).await.data(200);
            assert_eq!(answer["understood"], understood, "{query}");
            let results = answer["results"].as_array().unwrap();
            let mut titles: Vec<&str> = results.iter().map(|result| result["title"].as_str().unwrap()).collect();
            titles.sort_unstable();
            if mode == "text" || query.contains('"') {
                assert_eq!(titles, expected, "{mode} {query}");
            } else {
                assert!(!titles.contains(&"Cooking") && !titles.contains(&"cooking-pots"), "{mode} {query}: {titles:?}");
            }
        }
    };
    // By its text and by its path.
    check("cooking -noodles", &["Cooking rice"], json!({ "required": [], "excluded": ["noodles"] })).await;
    // A long option is no short one.
    made(&client, "Compiling", "Boil with --noodles and with --rice.").await;
    check("cooking -noodles", &["Cooking rice"], json!({ "required": [], "excluded": ["noodles"] })).await;
    // One phrase is in the title, one in a part far from the other.
    check("\"cooking rice\" \"soy sauce\"", &["Cooking rice"], json!({ "required": [["cooking rice"], ["soy sauce"]], "excluded": [] }))
        .await;
    check(
        "\"boil the rice\" \"soy sauce\" -\"filler about\"",
        &[],
        json!({ "required": [["boil the rice"], ["soy sauce"]], "excluded": ["filler about"] }),
    )
    .await;
    check(
        "\"boil the noodles\" or \"soy sauce\"",
        &["Cooking", "Cooking rice"],
        json!({ "required": [["boil the noodles", "soy sauce"]], "excluded": [] }),
    )
    .await;
}

#[tokio::test]
async fn words_are_found_however_they_are_written() {
    let client = shared().tenant().await;
    for (title, text) in [
        ("Greek", "\u{39f} \u{39f}\u{3b4}\u{3c5}\u{3c3}\u{3c3}\u{3ad}\u{3b1}\u{3c2}"),
        ("Arabic", "\u{643}\u{650}\u{62a}\u{64e}\u{627}\u{628}\u{64c}"),
        ("Rocket", "We ship \u{1f680} on Fridays"),
        ("C", "C, C and C again: the C language in C."),
        ("Sharp", "A service in C# with records."),
        ("Plus", "Modules of C++20."),
    ] {
        made(&client, title, text).await;
    }
    for (query, expected) in [
        ("\u{39f}\u{394}\u{3a5}\u{3a3}\u{3a3}\u{395}\u{391}\u{3a3}", "Greek"),
        ("\u{643}\u{62a}\u{627}\u{628}", "Arabic"),
        ("\u{1f680}", "Rocket"),
        ("C#", "Sharp"),
        ("c++", "Plus"),
        ("C++20", "Plus"),
    ] {
        assert_eq!(found(&client, query).await, [expected], "{query}");
    }
    assert_eq!(found(&client, "C").await, ["C"]);
}

#[tokio::test]
async fn a_note_that_an_earlier_release_cut_is_found_and_the_worker_cuts_it_anew() {
    let client = shared().asker().await;
    let note = made(&client, "Sharp", "A service in C# with records.").await;
    shared().run_jobs().await;
    let mut superuser = shared().superuser().await;
    let id = uuid::Uuid::parse_str(id_of(&note)).unwrap();
    for earlier in [
        "update search.chunks set words = (select (quote_literal(known.number || ':record') || ':1')::tsvector from search.workspaces as known where known.workspace_id = chunks.workspace_id) where note_id = $1",
        "update search.notes set is_stale = true where note_id = $1",
    ] {
        assert!(sqlx::query(earlier).bind(id).execute(&mut superuser).await.unwrap().rows_affected() > 0);
    }
    assert_eq!((found(&client, "records").await, found(&client, "c#").await), (vec!["Sharp".to_owned()], vec![]));
    let sent = async || client.get("/v1/embeddings").await.data(200)["embeddings"]["embedded_chunks"].clone();
    let before = sent().await;
    shared().run_jobs().await;
    assert_eq!((found(&client, "records").await, found(&client, "c#").await), (vec!["Sharp".to_owned()], vec!["Sharp".to_owned()]));
    assert_eq!(sent().await, before, "its texts are the same, and so are their vectors");
    let stale: bool =
        sqlx::query_scalar("select is_stale from search.notes where note_id = $1").bind(id).fetch_one(&mut superuser).await.unwrap();
    assert!(!stale);
}

#[tokio::test]
async fn code_and_scripts_without_spaces_are_found_by_their_parts() {
    let client = shared().tenant().await;
    made(&client, "Code", "Call `HashMap::with_capacity` in src/engine/plan.rs, see x86_64.").await;
    made(&client, "日本", "東京都に住んでいます。").await;
    for query in ["hashmap", "capacity", "with_capacity", "plan.rs", "x86_64", "engine/plan"] {
        assert_eq!(found(&client, query).await, ["Code"], "{query}");
    }
    for query in ["東京", "京都", "住んで"] {
        assert_eq!(found(&client, query).await, ["日本"], "{query}");
    }
}

#[tokio::test]
async fn no_text_is_too_odd_to_be_saved_and_found() {
    let client = shared().tenant().await;
    let many: String = (0..40_000).map(|number| format!("w{number:x} ")).collect();
    made(&client, "Many words", &many).await;
    assert_eq!(found(&client, "w9c3f").await, ["Many words"]);
    let long = "x".repeat(3_000);
    made(&client, "Long word", &long).await;
    assert_eq!(found(&client, &long[..500]).await, ["Long word"]);
    made(&client, "Quotes", "it's a 'quoted' \\ back\\slash & | ! <-> :* ()").await;
    assert_eq!(found(&client, "quoted").await, ["Quotes"]);
}

#[tokio::test]
async fn odd_questions_are_answered_and_empty_ones_refused() {
    let client = shared().tenant().await;
    made(&client, "Note", "some text").await;
    for query in ["'", "\"", "\\", "& | ! <-> :*", "((", "-", "\"\"", "%_", "🦀", "-text", "\u{1}"] {
        assert_eq!(found(&client, query).await, Vec::<String>::new(), "{query}");
    }
    let answer = client.get("/v1/notes/search?q=%20").await;
    assert_refused(&answer, (422, "VALIDATION_ERROR", Some("q"), "q must not be empty"), "blank");
    let answer = client.get("/v1/notes/search").await;
    assert_refused(&answer, (400, "VALIDATION_ERROR", Some("q"), "Missing required field: q"), "none");
    let answer = client.get("/v1/notes/search?q=x&limit=51").await;
    assert_eq!(answer.error(422)["field"], "limit");
}

#[tokio::test]
async fn a_snippet_shows_the_words_and_is_plain_text() {
    let client = shared().tenant().await;
    let text = format!(
        "{}\n\n## Keys\n<script>alert(1)</script> Keys are rotated every ninety days, by whoever owns them, and the old one stays good for a week after that.\n",
        "Filler. ".repeat(300)
    );
    made(&client, "Security", &text).await;
    let answer = send(client.request(Method::GET, "/v1/notes/search").query(&[("q", "rotated keys")])).await.data(200);
    let result = &answer["results"][0];
    let snippet: Vec<char> = result["snippet"].as_str().unwrap().chars().collect();
    assert!(snippet.len() <= 242, "{result}");
    let words: Vec<String> = result["highlights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| snippet[place[0].as_u64().unwrap() as usize..place[1].as_u64().unwrap() as usize].iter().collect())
        .collect();
    assert!(words.contains(&"rotated".to_owned()) && words.contains(&"Keys".to_owned()), "{words:?}");
    assert_eq!(result["heading_path"], json!(["Keys"]));
}

#[tokio::test]
async fn filters_narrow_a_search() {
    let client = shared().tenant().await;
    let folder = shared().folder(&client, "f").await.to_string();
    client.note("docs/a.md", "kiwi").await;
    client.post("/v1/notes", &json!({ "title": "In folder", "content": "kiwi", "folder_id": folder })).await.data(201);
    let check = async |filter: (&str, &str), expected: usize| {
        assert_eq!(titles(&client, &[("q", "kiwi"), filter]).await.len(), expected, "{filter:?}");
    };
    check(("limit", "10"), 2).await;
    check(("limit", "1"), 1).await;
    check(("folder_id", &folder), 1).await;
    for spelled in ["docs/", "docs", "./docs", "/docs/", ".\\docs", "."] {
        check(("path_prefix", spelled), 1).await;
    }
    let refused = send(client.request(Method::GET, "/v1/notes/search").query(&[("q", "kiwi"), ("path_prefix", "../docs")])).await;
    assert_eq!(refused.error(422)["field"], "path_prefix");
    check(("path_prefix", "other/"), 0).await;
    check(("note_type", "user_created"), 1).await;
    check(("updated_before", "2001-01-01T00:00:00Z"), 0).await;
    check(("updated_since", "2001-01-01T00:00:00Z"), 2).await;
}

#[tokio::test]
async fn a_text_that_comes_back_from_the_database_is_found_after_the_workers_next_round() {
    let client = shared().tenant().await;
    let note = made(&client, "Old", "an axolotl").await;
    let path = format!("/v1/notes/{}", id_of(&note));
    client.write(Method::DELETE, &path, &tag_of(&note), &json!({})).await.data(200);
    assert_eq!(found(&client, "axolotl").await, Vec::<String>::new());
    client.post(&format!("{path}/restore"), &json!({})).await.data(200);
    shared().run_jobs().await;
    assert_eq!(found(&client, "axolotl").await, ["Old"]);
}

#[tokio::test]
async fn an_answer_from_before_the_workers_round_is_not_given_after_it() {
    let client = shared().asker().await;
    // Words alone: with consent the vectors would make another answer anyway.
    let mut owner = noted::database::connect(&shared().database.owner_url).await.unwrap();
    noted::database::set_consent(&mut owner, client.key.workspace_id, false).await.unwrap();
    let note = made(&client, "Old", "an olm").await;
    let path = format!("/v1/notes/{}", id_of(&note));
    client.write(Method::DELETE, &path, &tag_of(&note), &json!({})).await.data(200);
    client.post(&format!("{path}/restore"), &json!({})).await.data(200);
    let found = async || {
        let answer = client.post("/v1/rag-query", &json!({ "query": "olm", "mode": "text" })).await.data(200);
        answer["results"].as_array().unwrap().len()
    };
    found().await;
    shared().run_jobs().await;
    assert_eq!(found().await, 1);
}
