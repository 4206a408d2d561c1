//! The secret a client shows, and what the server keeps of it.
//!
//! A key is 32 random bytes, so it needs no slow hash: an HMAC with a pepper that only the components hold makes a stolen table
//! useless, and lets the database find the row by equality.

use super::Scope;
use super::invalid::{Invalid, json_as_text};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// A well-formed key: `noted_sk_live_` or `noted_sk_test_` and 43 characters of base64url. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// Whether a key is for real data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Production.
    Live,
    /// Development and tests.
    Test,
}

impl Environment {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "noted_sk_live_",
            Self::Test => "noted_sk_test_",
        }
    }
}

impl ApiKey {
    /// Makes a key of 32 bytes from a secure random source.
    pub fn from_random(environment: Environment, random: &[u8; 32]) -> Self {
        Self(format!("{}{}", environment.prefix(), URL_SAFE_NO_PAD.encode(random)))
    }

    /// Accepts only the one spelling of a key.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        [Environment::Live, Environment::Test]
            .into_iter()
            .find_map(|environment| text.strip_prefix(environment.prefix()))
            .filter(|secret| secret.len() == 43)
            .and_then(|secret| URL_SAFE_NO_PAD.decode(secret).ok())
            .filter(|bytes| bytes.len() == 32)
            .map(|_| Self(text.to_owned()))
            .ok_or_else(|| Invalid::malformed("is not an API key"))
    }

    /// What the database keeps instead of the key: HMAC-SHA256 with the pepper as its key.
    pub fn hash(&self, pepper: &str) -> [u8; 32] {
        // The construction takes keys of any length; the all-zero answer could only come from a broken library and matches no row.
        Hmac::<Sha256>::new_from_slice(pepper.as_bytes())
            .map_or([0; 32], |mac| mac.chain_update(self.0.as_bytes()).finalize().into_bytes().into())
    }

    /// The last four characters, kept so that a person can tell keys apart.
    pub fn last_four(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }

    /// The key itself, to be sent or shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey(..{})", self.last_four())
    }
}

/// Who a key was made for; it decides the scopes a key gets when none are named, and how its requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// A person.
    User,
    /// An editor extension.
    Ide,
    /// An agent.
    Agent,
    /// Another system.
    Integration,
    /// A part of Noted itself.
    Service,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::User, Self::Ide, Self::Agent, Self::Integration, Self::Service];

    /// Reads the name of a kind.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| Invalid::refused("must be one of user, ide, agent, integration, service"))
    }

    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Ide => "ide",
            Self::Agent => "agent",
            Self::Integration => "integration",
            Self::Service => "service",
        }
    }

    /// The scopes of a key that was made without naming any. Agents read only, until somebody decides otherwise.
    pub const fn default_scopes(self) -> &'static [Scope] {
        match self {
            Self::User | Self::Ide => &[Scope::NotesRead, Scope::NotesWrite, Scope::NotesDelete, Scope::IdeSync],
            Self::Agent => &[Scope::NotesRead, Scope::RagQuery],
            Self::Integration => &[Scope::NotesRead, Scope::NotesWrite, Scope::WebhooksManage],
            Self::Service => &[Scope::NotesRead, Scope::NotesWrite],
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

json_as_text!(KeyKind);

#[cfg(test)]
mod tests {
    use super::{ApiKey, Environment};
    use proptest::prelude::*;

    #[test]
    fn only_one_spelling_is_a_key() {
        let good = ApiKey::from_random(Environment::Test, &[7; 32]);
        assert_eq!(ApiKey::parse(good.reveal()), Ok(good.clone()));
        let text = good.reveal();
        for bad in [
            "",
            "sk-0123456789",
            &text[..text.len() - 1],
            &format!("{text}A"),
            &text.replace("test", "prod"),
            &format!("{}/", &text[..text.len() - 1]),
            // The last character carries two unused bits; only zeros are canonical.
            &format!("{}d", &text[..text.len() - 1]),
        ] {
            assert!(ApiKey::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn never_shows_itself() {
        let key = ApiKey::from_random(Environment::Live, &[7; 32]);
        assert!(!format!("{key:?}").contains(&key.reveal()[14..50]));
    }

    #[test]
    fn the_hash_depends_on_key_and_pepper() {
        let key = |byte| ApiKey::from_random(Environment::Live, &[byte; 32]);
        assert_eq!(key(1).hash("pepper"), key(1).hash("pepper"));
        assert_ne!(key(1).hash("pepper"), key(2).hash("pepper"));
        assert_ne!(key(1).hash("pepper"), key(1).hash("salt"));
    }

    proptest! {
        #[test]
        fn every_key_is_read_back(random: [u8; 32]) {
            let key = ApiKey::from_random(Environment::Live, &random);
            prop_assert_eq!(ApiKey::parse(key.reveal()), Ok(key));
        }
    }
}
