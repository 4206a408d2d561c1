//! Whether twin and bundle do the same: a comparison of speeds means nothing when the answers differ.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::load::{Answer, Connection, Numbers, Request};
use crate::notes;
use crate::scenario::Contender;
use crate::tenants::Tenants;

/// What cannot be the same in two answers: ids, and times of the server's clock.
const OWN: [&str; 10] = [
    "id",
    "request_id",
    "key_id",
    "timestamp",
    "created_at",
    "updated_at",
    "last_ide_sync_at",
    "last_sync_at",
    "ide_file_path",
    // It names the workspace.
    "next_cursor",
];

/// What each server answered on each route.
struct Answers(Vec<(&'static str, Answer)>);

/// Asks both the same and compares what they answer.
pub(crate) async fn answers_are_equal(twin: &Contender, server: &Contender, tenants: &mut Tenants, numbers: &Arc<Numbers>) -> Result<()> {
    // With keys that were given both write into the same workspace, so what is counted there differs.
    let is_own = matches!(tenants, Tenants::Made { .. });
    let expected = Answers::of(twin, tenants, numbers).await?;
    let actual = Answers::of(server, tenants, numbers).await?;
    for ((route, expected), (_, actual)) in expected.0.iter().zip(&actual.0) {
        ensure!(
            expected.status == actual.status,
            "{route}: {} answers {} ({}), {} answers {} ({})",
            twin.name,
            expected.status,
            String::from_utf8_lossy(&expected.body),
            server.name,
            actual.status,
            String::from_utf8_lossy(&actual.body)
        );
        ensure!(expected.headers == actual.headers, "{route}: headers {:?} and {:?}", expected.headers, actual.headers);
        if is_own {
            let (expected, actual) = (comparable(&expected.body)?, comparable(&actual.body)?);
            ensure!(expected == actual, "{route}: {} answers {expected}, {} answers {actual}", twin.name, server.name);
        }
    }
    Ok(())
}

impl Answers {
    async fn of(contender: &Contender, tenants: &mut Tenants, numbers: &Arc<Numbers>) -> Result<Self> {
        let (target, key) = (&contender.target, tenants.key().await?);
        let requests: [(&'static str, Request); 4] = [
            ("create", notes::create(target, &key)?),
            ("list", notes::list(target, &key)),
            ("changes", notes::changes(target, &key)),
            ("status", notes::status(target, &key)),
        ];
        let mut connection = Connection::open(target).await?;
        let mut answers = Vec::new();
        for (route, mut request) in requests {
            let asked = connection.ask(request.numbered(numbers.next())).await;
            answers.push((route, asked.with_context(|| format!("{route}, {}", contender.name))?));
        }
        Ok(Self(answers))
    }
}

fn comparable(body: &[u8]) -> Result<Value> {
    let mut value = serde_json::from_slice(body).context("an answer that is not JSON")?;
    blank(&mut value);
    Ok(value)
}

/// Replaces what cannot be the same; that it is there, and whether it is null, still counts.
fn blank(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(blank),
        Value::Object(fields) => {
            for (name, field) in fields {
                if OWN.contains(&name.as_str()) && !field.is_null() {
                    *field = Value::from("...");
                }
                blank(field);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::comparable;

    #[test]
    fn ids_and_times_do_not_count_and_everything_else_does() {
        let same = |one: &str, other: &str| comparable(one.as_bytes()).unwrap() == comparable(other.as_bytes()).unwrap();
        assert!(same(r#"{"notes":[{"id":"a","version":1}]}"#, r#"{"notes":[{"version":1,"id":"b"}]}"#));
        assert!(!same(r#"{"id":"a"}"#, r#"{"id":null}"#));
        assert!(!same(r#"{"id":"a"}"#, "{}"));
        assert!(!same(r#"{"version":1}"#, r#"{"version":2}"#));
    }
}
