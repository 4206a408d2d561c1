//! Why a value was not accepted.

use std::borrow::Cow;
use std::fmt;

/// What is wrong with a value, in words fit for the person who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Whether the value could not be read at all or was read and refused.
    pub kind: Kind,
    /// A sentence without a full stop, safe to show to the client.
    pub reason: Cow<'static, str>,
}

/// The two ways to be wrong; they become different statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It cannot be read (400): missing, unknown, named twice, of another type, no parsable id, instant, hash, number or cursor, or together with
    /// what excludes it.
    Malformed,
    /// It was read, and a rule says no (422): outside its bounds, too long, of characters or words that are not allowed, at odds with what is stored.
    Refused,
}

impl Invalid {
    /// A value that could not be read.
    pub fn malformed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: Kind::Malformed, reason: reason.into() }
    }

    /// A value that a rule refuses.
    pub fn refused(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: Kind::Refused, reason: reason.into() }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Invalid {}

/// A name from outside, cut and cleaned so that it can be quoted in a message.
pub(crate) fn printable(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(64).collect()
}

/// `Serialize` as the value prints and `Deserialize` through its own `parse`, so that a value read from JSON obeys the same rules.
macro_rules! json_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use json_as_text;
