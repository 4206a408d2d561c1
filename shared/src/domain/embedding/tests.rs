//! What is sent, how answers are read, and that no answer makes us panic or store what cannot be searched.

use super::{EMBEDDING_DIMENSION, Embedded, InputType, ProviderFault, batches, read_answer, request_body, vector_weight};
use crate::limits::{EMBEDDED_BYTES_MAX, EMBEDDED_TEXTS_MAX};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::ops::Range;
use std::time::Duration;

/// A vector that has `first` and then zeros.
fn vector(first: f64) -> Vec<f64> {
    let mut vector = vec![0.0; EMBEDDING_DIMENSION];
    vector[0] = first;
    vector
}

/// An answer's item.
fn item(index: usize, embedding: &[f64]) -> Value {
    json!({"object": "embedding", "embedding": embedding, "index": index})
}

fn read(items: &[Value], expected: usize) -> Result<Embedded, ProviderFault> {
    let body = json!({"object": "list", "data": items, "model": "m", "usage": {"total_tokens": 7}});
    read_answer(200, None, body.to_string().as_bytes(), expected)
}

/// The first number of each vector, as it goes to the database.
fn first_numbers(embedded: &Embedded) -> Vec<&str> {
    embedded.vectors.iter().map(|vector| vector.trim_start_matches('[').split(',').next().unwrap()).collect()
}

#[test]
fn a_request_holds_texts_and_a_model_and_how_to_embed_them() {
    let body: Value = serde_json::from_str(&request_body(&["one", "\"two\"\n"], "voyage-3.5", InputType::Document)).unwrap();
    let expected = json!({
        "input": ["one", "\"two\"\n"], "model": "voyage-3.5", "input_type": "document", "truncation": true,
        "output_dimension": 1024, "output_dtype": "float",
    });
    assert_eq!(body, expected);
    assert!(request_body(&["?"], "m", InputType::Query).contains(r#""input_type":"query""#));
}

#[test]
fn vectors_are_put_in_the_order_of_their_texts() {
    let embedded = read(&[item(2, &vector(0.5)), item(0, &vector(-0.25)), item(1, &vector(65504.0))], 3).unwrap();
    assert_eq!(first_numbers(&embedded), ["-0.25", "65504", "0.5"]);
    assert_eq!(embedded.tokens, 7);
}

#[test]
fn vectors_are_written_as_pgvector_reads_them() {
    let embedded = read(&[item(0, &vector(1e-7))], 1).unwrap();
    let text = &embedded.vectors[0];
    assert!(text.starts_with("[0.0000001,0,") && text.ends_with(",0]"), "{text}");
    assert_eq!(text.split(',').count(), EMBEDDING_DIMENSION);
}

#[test]
fn tokens_may_be_missing() {
    let body = json!({"data": [item(0, &vector(1.0))]}).to_string();
    assert_eq!(read_answer(200, None, body.as_bytes(), 1).unwrap().tokens, 0);
    assert_eq!(read_answer(200, None, br#"{"data": []}"#, 0).unwrap().vectors.len(), 0);
}

#[test]
fn an_answer_without_one_good_vector_a_text_is_refused() {
    let check = |items: &[Value], expected: usize, reason: &str| match read(items, expected) {
        Err(ProviderFault::Nonsense(said)) => assert!(said.contains(reason), "{said:?} does not say {reason:?}"),
        other => panic!("{reason}: {other:?}"),
    };
    let good = vector(1.0);
    check(&[item(0, &good)], 2, "1 vectors for 2 texts");
    check(&[item(0, &good), item(1, &good)], 1, "2 vectors for 1 texts");
    check(&[item(0, &good), item(0, &good)], 2, "two vectors with the index 0");
    check(&[item(0, &good), item(2, &good)], 2, "index 2 for 2 texts");
    check(&[item(0, &good[1..])], 1, "1023 numbers");
    check(&[item(0, &[])], 1, "0 numbers");
    check(&[item(0, &vector(1e39))], 1, "not finite");
    check(&[item(0, &vector(-65505.0))], 1, "too large");
    check(&[item(0, &vector(0.0))], 1, "only zeros");
    check(&[item(0, &vector(1e-9))], 1, "only zeros");
    check(&[json!({"embedding": good})], 1, "not a list of embeddings");
    check(&[json!({"embedding": "AAAA", "index": 0})], 1, "not a list of embeddings");
    check(&[json!({"embedding": [null], "index": 0})], 1, "not a list of embeddings");
    check(&[json!({"embedding": good, "index": -1})], 1, "not a list of embeddings");
}

#[test]
fn what_is_no_answer_is_named() {
    let check = |body: &str, reason: &str| match read_answer(200, None, body.as_bytes(), 1) {
        Err(ProviderFault::Nonsense(said)) => assert!(said.contains(reason), "{body:?}: {said:?}"),
        other => panic!("{body:?}: {other:?}"),
    };
    check("<!doctype html><title>Welcome</title>", "not JSON");
    check("", "ends in the middle");
    check(r#"{"data": [{"index": 0, "embedding": [0.1, 0."#, "ends in the middle");
    check(r#"{"data": [{"index": 0, "embedding": [NaN]}]}"#, "not JSON");
    check("[]", "not a list of embeddings");
    check("null", "not a list of embeddings");
}

#[test]
fn a_status_says_what_can_be_done() {
    let check = |status: u16, body: &str, expected: ProviderFault| {
        assert_eq!(read_answer(status, None, body.as_bytes(), 1), Err(expected), "{status}");
    };
    let (refused, unavailable) = (|text: &str| ProviderFault::Refused(text.into()), |text: &str| ProviderFault::Unavailable(text.into()));
    check(400, r#"{"detail": "Model x is not\n supported."}"#, refused("status 400: Model x is not supported."));
    check(403, "<html>", refused("status 403"));
    check(413, "", refused("status 413"));
    check(
        422,
        r#"{"detail": [{"loc": ["body"], "msg": "too long", "input": "secret"}, {"msg": "wrong"}]}"#,
        refused("status 422: too long; wrong"),
    );
    check(401, r#"{"detail": "Provided API key is invalid."}"#, ProviderFault::Unauthorized);
    check(404, "", unavailable("status 404"));
    check(302, "", unavailable("status 302"));
    check(500, r#"{"detail": {"deep": 1}}"#, unavailable("status 500"));
    check(503, r#"{"detail": ""}"#, unavailable("status 503"));
    check(429, "", ProviderFault::RateLimited { wait: Duration::from_secs(20) });
}

#[test]
fn only_a_refusal_is_about_the_input() {
    for (status, expected) in [(400, true), (403, true), (422, true), (401, false), (429, false), (500, false), (200, false)] {
        assert_eq!(read_answer(status, None, b"", 1).unwrap_err().is_about_the_input(), expected, "{status}");
    }
}

#[test]
fn waiting_is_bounded() {
    let check = |retry_after: Option<&str>, seconds: u64| {
        let fault = read_answer(429, retry_after, b"", 1).unwrap_err();
        assert_eq!(fault, ProviderFault::RateLimited { wait: Duration::from_secs(seconds) }, "{retry_after:?}");
    };
    check(Some("7"), 7);
    check(Some(" 7 "), 7);
    check(Some("0"), 1);
    check(Some("301"), 300);
    check(Some("-1"), 20);
    check(Some("soon"), 20);
    check(Some("Sun, 06 Nov 1994 08:49:37 GMT"), 20);
    check(None, 20);
}

#[test]
fn a_fault_is_one_short_sentence() {
    let detail = "x ".repeat(5_000);
    let fault = read_answer(400, None, json!({ "detail": detail }).to_string().as_bytes(), 1).unwrap_err();
    let said = fault.to_string();
    assert!(said.starts_with("the provider of embeddings refused the request (status 400: x x x") && said.len() < 300, "{said}");
    let fault = read_answer(429, Some("30"), b"", 1).unwrap_err();
    assert_eq!(fault.to_string(), "the provider of embeddings takes no more requests for 30 s");
    let fault = read(&[], 1).unwrap_err();
    assert_eq!(fault.to_string(), "the answer of the provider of embeddings has 0 vectors for 1 texts");
}

#[test]
fn requests_are_bounded_by_texts_and_by_bytes() {
    let check = |lengths: &[usize], expected: &[usize]| {
        let texts: Vec<String> = lengths.iter().map(|&length| "x".repeat(length)).collect();
        assert_eq!(batches(&texts).iter().map(Range::len).collect::<Vec<_>>(), expected, "{lengths:?}");
    };
    check(&[], &[]);
    check(&[0], &[1]);
    check(&[1; EMBEDDED_TEXTS_MAX], &[EMBEDDED_TEXTS_MAX]);
    check(&[1; EMBEDDED_TEXTS_MAX + 1], &[EMBEDDED_TEXTS_MAX, 1]);
    check(&[EMBEDDED_BYTES_MAX - 1, 1, 1], &[2, 1]);
    check(&[1, EMBEDDED_BYTES_MAX + 1, 1], &[1, 1, 1]);
}

#[test]
fn the_stand_in_has_little_to_say() {
    assert!(vector_weight("noted-local") < vector_weight("voyage-3.5") / 2.0);
}

proptest! {
    #[test]
    fn no_answer_makes_us_panic(status: u16, retry_after: Option<String>, body: Vec<u8>, expected in 0_usize..4) {
        let _ = read_answer(status, retry_after.as_deref(), &body, expected).map_err(|fault| fault.to_string());
        let _ = read_answer(200, None, &body, expected);
    }

    #[test]
    fn an_answer_cut_anywhere_is_refused(part in 0.0..1.0) {
        let body = json!({"data": [item(0, &vector(0.5))]}).to_string();
        let cut = (body.len() as f64 * part) as usize;
        prop_assert!(matches!(read_answer(200, None, &body.as_bytes()[..cut], 1), Err(ProviderFault::Nonsense(_))));
    }

    #[test]
    fn any_order_is_put_right(order in Just(vec![0_usize, 1, 2, 3, 4]).prop_shuffle()) {
        let items: Vec<Value> = order.iter().map(|&index| item(index, &vector(index as f64 + 1.0))).collect();
        let embedded = read(&items, 5).unwrap();
        prop_assert_eq!(first_numbers(&embedded), ["1", "2", "3", "4", "5"]);
    }

    #[test]
    fn batches_hold_every_text_once_and_in_order(lengths in prop::collection::vec(0_usize..60_000, 0..300)) {
        let texts: Vec<String> = lengths.iter().map(|&length| "x".repeat(length)).collect();
        let batches = batches(&texts);
        let all: Vec<usize> = batches.iter().cloned().flatten().collect();
        prop_assert_eq!(all, (0..texts.len()).collect::<Vec<_>>());
        for batch in batches {
            let bytes: usize = texts[batch.clone()].iter().map(String::len).sum();
            prop_assert!(batch.len() <= EMBEDDED_TEXTS_MAX && bytes <= EMBEDDED_BYTES_MAX);
        }
    }
}
