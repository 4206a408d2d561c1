//! The rules that a workspace sets for its agents.

use noted::database;
use noted_shared::domain::WorkspaceRules;
use noted_tests::client::{Client, item};
use noted_tests::world::shared;
use serde_json::json;
use uuid::Uuid;

use super::{GOOD, agent_and_person, attempts, text, write};
use crate::contract::assert_refused;

async fn set(client: &Client, bytes_max: Option<i32>, words: Option<&[&str]>) -> WorkspaceRules {
    let words: Option<Vec<String>> = words.map(|words| words.iter().map(|&word| word.to_owned()).collect());
    let mut owner = database::connect(&shared().database.owner_url).await.unwrap();
    database::set_agent_rules(&mut owner, client.key.workspace_id, bytes_max, words.as_deref()).await.unwrap()
}

#[tokio::test]
async fn words_are_refused_where_the_workspace_has_a_list() {
    let (agent, person) = agent_and_person().await;
    let (other, _) = agent_and_person().await;
    let content = format!("{GOOD}\nDarn, it is large.\n");
    write(&agent, &text(&content)).await.data(201);
    let rules = set(&agent, None, Some(&["heck", "darn"])).await;
    assert_eq!(rules, WorkspaceRules { refused_words: vec!["heck".to_owned(), "darn".to_owned()], ..WorkspaceRules::default() });

    let content = format!("{GOOD}\nDarn, it is still large.\n");
    let violation =
        json!({ "rule": "profanity_filter", "message": "Content contains inappropriate language", "line": 5, "recoverable": true });
    assert_eq!(write(&agent, &text(&content)).await.json()["data"]["validation_errors"], json!([violation]));
    let expected = (422, "VALIDATION_FAILED", Some("content"), "Content contains inappropriate language");
    assert_refused(&agent.post("/v1/notes", &json!({ "title": "t", "content": content })).await, expected, "another door");
    let batch = agent.batch(&[item(&format!("{}.md", Uuid::new_v4()), &content)]).await;
    assert_eq!((batch.status, &batch.json()["data"]["results"][0]["error_code"]), (422, &json!("VALIDATION_FAILED")), "{}", batch.body);
    assert_eq!(attempts(&agent).await.len(), 4, "each was tried once");

    assert_eq!(person.post("/v1/notes", &json!({ "title": "t", "content": content })).await.status, 201, "people may say what they like");
    write(&other, &text(&content)).await.data(201);
    set(&agent, None, Some(&[])).await;
    write(&agent, &text(&content.replace("still", "not so"))).await.data(201);
}

#[tokio::test]
async fn a_workspace_says_how_large_its_agents_notes_may_be() {
    let (agent, person) = agent_and_person().await;
    let rules = set(&agent, Some(2048), None).await;
    assert_eq!((rules.bytes_max, rules.refused_words.len()), (2048, 0));
    write(&agent, &text(&"x".repeat(2048))).await.data(201);
    let answer = write(&agent, &text(&"x".repeat(2049))).await;
    assert_eq!(answer.json()["errors"][0]["message"], "Note exceeds maximum size (2KB)", "{}", answer.body);
    assert_eq!(person.post("/v1/notes", &json!({ "title": "t", "content": "x".repeat(2049) })).await.status, 201);
    set(&agent, Some(200 << 10), None).await;
    write(&agent, &text(&"x".repeat(150 << 10))).await.data(201);
    assert_eq!(set(&agent, None, None).await.bytes_max, 200 << 10, "what is not set stays");
}

#[tokio::test]
async fn rules_that_make_no_sense_are_not_set() {
    let (agent, _) = agent_and_person().await;
    let mut owner = database::connect(&shared().database.owner_url).await.unwrap();
    for bytes_max in [0, (1 << 20) + 1] {
        let refused = database::set_agent_rules(&mut owner, agent.key.workspace_id, Some(bytes_max), None).await;
        assert!(refused.unwrap_err().to_string().contains("workspaces_agent_rules_bounded"), "{bytes_max}");
    }
    assert!(database::set_agent_rules(&mut owner, Uuid::new_v4(), None, None).await.is_err(), "no such workspace");
}
