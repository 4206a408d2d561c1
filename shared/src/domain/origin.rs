//! Who wrote: one editor instance, one agent, one browser tab.

use super::invalid::{Invalid, json_as_text};
use super::version_vector::BASELINE;
use crate::limits;
use std::borrow::Borrow;
use std::fmt;

/// The name under which one writer counts its changes; visible ASCII, so that it fits a header and a JSON key unchanged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginId(String);

impl OriginId {
    /// Accepts 1 to [`limits::ORIGIN_BYTES_MAX`] visible ASCII characters, but not the name that vectors give to all who are not named.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() || text.len() > limits::ORIGIN_BYTES_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid::refused(format!("must be 1 to {} visible ASCII characters", limits::ORIGIN_BYTES_MAX)));
        }
        if text == BASELINE {
            return Err(Invalid::refused(format!("must not be {BASELINE:?}, which stands for all who are not named")));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for OriginId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OriginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

json_as_text!(OriginId);

#[cfg(test)]
mod tests {
    use super::OriginId;

    #[test]
    fn a_name_is_short_and_visible() {
        let check = |text: &str, accepted: bool| assert_eq!(OriginId::parse(text).is_ok(), accepted, "{text:?}");
        check("vscode-instance-abc123", true);
        check("__proto__", true);
        check("", false);
        check("two words", false);
        check("caf\u{e9}", false);
        check("a\0", false);
        check(&"x".repeat(128), true);
        check(&"x".repeat(129), false);
    }
}
