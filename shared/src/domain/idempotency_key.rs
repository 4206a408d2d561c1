//! The name a client gives to one operation, the same on every retry of it.

use super::invalid::{Invalid, json_as_text};
use crate::limits;
use std::fmt;

/// 1 to [`limits::IDEMPOTENCY_KEY_BYTES_MAX`] visible ASCII characters. A UUID is usual; load tests use readable names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Accepts the key bare or as a quoted string, as the header's specification writes it.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        if key.is_empty() || key.len() > limits::IDEMPOTENCY_KEY_BYTES_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid::refused(format!("must be 1 to {} visible ASCII characters", limits::IDEMPOTENCY_KEY_BYTES_MAX)));
        }
        Ok(Self(key.to_owned()))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

json_as_text!(IdempotencyKey);

#[cfg(test)]
mod tests {
    use super::IdempotencyKey;

    #[test]
    fn quotes_are_optional() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(IdempotencyKey::parse(text).ok().as_ref().map(IdempotencyKey::as_str), expected, "{text:?}");
        };
        check("550e8400-e29b-41d4-a716-446655440000", Some("550e8400-e29b-41d4-a716-446655440000"));
        check("\"loadtest-1-2\"", Some("loadtest-1-2"));
        check("\"", Some("\""));
        check("\"\"", None);
        check("", None);
        check("a b", None);
        check(&"x".repeat(256), None);
    }
}
