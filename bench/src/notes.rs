//! The requests that are measured, and the notes in them: about two kilobytes of text each.

use std::fmt::Write;

use anyhow::{Result, ensure};
use noted_shared::domain::{Content, ContentHash, FileMetadata, NotePath, OriginId, Timestamp, Title};
use noted_shared::wire::NoteIn;

use crate::load::{Connection, NUMBER, Numbers, Request, Target};

/// Notes of the page that is listed.
pub(crate) const NOTES_LISTED: usize = 100;

const PARAGRAPHS: usize = 5;
const PARAGRAPH: &str = "The parser reads a request whole before anything is asked of the database, because a value that was checked once \
    need not be doubted again. What it refuses it refuses at once, with every fault that it found and the name of each field. Whoever \
    sends a note learns in one answer what is wrong with it, and the table never sees half of it. A retry carries the same name as the \
    first attempt, and gets the same answer.\n";

/// The bundle's way to make a note. Path and idempotency key are new each time.
pub(crate) fn create(target: &Target, key: &str) -> Result<Request> {
    let content = Content::parse(text())?;
    let note = NoteIn {
        title: Title::parse("How a request is read")?,
        content_sha256: ContentHash::of(content.as_str()),
        content,
        ide_file_path: Some(NotePath::parse(&format!("docs/{NUMBER}.md"))?),
        ide_last_modified: Timestamp::parse("2026-01-31T09:30:00Z")?,
        sync_origin_id: OriginId::parse("noted-bench")?,
        folder_id: None,
        note_type: None,
        source_metadata: serde_json::Map::new(),
        file_metadata: FileMetadata::default(),
    };
    let headers = [("authorization", &*format!("Bearer {key}")), ("idempotency-key", NUMBER)];
    Ok(Request::new(target, "POST", "/v1/ide-sync/create", &headers, &serde_json::to_vec(&note)?))
}

/// The first page of a workspace, with the texts.
pub(crate) fn list(target: &Target, key: &str) -> Request {
    let path = format!("/v1/ide-sync/list?limit={NOTES_LISTED}");
    Request::new(target, "GET", &path, &[("authorization", &format!("Bearer {key}"))], &[])
}

/// The first page of a workspace's changes, with the texts.
pub(crate) fn changes(target: &Target, key: &str) -> Request {
    let path = format!("/v1/ide-sync/changes?limit={NOTES_LISTED}");
    Request::new(target, "GET", &path, &[("authorization", &format!("Bearer {key}"))], &[])
}

/// How a workspace's sync stands: one small statement.
pub(crate) fn status(target: &Target, key: &str) -> Request {
    Request::new(target, "GET", "/v1/ide-sync/status", &[("authorization", &format!("Bearer {key}"))], &[])
}

/// A request that the probe answers without doing anything.
pub(crate) fn noop(target: &Target) -> Request {
    Request::new(target, "GET", "/probe/body/ignore", &[], &[])
}

/// `select 1` by the probe, on the connection that its instance keeps.
pub(crate) fn query(target: &Target) -> Request {
    let order = br#"{"steps":[{"statement":"select 1","mode":"collect"}],"keep":true}"#;
    Request::new(target, "POST", "/probe/pg", &[], order)
}

/// Makes `count` notes, one after the other.
pub(crate) async fn fill(target: &Target, key: &str, count: usize, numbers: &Numbers) -> Result<()> {
    let mut request = create(target, key)?;
    let mut connection = Connection::open(target).await?;
    for _ in 0..count {
        let answer = connection.ask(request.numbered(numbers.next())).await?;
        ensure!(answer.status == 201, "a note was not made: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(())
}

fn text() -> String {
    let mut text = String::from("# How a request is read\n");
    for number in 1..=PARAGRAPHS {
        // Writing to a string does not fail.
        let _ = write!(text, "\n## Step {number}\n\n{PARAGRAPH}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{create, text};
    use crate::load::Target;

    #[test]
    fn a_note_has_about_two_kilobytes_and_is_acceptable() {
        assert!((1_900..2_200).contains(&text().len()), "{}", text().len());
        let target = Target::new(&"http://127.0.0.1:80/".parse().unwrap()).unwrap();
        let mut request = create(&target, "key").unwrap();
        let bytes = String::from_utf8(request.numbered(7).to_vec()).unwrap();
        assert_eq!(bytes.matches("0000000000000007").count(), 2);
    }
}
