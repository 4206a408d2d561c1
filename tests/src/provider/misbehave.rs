//! Makes of a good answer what a mode wants.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use noted::local::embedder::Answer;
use serde_json::Value;

use super::Body;
use super::mode::Mode;

/// Between two bytes of an answer that drips.
const DRIP_INTERVAL: Duration = Duration::from_secs(1);

/// The response; an error closes the connection without one. What was refused is refused in every mode that answers at all.
pub(super) async fn response(mode: Mode, answer: Answer) -> io::Result<Response<Body>> {
    let Answer { status, body: good } = answer;
    let text = match mode {
        Mode::Refuses => return Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        Mode::Hangs => std::future::pending().await,
        Mode::RateLimits { retry_after } => return Ok(rate_limited(retry_after)),
        Mode::ServerError => return Ok(refusal(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.")),
        Mode::Unauthorized => return Ok(refusal(StatusCode::UNAUTHORIZED, "Provided API key is invalid.")),
        Mode::Html => return Ok(full(StatusCode::OK, "text/html", "<!doctype html><title>Welcome to our Wi-Fi</title>".into())),
        _ if !status.is_success() => good.to_string(),
        Mode::Drips => return Ok(dripping(&good.to_string())),
        Mode::Well | Mode::EverySecond => good.to_string(),
        Mode::WrongDimension => with_vectors(good, |numbers| numbers.truncate(numbers.len() / 2)).to_string(),
        Mode::NotFinite => with_vectors(good, |numbers| numbers[0] = "first".into()).to_string().replace("\"first\"", "NaN"),
        Mode::Truncated => {
            let text = good.to_string();
            text[..text.len() / 2].to_owned()
        }
        Mode::TooFew => with_data(good, |data| drop(data.pop())).to_string(),
        Mode::WrongIndex => {
            with_data(good, |data| data.iter_mut().for_each(|item| item["index"] = (item["index"].as_u64().unwrap_or(0) + 1).into()))
                .to_string()
        }
        Mode::OutOfOrder => with_data(good, |data| data.reverse()).to_string(),
    };
    Ok(full(status, "application/json", text))
}

/// The answer of another model: each vector turned by so many hundred places.
pub(super) fn turned(answer: Answer, hundreds: usize) -> Answer {
    let turn = |numbers: &mut Vec<Value>| numbers.rotate_left(100 * hundreds);
    Answer { body: with_vectors(answer.body, turn), ..answer }
}

/// The answer after a change of its list.
fn with_data(mut answer: Value, change: impl FnOnce(&mut Vec<Value>)) -> Value {
    if let Some(data) = answer["data"].as_array_mut() {
        change(data);
    }
    answer
}

/// The answer after a change of each vector.
fn with_vectors(answer: Value, change: impl Fn(&mut Vec<Value>)) -> Value {
    with_data(answer, |data| data.iter_mut().filter_map(|item| item["embedding"].as_array_mut()).for_each(change))
}

fn rate_limited(retry_after: Option<u64>) -> Response<Body> {
    let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, "You have exceeded your rate limit.");
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn refusal(status: StatusCode, detail: &str) -> Response<Body> {
    full(status, "application/json", Answer::refusal(status, detail).body.to_string())
}

fn full(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    with_body(status, content_type, Full::from(text).boxed_unsync())
}

fn dripping(text: &str) -> Response<Body> {
    let bytes = stream::unfold(text.to_owned().into_bytes().into_iter(), async |mut rest| {
        let byte = rest.next()?;
        tokio::time::sleep(DRIP_INTERVAL).await;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(vec![byte]))), rest))
    });
    with_body(StatusCode::OK, "application/json", StreamBody::new(bytes).boxed_unsync())
}

fn with_body(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
