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
    /// Not of the form the field needs: missing, of another type, unparsable (400).
    Malformed,
    /// Of the right form, but a rule says no (422).
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
