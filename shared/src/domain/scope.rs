//! What a key may do, and what kind of holder it was made for.

use super::invalid::{Invalid, json_as_text};
use std::fmt;

/// One permission, written `resource:action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Read notes.
    NotesRead,
    /// Create and change notes.
    NotesWrite,
    /// Delete notes.
    NotesDelete,
    /// Ask questions over the notes.
    RagQuery,
    /// Use the sync routes; each of them also needs the scope of what it does.
    IdeSync,
    /// Manage webhooks.
    WebhooksManage,
    /// Manage keys.
    ApiKeysManage,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 7] =
        [Self::NotesRead, Self::NotesWrite, Self::NotesDelete, Self::RagQuery, Self::IdeSync, Self::WebhooksManage, Self::ApiKeysManage];

    /// Reads a scope's name; an unknown one is named in the error.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or_else(|| Invalid::refused(format!("Unknown scope: {text}")))
    }

    /// The name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotesRead => "notes:read",
            Self::NotesWrite => "notes:write",
            Self::NotesDelete => "notes:delete",
            Self::RagQuery => "rag:query",
            Self::IdeSync => "ide:sync",
            Self::WebhooksManage => "webhooks:manage",
            Self::ApiKeysManage => "api_keys:manage",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

json_as_text!(Scope);

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn names_are_read_back_and_unknown_ones_are_named() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.name()), Ok(scope));
        }
        assert_eq!(Scope::parse("notes:all").unwrap_err().to_string(), "Unknown scope: notes:all");
    }
}
