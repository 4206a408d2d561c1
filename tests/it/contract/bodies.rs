//! Bodies that are not what they should be: refused with a reason, never with a fault of ours, and never stored in part.

use bytes::Bytes;
use futures::stream;
use noted_shared::domain::ContentHash;
use noted_shared::limits;
use noted_tests::client::{Answer, Client, id_of, item, note_in, send, tag_of};
use noted_tests::world::shared;
use reqwest::{Body, Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, endless, with};

/// A whole megabyte in a note's own unit.
const CONTENT_BYTES_MAX: usize = 1 << 20;
const TOO_LARGE: (u16, &str, Option<&str>, &str) = (413, "PAYLOAD_TOO_LARGE", Some("content"), "Content exceeds 1MB limit");

async fn total(client: &Client) -> Value {
    client.get("/v1/ide-sync/list?include_content=false").await.data(200)["total"].clone()
}

fn create(client: &Client) -> RequestBuilder {
    let request = client.request(Method::POST, "/v1/ide-sync/create").header("Idempotency-Key", Uuid::new_v4().to_string());
    request.header("Content-Type", "application/json")
}

/// A create whose JSON is written by hand, so that it can be wrong in ways that no JSON writer allows.
fn written(path: &str, content_json: &str, rest: &str) -> String {
    let hash = ContentHash::of("a");
    format!(
        r#"{{"title":"A note","content":{content_json},"content_sha256":"{hash}","ide_file_path":"{path}","ide_last_modified":"2026-01-31T09:30:00Z","sync_origin_id":"test-origin"{rest}}}"#
    )
}

#[tokio::test]
async fn what_is_not_a_json_object_is_refused_as_unreadable() {
    let client = shared().tenant().await;
    let nested = |depth: usize| written("deep.md", "\"a\"", &format!(",\"more\":{}{}", "[".repeat(depth), "]".repeat(depth)));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", b"".to_vec()),
        ("a space", b" ".to_vec()),
        ("null", b"null".to_vec()),
        ("an array", b"[]".to_vec()),
        ("a string", b"\"x\"".to_vec()),
        ("a number", b"7".to_vec()),
        ("no end", b"{\"title\": \"a".to_vec()),
        ("two objects", b"{} {}".to_vec()),
        ("single quotes", b"{'title': 'a'}".to_vec()),
        ("a trailing comma", b"{\"title\": \"a\",}".to_vec()),
        ("NaN", b"{\"title\": NaN}".to_vec()),
        ("a byte order mark", format!("\u{feff}{}", written("a.md", "\"a\"", "")).into_bytes()),
        ("UTF-16", "{\"title\": \"a\"}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a lone surrogate", written("a.md", r#""\ud800""#, "").into_bytes()),
        ("a lone surrogate in the path", written(r"\udc00.md", "\"a\"", "").into_bytes()),
        ("a raw control character", written("a.md", "\"a\u{1}\"", "").into_bytes()),
        ("a number beyond any range", written("a.md", "\"a\"", ",\"more\":1e400").into_bytes()),
        ("arrays 20,000 deep", nested(20_000).into_bytes()),
        ("arrays 20,000 deep and never closed", b"[".repeat(20_000)),
        ("arrays 128 deep in an object", nested(128).into_bytes()),
        ("a form", b"title=a&content=b".to_vec()),
    ];
    for (case, body) in cases {
        let answer = client.create_raw(body).await;
        assert_eq!(answer.status, 400, "{case}: {}", answer.body);
        let error = answer.error(400);
        let message = error["message"].as_str().unwrap_or_default();
        assert!(error["code"] == "VALIDATION_ERROR" && message.starts_with("The body is not valid JSON: "), "{case}: {error}");
    }
    assert_eq!(total(&client).await, 0);
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_refused() {
    let client = shared().tenant().await;
    let place = written("a.md", "\"HERE\"", "");
    let (before, after) = place.split_once("HERE").unwrap();
    let bad: [(&str, &[u8]); 5] = [
        ("a lone byte", b"\xff"),
        ("an overlong slash", b"\xc0\xaf"),
        ("an overlong NUL", b"\xc0\x80"),
        ("a surrogate", b"\xed\xa0\x80"),
        ("a cut-off sequence", b"\xf0\x9f\x98"),
    ];
    for (case, bytes) in bad {
        let body = [before.as_bytes(), bytes, after.as_bytes()].concat();
        let expected = (400, "VALIDATION_ERROR", Some("body"), "body is not valid UTF-8");
        assert_refused(&client.create_raw(body).await, expected, case);
    }
    assert_eq!(total(&client).await, 0);
}

#[tokio::test]
async fn an_escaped_nul_is_refused_wherever_it_stands() {
    let client = shared().tenant().await;
    let cases =
        [("title", 422), ("content", 422), ("ide_file_path", 422), ("sync_origin_id", 422), ("note_type", 422), ("content_sha256", 400)];
    for (field, status) in cases {
        let answer = client.create(&with(note_in("a.md", "a"), field, "a\0b")).await;
        assert_eq!((answer.status, answer.error(status)["field"].as_str()), (status, Some(field)), "{field}");
    }
    let answer = client.create(&with(note_in("a.md", "a"), "tit\0le", "a\0b")).await;
    assert_refused(&answer, (400, "VALIDATION_ERROR", Some("title"), "title is unknown; did you mean \"title\"?"), "a name");
}

#[tokio::test]
async fn odd_but_valid_json_is_read() {
    let client = shared().tenant().await;
    let tags = |count: usize| format!(",\"source_metadata\":{{\"tags\":[{}]}}", vec!["\"\\u00e9\""; count].join(","));
    let cases = [
        ("null where nothing is said", r#","folder_id":null,"file_metadata":null"#.to_owned()),
        ("odd numbers", r#","file_metadata":{"file_size_bytes":9007199254740991}"#.to_owned()),
        ("escapes in names", r#","\u0066ile_metadata":{"\u0070latform":"a"}"#.to_owned()),
        ("twenty tags", tags(20)),
        ("white space", " \r\n\t ".repeat(100_000)),
    ];
    for (number, (case, rest)) in cases.into_iter().enumerate() {
        let answer = client.create_raw(written(&format!("{number}.md"), "\"a\"", &rest)).await;
        assert_eq!(answer.status, 201, "{case}: {}", answer.body);
    }
    let escaped = client.create_raw(written("escaped.md", r#""\u0061""#, "")).await.data(201);
    assert_eq!(escaped["note"]["content"], "a", "an escaped letter is the letter");
}

#[tokio::test]
async fn what_is_unknown_is_refused_with_the_name_that_was_meant() {
    let client = shared().asker().await;
    let told = |answer: Answer| {
        let errors = answer.json()["errors"].clone();
        let messages = errors.as_array().unwrap().iter().map(|error| error["message"].as_str().unwrap().to_owned());
        (answer.status, messages.collect::<Vec<_>>().join(" | "))
    };
    let create = async |rest: &str| told(client.create_raw(written("a.md", "\"a\"", rest)).await);
    let refused = |message: &str| (400, message.to_owned());
    assert_eq!(create(r#","folder":"x""#).await.1.split(';').next(), Some("folder is unknown"));
    assert_eq!(create(r#","idempotency_keys":"x""#).await, refused(r#"idempotency_keys is unknown; did you mean "idempotency_key"?"#));
    assert_eq!(
        create(r#","titel":7,"folder_id":7"#).await,
        refused(r#"folder_id must be a string | titel is unknown; did you mean "title"?"#),
        "all faults are told at once"
    );
    let ask = async |filters: Value| told(client.post("/v1/rag-query", &json!({ "query": "x", "filters": filters })).await);
    assert_eq!(ask(json!({ "updated_sinc": "x" })).await, refused(r#"updated_sinc is unknown; did you mean "updated_since"?"#));
    assert_eq!(ask(json!({ "date_range": { "from": "x" } })).await, refused("from is unknown; known are start, end"));
    let item = with(item("b.md", "b"), "contents", "b");
    let batch = client.batch(&[item]).await.json();
    let message = r#"contents is unknown; did you mean "content"?"#;
    assert_eq!(batch["data"]["results"][0]["error_message"], message);
    // On routes without parameters, too, and before anything is done.
    let note = client.note("c.md", "c").await;
    let removed = send(client.request(Method::DELETE, &format!("/v1/ide-sync/delete/{}?force=true", id_of(&note)))).await;
    assert_eq!(told(removed).1.split(';').next(), Some("force is unknown"));
    assert_eq!(told(client.get("/v1/ide-sync/status?x=1").await), refused("x is unknown; nothing can be named here"));
    let removed = client.write(Method::DELETE, &format!("/v1/notes/{}", id_of(&note)), "*", &json!({ "version_vector": {} })).await;
    assert_eq!(told(removed), refused("body is not read on this route; leave it out"));
    assert_eq!(told(client.get("/health?x=1").await), refused("x is unknown; nothing can be named here"));
    assert_eq!(total(&client).await, 1);
}

#[tokio::test]
async fn a_condition_that_a_route_does_not_have_is_refused_and_nothing_is_done() {
    let client = shared().asker().await;
    let note = client.note("a.md", "a").await;
    let folder = client.post("/v1/folders", &json!({ "name": "f" })).await.data(201)["folder"]["id"].clone();
    let of_note = format!("/v1/notes/{}", id_of(&note));
    let of_folder = format!("/v1/folders/{}", folder.as_str().unwrap());
    let draft = json!({ "title": "t", "content": "c" });
    let create = note_in("b.md", "b");
    let tag = tag_of(&note);
    let tag = tag.as_str();
    let requests = [
        ("If-Match", tag, client.request(Method::POST, "/v1/notes").json(&draft)),
        ("If-Match", "*", client.request(Method::POST, "/v1/ide-sync/create").json(&create)),
        ("If-Match", tag, client.request(Method::POST, "/v1/ide-sync/batch").json(&json!({ "notes": [item("b.md", "b")] }))),
        ("If-Match", "*", client.request(Method::POST, "/v1/folders").json(&json!({ "name": "g" }))),
        ("If-Match", tag, client.request(Method::PATCH, &of_folder).json(&json!({ "name": "g" }))),
        ("If-Match", tag, client.request(Method::DELETE, &of_folder)),
        ("If-Match", tag, client.request(Method::POST, "/v1/rag-query").json(&json!({ "query": "x" }))),
        ("If-Match", tag, client.request(Method::GET, "/v1/notes")),
        ("If-None-Match", "*", client.request(Method::POST, "/v1/notes").json(&draft)),
        ("If-None-Match", tag, client.request(Method::PATCH, &of_note).header("If-Match", tag).json(&json!({ "title": "x" }))),
        ("If-Unmodified-Since", "Wed, 21 Oct 2015 07:28:00 GMT", client.request(Method::DELETE, &of_note).header("If-Match", tag)),
    ];
    for (number, (name, value, request)) in requests.into_iter().enumerate() {
        let answer = send(request.header("Idempotency-Key", format!("condition-{number}")).header(name, value)).await;
        let message = format!("{name} is no condition that this request can have; leave it out");
        assert_refused(&answer, (400, "VALIDATION_ERROR", Some(name), &message), name);
    }
    assert_eq!((total(&client).await, client.get(&of_note).await.data(200)["note"]["version"].clone()), (json!(1), json!(1)));
    assert_eq!(client.get("/v1/folders").await.data(200)["folders"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_field_that_comes_twice_is_refused_because_two_readers_could_take_different_ones() {
    let client = shared().tenant().await;
    for (rest, message) in [
        (r#","title":"The last""#, "body names \"title\" twice"),
        (r#","ide_file_path":"../c.md""#, "body names \"ide_file_path\" twice"),
        (r#","file_metadata":{"platform":"a","platform":"b"}"#, "body names \"platform\" twice"),
    ] {
        let answer = client.create_raw(written("a.md", "\"a\"", rest)).await;
        assert_refused(&answer, (400, "VALIDATION_ERROR", Some("body"), message), rest);
    }
    assert_eq!(total(&client).await, 0);
}

#[tokio::test]
async fn a_text_of_exactly_one_mebibyte_is_kept_and_one_byte_more_is_refused() {
    let client = shared().tenant().await;
    let largest = "\u{e9}".repeat(CONTENT_BYTES_MAX / 2);
    let note = client.note("largest.md", &largest).await;
    assert!(note["content"] == largest.as_str(), "the largest text comes back");
    for (case, text) in [("ASCII", "x".repeat(CONTENT_BYTES_MAX + 1)), ("two bytes a character", format!("{largest}x"))] {
        assert_refused(&client.create(&note_in("larger.md", &text)).await, TOO_LARGE, case);
    }
    // Three bytes of JSON for each byte of text: the body is large, the text is not.
    let escaped = written("escaped.md", &format!("\"{}\"", r"\u00e9".repeat(CONTENT_BYTES_MAX / 2)), "");
    let escaped = escaped.replace(&ContentHash::of("a").to_string(), &ContentHash::of(&largest).to_string());
    assert_eq!(client.create_raw(escaped).await.status, 201);
    assert_eq!(total(&client).await, 2);
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_is_sent() {
    let client = shared().tenant().await;
    for length in ["10000000", "100000000000", "9223372036854775807"] {
        let beginning = Bytes::from_static(b"{\"title\":");
        let answer = send(create(&client).header("Content-Length", length).body(endless(vec![beginning]))).await;
        assert_refused(&answer, TOO_LARGE, length);
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_refused_once_it_is_too_large_though_it_never_ends() {
    let client = shared().tenant().await;
    // One byte more than is read at all: whatever the client sent after that would meet a closed door.
    let mut pieces = vec![Bytes::from(vec![b'x'; 64 * 1024]); limits::BODY_BYTES_MAX / (64 * 1024)];
    pieces.push(Bytes::from(vec![b'x'; limits::BODY_BYTES_MAX % (64 * 1024) + 1]));
    assert_refused(&send(create(&client).body(endless(pieces))).await, TOO_LARGE, "chunked");
    assert_eq!(total(&client).await, 0);
}

#[tokio::test]
async fn a_body_in_many_small_pieces_is_read_like_any_other() {
    let client = shared().tenant().await;
    let body = note_in("pieces.md", "caf\u{e9} \u{1f600}").to_string();
    let pieces = body.into_bytes().chunks(7).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece))).collect::<Vec<_>>();
    let note = send(create(&client).body(Body::wrap_stream(stream::iter(pieces)))).await.data(201)["note"].clone();
    assert_eq!(note["content"], "caf\u{e9} \u{1f600}");
}

#[tokio::test]
async fn a_body_of_another_media_type_is_refused() {
    let client = shared().tenant().await;
    let body = note_in("a.md", "a").to_string();
    let request = |media_type: Option<&str>| {
        let request = client.request(Method::POST, "/v1/ide-sync/create").header("Idempotency-Key", Uuid::new_v4().to_string());
        let request = request.body(body.clone());
        media_type
            .map_or_else(|| request.try_clone(), |media_type| request.try_clone().map(|request| request.header("Content-Type", media_type)))
    };
    let refused = [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json; charset=utf-16"),
        Some("*/*"),
        Some("json"),
    ];
    for media_type in refused {
        let expected = (415, "UNSUPPORTED_MEDIA_TYPE", None, "Content-Type must be application/json");
        assert_refused(&send(request(media_type).unwrap()).await, expected, &format!("{media_type:?}"));
    }
    for media_type in ["application/json", "Application/JSON; charset=UTF-8", "application/vnd.noted.v1+json"] {
        let answer = send(request(Some(media_type)).unwrap()).await;
        assert_ne!(answer.status, 415, "{media_type}");
    }
    assert_eq!(total(&client).await, 1);
}

#[tokio::test]
async fn an_update_is_read_as_strictly_as_a_create() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "a").await;
    let path = format!("/v1/ide-sync/update/{}", id_of(&note));
    let nul = json!({ "title": "a\0b" }).to_string();
    let cases: [(&[u8], u16); 6] = [
        (b"", 400),
        (b"null", 400),
        (b"[]", 400),
        (b"{\"title\":\"\xff\"}", 400),
        (b"{\"title\":\"\\ud800\"}", 400),
        (nul.as_bytes(), 400),
    ];
    for (body, status) in cases {
        let request = client.request(Method::PUT, &path).header("Idempotency-Key", "k").header("Content-Type", "application/json");
        let answer = send(request.body(body.to_vec())).await;
        assert_eq!(answer.status, status, "{:?}: {}", String::from_utf8_lossy(body), answer.body);
    }
    let unread = vec![Bytes::from_static(b"{")];
    let request = client.request(Method::PUT, &path).header("Idempotency-Key", "k").header("Content-Type", "application/json");
    assert_eq!(send(request.header("Content-Length", "10000000").body(endless(unread))).await.status, 413);
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0], note, "nothing changed");
}
