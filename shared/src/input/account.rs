//! What a workspace is to set, as it arrives.

use super::{Fields, boolean, string};
use crate::domain::Invalid;
use crate::error::Error;
use crate::limits;
use crate::wire::SettingsChange;
use serde_json::Value;

impl SettingsChange {
    /// Reads the body. Reports every field at once; a body that names none is a mistake.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let change = Self {
            ai_processing: fields.optional("ai_processing", boolean),
            agent_note_bytes_max: fields.optional("agent_note_bytes_max", bytes_max),
            agent_refused_words: fields.optional("agent_refused_words", words),
            conflict_retention_days: fields.optional("conflict_retention_days", days),
        };
        // What was named and wrong is told by `finish`.
        fields.finish()?;
        if change == Self::default() { Err(Error::field("body", Invalid::malformed("names no setting to change"))) } else { Ok(change) }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a reader takes the value it reads")]
fn bytes_max(value: Value) -> Result<i32, Invalid> {
    let (least, most) = (limits::AGENT_NOTE_BYTES_LEAST, limits::CONTENT_BYTES_MAX);
    let bytes = value.as_i64().ok_or_else(|| Invalid::malformed("must be a whole number of bytes"))?;
    let fits = usize::try_from(bytes).is_ok_and(|bytes| (least..=most).contains(&bytes));
    i32::try_from(bytes).ok().filter(|_| fits).ok_or_else(|| Invalid::refused(format!("must be from {least} to {most}")))
}

#[expect(clippy::needless_pass_by_value, reason = "a reader takes the value it reads")]
fn days(value: Value) -> Result<i32, Invalid> {
    let (least, most) = limits::CONFLICT_DAYS;
    let days = value.as_i64().ok_or_else(|| Invalid::malformed("must be a whole number of days"))?;
    let fits = (i64::from(least)..=i64::from(most)).contains(&days);
    i32::try_from(days).ok().filter(|_| fits).ok_or_else(|| Invalid::refused(format!("must be from {least} to {most}")))
}

fn words(value: Value) -> Result<Vec<String>, Invalid> {
    match value {
        Value::Array(words) if words.len() > limits::REFUSED_WORDS_MAX => {
            Err(Invalid::refused(format!("must be at most {} words", limits::REFUSED_WORDS_MAX)))
        }
        Value::Array(words) => words.into_iter().map(|word| refused_word(&string(word)?)).collect(),
        _ => Err(Invalid::malformed("must be a list of words")),
    }
}

/// Reads a word that agents may not use. Whole words are compared, so anything else would never be found.
pub fn refused_word(text: &str) -> Result<String, Invalid> {
    let word = text.trim();
    if word.is_empty() || !word.chars().all(char::is_alphanumeric) {
        return Err(Invalid::refused("must each be one word of letters and digits"));
    }
    if word.len() > limits::NAME_BYTES_MAX {
        return Err(Invalid::refused(format!("must each be at most {} bytes", limits::NAME_BYTES_MAX)));
    }
    Ok(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Fields, SettingsChange, refused_word};
    use serde_json::{Value, json};

    #[test]
    fn a_list_holds_words_that_can_be_found() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(refused_word(text).ok().as_deref(), expected, "{text:?}");
        check("Darn", Some("Darn"));
        check(" darn ", Some("darn"));
        check("", None);
        check("two words", None);
        check("hy-phen", None);
        check(&"x".repeat(201), None);
    }

    #[test]
    fn a_change_names_a_setting_and_keeps_its_bounds() {
        let status = |body: Value| SettingsChange::parse(Fields::from_value(body).unwrap()).map_or_else(|wrong| wrong.status(), |_| 200);
        let check = |body: Value, expected: u16| assert_eq!(status(body.clone()), expected, "{body}");
        check(json!({ "ai_processing": true }), 200);
        check(json!({ "agent_refused_words": [] }), 200);
        check(json!({ "agent_note_bytes_max": 1024 }), 200);
        check(json!({ "conflict_retention_days": 30 }), 200);
        check(json!({ "conflict_retention_days": 29 }), 422);
        check(json!({ "conflict_retention_days": "1" }), 400);
        check(json!({}), 400);
        check(json!({ "ai_processing": null }), 400);
        check(json!({ "ai_processing": "on" }), 400);
        check(json!({ "agent_note_bytes_max": 1.5 }), 400);
        check(json!({ "agent_note_bytes_max": 1023 }), 422);
        check(json!({ "agent_note_bytes_max": 1_048_577 }), 422);
        check(json!({ "agent_refused_words": ["a b"] }), 422);
        check(json!({ "agent_refused_words": vec!["x"; 1001] }), 422);
    }
}
