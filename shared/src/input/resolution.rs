//! How a conflict is to be settled, as it arrives.

use super::note::{check_hash, check_size};
use super::{Fields, string, text};
use crate::domain::{Content, ContentHash, Invalid, OriginId, VersionVector};
use crate::error::Error;
use crate::wire::{Resolution, ResolutionStrategy};

impl ResolutionStrategy {
    const ALL: [Self; 5] = [Self::KeepIde, Self::KeepNoted, Self::ManualMerge, Self::CreateBoth, Self::Deferred];

    /// The name used on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeepIde => "keep_ide",
            Self::KeepNoted => "keep_noted",
            Self::ManualMerge => "manual_merge",
            Self::CreateBoth => "create_both",
            Self::Deferred => "deferred",
        }
    }

    fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            Invalid::refused(format!("must be one of {}", names.join(", ")))
        })
    }
}

impl Resolution {
    /// Reads the body of a resolution. Reports every field at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let strategy = fields.required("strategy", text(ResolutionStrategy::parse));
        let sync_origin_id = fields.required("sync_origin_id", text(OriginId::parse));
        let version_vector = fields.required("version_vector", VersionVector::parse);
        let read = |value| string(value).and_then(Content::parse);
        let content = match strategy {
            Some(ResolutionStrategy::ManualMerge) => fields.required("content", read),
            _ => fields.optional("content", read),
        };
        let expected = fields.optional("content_sha256", text(ContentHash::parse));
        if content.is_some() && strategy.is_some_and(|strategy| strategy != ResolutionStrategy::ManualMerge) {
            fields.problem("content", Invalid::malformed("belongs to the strategy manual_merge only"));
        }
        check_size(content.as_ref())?;
        let (Some(strategy), Some(sync_origin_id), Some(version_vector)) = (strategy, sync_origin_id, version_vector) else {
            return Err(fields.into_error());
        };
        fields.finish()?;
        let content_sha256 = content.as_ref().map(|content| check_hash(content, expected)).transpose()?;
        Ok(Self { strategy, sync_origin_id, version_vector, content, content_sha256 })
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, Resolution, ResolutionStrategy};
    use serde_json::{Value, json};

    #[test]
    fn a_merge_brings_its_text_and_nothing_else_does() {
        let status = |strategy: &str, content: Value| {
            let body = json!({"strategy": strategy, "sync_origin_id": "a", "version_vector": {}, "content": content});
            Resolution::parse(Fields::from_json(body.to_string().as_bytes()).unwrap()).map_or_else(|error| error.status(), |_| 200)
        };
        assert_eq!(status("manual_merge", json!("both")), 200);
        assert_eq!(status("manual_merge", Value::Null), 400);
        assert_eq!(status("keep_ide", Value::Null), 200);
        assert_eq!(status("keep_ide", json!("mine")), 400);
        assert_eq!(status("last_write_wins", Value::Null), 422);
    }

    #[test]
    fn names_are_the_ones_on_the_wire() {
        for strategy in ResolutionStrategy::ALL {
            assert_eq!(serde_json::to_value(strategy).unwrap(), strategy.name());
        }
    }
}
