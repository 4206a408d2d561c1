//! That each mode is, over the wire, what it is called; and what Noted makes of it.

use super::{Mode, Provider};
use noted_shared::domain::embedding::{Embedded, InputType, ProviderFault, STAND_IN_MODEL, read_answer, request_body};
use reqwest::header::RETRY_AFTER;
use std::time::{Duration, Instant};

/// Longer than an answer takes that comes at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks for vectors; an error of the wire stays one.
async fn ask(provider: &Provider, texts: &[&str]) -> reqwest::Result<Result<Embedded, ProviderFault>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let body = request_body(texts, STAND_IN_MODEL, InputType::Document);
    let request = reqwest::Client::new().post(format!("{}/embeddings", provider.base_url())).bearer_auth("test").body(body);
    let answer = request.timeout(PATIENCE).send().await?;
    let status = answer.status().as_u16();
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = answer.bytes().await?;
    Ok(read_answer(status, retry_after.as_deref(), &body, texts.len()))
}

#[tokio::test]
async fn every_fault_is_told_from_the_others() {
    let provider = Provider::start().unwrap();
    let check = async |mode: Mode, said: &str| {
        provider.set_mode(mode);
        let fault = ask(&provider, &["one", "two"]).await.unwrap().unwrap_err().to_string();
        assert!(fault.contains(said), "{mode:?}: {fault}");
    };
    check(Mode::RateLimits { retry_after: Some(7) }, "no more requests for 7 s").await;
    check(Mode::RateLimits { retry_after: None }, "no more requests for 20 s").await;
    check(Mode::WrongDimension, "512 numbers").await;
    check(Mode::NotFinite, "not JSON").await;
    check(Mode::Html, "not JSON").await;
    check(Mode::Truncated, "ends in the middle").await;
    check(Mode::ServerError, "status 500: Something went wrong").await;
    check(Mode::Unauthorized, "does not accept the key").await;
    check(Mode::TooFew, "1 vectors for 2 texts").await;
    check(Mode::WrongIndex, "the index 2 for 2 texts").await;
    assert_eq!((provider.requests(), provider.embedded().len(), provider.sent()["one"]), (10, 0, 10));
}

#[tokio::test]
async fn what_never_answers_is_an_error_of_the_wire() {
    let provider = Provider::start().unwrap();
    provider.set_mode(Mode::Refuses);
    let started = Instant::now();
    assert!(!ask(&provider, &["one"]).await.unwrap_err().is_timeout());
    assert!(started.elapsed() < PATIENCE);
    for mode in [Mode::Hangs, Mode::Drips] {
        provider.set_mode(mode);
        assert!(ask(&provider, &["one"]).await.unwrap_err().is_timeout(), "{mode:?}");
    }
    assert_eq!(provider.times_embedded("one"), 0);
    provider.set_mode(Mode::Well);
    assert!(ask(&provider, &["one"]).await.unwrap().is_ok(), "it is well again");
}

#[tokio::test]
async fn good_answers_are_counted_by_their_texts() {
    let provider = Provider::start().unwrap();
    let well = ask(&provider, &["one", "two"]).await.unwrap().unwrap();
    provider.set_mode(Mode::OutOfOrder);
    assert_eq!(ask(&provider, &["one", "two"]).await.unwrap().unwrap(), well, "the index says which text a vector is of");
    assert!(ask(&provider, &["one", ""]).await.unwrap().unwrap_err().is_about_the_input());
    assert_eq!(["one", "two", ""].map(|text| provider.times_embedded(text)), [2, 2, 0]);
}

#[tokio::test]
async fn every_second_request_fails() {
    let provider = Provider::start().unwrap();
    provider.set_mode(Mode::EverySecond);
    let mut well = Vec::new();
    for _ in 0..4 {
        well.push(ask(&provider, &["one"]).await.unwrap().is_ok());
    }
    assert_eq!((well, provider.times_embedded("one"), provider.sent()["one"]), (vec![true, false, true, false], 2, 4));
}

#[tokio::test]
async fn a_model_has_vectors_of_its_own_and_one_that_was_given_up_has_none() {
    let provider = Provider::start().unwrap();
    let before = ask(&provider, &["one"]).await.unwrap().unwrap();
    provider.set_models(&["another", STAND_IN_MODEL]);
    assert_ne!(ask(&provider, &["one"]).await.unwrap().unwrap(), before);
    provider.set_models(&["another"]);
    assert!(ask(&provider, &["one"]).await.unwrap().unwrap_err().is_about_the_input());
    assert_eq!((provider.embedded_with(STAND_IN_MODEL)["one"], provider.embedded_with("another").len()), (2, 0));
}

#[tokio::test]
async fn the_last_request_is_kept() {
    let provider = Provider::start().unwrap();
    assert!(provider.last().is_none());
    provider.set_mode(Mode::ServerError);
    let _ = ask(&provider, &["one", "two"]).await.unwrap();
    let last = provider.last().unwrap();
    assert_eq!(last.line, "POST /v1/embeddings");
    assert_eq!(last.headers["authorization"], "Bearer test");
    assert_eq!(last.body, request_body(&["one", "two"], STAND_IN_MODEL, InputType::Document));
}
