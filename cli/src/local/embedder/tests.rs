//! What the stand-in's vectors are like, what it answers over HTTP, and when Voyage AI takes its place.

use super::{Account, Provider, StandIn, embed};
use noted_shared::domain::embedding::{EMBEDDING_DIMENSION, InputType, ProviderFault, read_answer, request_body};
use sha2::{Digest, Sha256};

fn nearness(left: &str, right: &str) -> f32 {
    embed(left).iter().zip(embed(right)).map(|(left, right)| left * right).sum()
}

#[test]
fn every_text_has_a_vector_of_length_1() {
    let long = "a different word each time ".repeat(1_000);
    for text in ["Version vectors decide", "a", "", "--- !?", "\u{65e5}\u{672c}\u{8a9e}", long.as_str()] {
        let vector = embed(text);
        let length: f32 = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
        assert_eq!(vector.len(), EMBEDDING_DIMENSION);
        assert!((length - 1.0).abs() < 1e-5, "{text:.20}: {length}");
    }
}

#[test]
fn a_text_has_the_same_vector_everywhere_and_always() {
    let text = "The server keeps every version; the server merges HashMap and caf\u{e9}, and the server keeps both.";
    let bytes: Vec<u8> = embed(text).iter().flat_map(|number| number.to_le_bytes()).collect();
    let digest: String = Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "53f184c0e05af7f1");
}

#[test]
fn texts_that_share_words_are_nearer_than_others() {
    let note = "Tombstones are kept for 30 days, and then collected. Until then a deleted note can be restored.";
    let near = nearness(note, "How long are tombstones kept before they are collected?");
    let far = nearness(note, "Embedding providers limit requests per minute");
    assert!(near > far + 0.1, "{near} {far}");
    assert!(nearness("deleted notes", "deletes a note") > 0.5, "forms of a word are one word");
    assert!(nearness("the old log replaces the new text", "the new text replaces the old log") < 0.95, "order counts");
}

#[tokio::test]
async fn the_stand_in_answers_as_voyage_does() {
    let stand_in = StandIn::start().await.unwrap();
    let texts = ["first text", "second text", "third"];
    let body = request_body(&texts, "noted-local", InputType::Document);
    let (status, answer) = post(&stand_in, Some("any"), &body).await;
    let embedded = read_answer(status, None, answer.as_bytes(), 3).unwrap();
    assert_eq!(embedded.tokens, 5);
    for (text, vector) in texts.iter().zip(&embedded.vectors) {
        let numbers: Vec<f32> = vector.trim_matches(['[', ']']).split(',').map(|number| number.parse().unwrap()).collect();
        assert_eq!(numbers, embed(text), "what goes to the database is what was made");
    }
    let one = r#"{"input": "third", "model": "noted-local"}"#;
    let (status, answer) = post(&stand_in, Some("any"), one).await;
    assert_eq!(read_answer(status, None, answer.as_bytes(), 1).unwrap().vectors, &embedded.vectors[2..]);
}

#[tokio::test]
async fn the_stand_in_refuses_what_voyage_refuses() {
    let stand_in = StandIn::start().await.unwrap();
    let check = async |key: Option<&str>, body: &str, status: u16, detail: &str| {
        let (found, answer) = post(&stand_in, key, body).await;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(found, status, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains(detail), "{answer}");
    };
    let good = r#"{"input": ["text"], "model": "noted-local"}"#;
    check(None, good, 401, "key").await;
    check(Some(""), good, 401, "key").await;
    check(Some("k"), "{", 400, "line 1, column 1").await;
    check(Some("k"), r#"{"input": ["text"], "model": "voyage-3.5"}"#, 400, "model").await;
    check(Some("k"), r#"{"input": [], "model": "noted-local"}"#, 400, "empty").await;
    check(Some("k"), r#"{"input": ["a", ""], "model": "noted-local"}"#, 400, "empty").await;
    check(Some("k"), r#"{"input": [1], "model": "noted-local"}"#, 400, "not a request").await;
    check(Some("k"), r#"{"input": "a", "model": "noted-local", "output_dimension": 512}"#, 400, "1024").await;
    check(Some("k"), r#"{"input": "a", "model": "noted-local", "output_dtype": "int8"}"#, 400, "float").await;
    check(Some("k"), r#"{"input": "a", "model": "noted-local", "input_type": "note"}"#, 400, "not a request").await;
    check(Some("k"), r#"{"input": "a", "model": "noted-local", "path": "docs/a.md"}"#, 400, "not a request").await;
    let many = serde_json::json!({"input": vec!["a"; 1_001], "model": "noted-local"}).to_string();
    check(Some("k"), &many, 400, "1000").await;
    let (status, answer) = post(&stand_in, Some("k"), &request_body(&["a secret"], "voyage-3.5", InputType::Query)).await;
    let fault = read_answer(status, None, answer.as_bytes(), 1).unwrap_err();
    assert!(matches!(&fault, ProviderFault::Refused(_)) && !fault.to_string().contains("secret"), "{fault}");
}

async fn post(stand_in: &StandIn, key: Option<&str>, body: &str) -> (u16, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let request = reqwest::Client::new().post(format!("{}/embeddings", stand_in.base_url())).body(body.to_owned());
    let request = match key {
        Some(key) => request.bearer_auth(key),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[test]
fn the_environment_says_who_the_provider_is() {
    let account = |variables: &[(&str, &str)]| {
        Account::at_voyage(|name| variables.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned()))
    };
    let check = |variables: &[(&str, &str)], base_url: &str, model: &str| {
        let expected = Account { base_url: base_url.into(), model: model.into(), api_key: "pa-1".into() };
        assert_eq!(account(variables).unwrap(), Some(expected));
    };
    let key = ("VOYAGE_API_KEY", "pa-1");
    check(&[key], "https://api.voyageai.com/v1", "voyage-3.5");
    check(&[key, ("VOYAGE_MODEL", "voyage-4")], "https://api.voyageai.com/v1", "voyage-4");
    check(&[key, ("VOYAGE_BASE_URL", "http://localhost:1/v1/")], "http://localhost:1/v1", "voyage-3.5");
    assert_eq!(account(&[]).unwrap(), None);
    assert!(account(&[("VOYAGE_BASE_URL", "https://x/v1")]).is_err(), "texts would go to another server than the one that was named");
    assert!(account(&[key, ("VOYAGE_BASE_URL", "api.voyageai.com")]).is_err());
}

#[test]
fn the_host_is_told_three_things() {
    let account = Account { base_url: "http://x/v1".into(), model: "m".into(), api_key: "k".into() };
    let provider = Provider { account, stand_in: None };
    let expected = [("voyage_base_url", "http://x/v1"), ("voyage_model", "m"), ("voyage_api_key", "k")];
    assert_eq!(provider.variables(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(provider.said(), "m at http://x/v1");
}
