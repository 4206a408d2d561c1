//! Facts about the file a note came from: kept as sent, never used to decide anything.

use super::invalid::Invalid;
use super::note_type::Form;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Facts about a file, by name. Known names only, so that nothing personal is stored that nobody asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct FileMetadata(Map<String, Value>);

const FIELDS: [(&str, Form); 9] = [
    ("original_mtime", Form::Instant),
    ("file_size_bytes", Form::Count),
    ("file_permissions", Form::Text),
    ("author_name", Form::Text),
    ("author_email", Form::Text),
    ("git_commit_hash", Form::Text),
    ("git_branch", Form::Text),
    ("ide_version", Form::Text),
    ("platform", Form::Text),
];

impl FileMetadata {
    /// Reads a JSON object with any of the known fields.
    pub fn parse(value: Value) -> Result<Self, Invalid> {
        let Value::Object(facts) = value else {
            return Err(Invalid::malformed("must be an object"));
        };
        for (name, value) in &facts {
            let (name, form) = FIELDS
                .iter()
                .find(|(known, _)| known == name)
                .ok_or_else(|| Invalid::refused(format!("may only hold {}", FIELDS.map(|(known, _)| known).join(", "))))?;
            form.check(name, value)?;
        }
        Ok(Self(facts))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Value> for FileMetadata {
    type Error = Invalid;

    fn try_from(value: Value) -> Result<Self, Invalid> {
        Self::parse(value)
    }
}

#[cfg(test)]
mod tests {
    use super::FileMetadata;
    use serde_json::{Value, json};

    #[test]
    fn holds_known_facts_only() {
        let check = |value: Value, accepted: bool| assert_eq!(FileMetadata::parse(value.clone()).is_ok(), accepted, "{value}");
        check(json!({}), true);
        check(json!({"original_mtime": "2026-01-01T00:00:00Z", "file_size_bytes": 9, "platform": "linux"}), true);
        check(json!({"file_size_bytes": "9"}), false);
        check(json!({"favourite_colour": "blue"}), false);
        check(json!({"author_name": "x".repeat(5000)}), false);
        check(json!([]), false);
        check(json!(null), false);
    }
}
