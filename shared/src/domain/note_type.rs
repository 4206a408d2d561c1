//! Where a note came from, and what each kind of note records about that.

use super::Timestamp;
use super::invalid::{Invalid, json_as_text, printable};
use crate::limits;
use serde_json::{Map, Value};
use std::fmt;

/// The kind of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoteType {
    /// Written in Noted by a person.
    UserCreated,
    /// A file in an editor's folder.
    IdeSynced,
    /// Written by an agent.
    AgentGenerated,
    /// Brought in from another system.
    Import,
    /// A note to start others from.
    Template,
}

impl NoteType {
    /// Every kind, in the order in which the list is told to clients.
    pub const ALL: [Self; 5] = [Self::UserCreated, Self::IdeSynced, Self::AgentGenerated, Self::Import, Self::Template];

    /// Reads the name of a kind.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
            Invalid::refused(format!("must be one of {}", names.join(", ")))
        })
    }

    /// The name used on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserCreated => "user_created",
            Self::IdeSynced => "ide_synced",
            Self::AgentGenerated => "agent_generated",
            Self::Import => "import",
            Self::Template => "template",
        }
    }

    /// Checks what a note of this kind says about its source: known fields only, each of its own form.
    pub fn check_source(self, source: &Map<String, Value>) -> Result<(), Invalid> {
        for (name, value) in source {
            let (_, form) = Self::COMMON_FIELDS
                .iter()
                .chain(self.source_fields())
                .find(|(known, _)| known == name)
                .ok_or_else(|| Invalid::refused(format!("has the field '{}', which {self} notes do not have", printable(name))))?;
            form.check(name, value)?;
        }
        Ok(())
    }

    /// What notes of every kind may say.
    const COMMON_FIELDS: &[(&'static str, Form)] = &[("tags", Form::Tags)];

    const fn source_fields(self) -> &'static [(&'static str, Form)] {
        match self {
            Self::UserCreated => &[],
            Self::IdeSynced => &[
                ("ide_file_path", Form::Text),
                ("original_file_size", Form::Count),
                ("file_permissions", Form::Text),
                ("file_author", Form::Text),
            ],
            Self::AgentGenerated => &[
                ("agent_name", Form::Text),
                ("agent_model", Form::Text),
                ("agent_version", Form::Text),
                ("generation_prompt", Form::Text),
                ("confidence_score", Form::Fraction),
            ],
            Self::Import => &[("import_source", Form::Text), ("import_date", Form::Instant), ("original_url", Form::Text)],
            Self::Template => &[("template_category", Form::Text), ("template_author", Form::Text)],
        }
    }
}

impl fmt::Display for NoteType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

json_as_text!(NoteType);

/// The form of one metadata field.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// A text without NUL, of bounded length.
    Text,
    /// A whole number from zero.
    Count,
    /// A number from 0 to 1.
    Fraction,
    /// An RFC 3339 instant.
    Instant,
    /// A list of a few short texts.
    Tags,
}

impl Form {
    /// Checks one field's value, and names the field when it is wrong.
    pub(super) fn check(self, name: &str, value: &Value) -> Result<(), Invalid> {
        let expected = match (self, value) {
            (Self::Text, Value::String(text)) => return check_text(name, text),
            (Self::Count, Value::Number(number)) if number.as_u64().is_some_and(|count| count <= limits::COUNTER_MAX) => return Ok(()),
            (Self::Fraction, Value::Number(number)) => match number.as_f64() {
                Some(fraction) if (0.0..=1.0).contains(&fraction) => return Ok(()),
                _ => return Err(Invalid::refused(format!("has '{name}' outside 0 to 1"))),
            },
            (Self::Instant, Value::String(text)) if Timestamp::parse(text).is_ok() => return Ok(()),
            (Self::Tags, Value::Array(tags)) if tags.iter().all(Value::is_string) => return check_tags(name, tags),
            (Self::Text, _) => "a text",
            (Self::Count, _) => "a whole number from 0",
            (Self::Fraction, _) => "a number from 0 to 1",
            (Self::Instant, _) => "an ISO 8601 date and time",
            (Self::Tags, _) => "a list of texts",
        };
        Err(Invalid::malformed(format!("needs {expected} in '{name}'")))
    }
}

fn check_text(name: &str, text: &str) -> Result<(), Invalid> {
    if text.len() > limits::METADATA_TEXT_BYTES_MAX {
        return Err(Invalid::refused(format!("has more than {} bytes in '{name}'", limits::METADATA_TEXT_BYTES_MAX)));
    }
    if text.as_bytes().contains(&0) {
        return Err(Invalid::refused(format!("has a NUL character in '{name}'")));
    }
    Ok(())
}

fn check_tags(name: &str, tags: &[Value]) -> Result<(), Invalid> {
    if tags.len() > limits::TAGS_MAX {
        return Err(Invalid::refused(format!("has more than {} texts in '{name}'", limits::TAGS_MAX)));
    }
    tags.iter().filter_map(Value::as_str).try_for_each(|tag| check_text(name, tag))
}

#[cfg(test)]
mod tests {
    use super::NoteType;
    use serde_json::{Value, json};

    fn accepts(kind: NoteType, source: Value) -> bool {
        kind.check_source(source.as_object().unwrap()).is_ok()
    }

    #[test]
    fn every_kind_has_its_own_fields() {
        assert!(accepts(NoteType::UserCreated, json!({})));
        for kind in NoteType::ALL {
            assert!(accepts(kind, json!({"tags": ["auth", "api"]})));
            assert!(
                !accepts(kind, json!({"tags": "auth"}))
                    && !accepts(kind, json!({"tags": [1]}))
                    && !accepts(kind, json!({"tags": vec!["t"; 21]}))
            );
        }
        assert!(!accepts(NoteType::UserCreated, json!({"agent_name": "x"})));
        assert!(accepts(NoteType::IdeSynced, json!({"original_file_size": 12, "file_permissions": "0644"})));
        assert!(!accepts(NoteType::IdeSynced, json!({"original_file_size": -1})));
        assert!(accepts(NoteType::AgentGenerated, json!({"agent_name": "scribe", "confidence_score": 1})));
        assert!(!accepts(NoteType::AgentGenerated, json!({"confidence_score": 1.01})));
        assert!(!accepts(NoteType::AgentGenerated, json!({"confidence_score": "0.5"})));
        assert!(accepts(NoteType::Import, json!({"import_date": "2026-01-01T00:00:00Z"})));
        assert!(!accepts(NoteType::Import, json!({"import_date": "yesterday"})));
        assert!(!accepts(NoteType::Template, json!({"template_author": "a\0b"})));
        assert!(!accepts(NoteType::Template, json!({"__proto__": {}})));
    }

    #[test]
    fn names_are_read_back() {
        for kind in NoteType::ALL {
            assert_eq!(NoteType::parse(kind.name()), Ok(kind));
        }
        assert!(NoteType::parse("Template").is_err());
    }
}
