//! A note's text and the hash that proves it arrived whole.

use super::invalid::{Invalid, json_as_text};
use crate::limits;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;

/// The text of a note: kept byte for byte, never normalised or cleaned, because its hash must hold in every copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    /// Accepts a text without NUL (PostgreSQL cannot store one). Its size is checked apart, because that has its own status.
    pub fn parse(text: String) -> Result<Self, Invalid> {
        if text.as_bytes().contains(&0) {
            return Err(Invalid::refused("contains a NUL character"));
        }
        Ok(Self(text))
    }

    /// Whether the text is larger than a note may be.
    pub fn is_too_large(&self) -> bool {
        self.0.len() > limits::CONTENT_BYTES_MAX
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, given away.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).and_then(|text| Self::parse(text).map_err(D::Error::custom))
    }
}

/// SHA-256 over the UTF-8 bytes of a text; printed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of a text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The hash of a value's JSON: tells whether two requests ask for the same.
    pub fn of_json(value: &impl Serialize) -> Self {
        // Nothing that is hashed here can fail to serialise.
        Self(Sha256::digest(serde_json::to_vec(value).unwrap_or_default()).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::malformed("is not a SHA-256 hash (64 lower-case hexadecimal digits are expected)");
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| wrong())?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0]).zip(digit(pair[1])).map(|(high, low)| high << 4 | low).ok_or_else(wrong)?;
        }
        Ok(Self(bytes))
    }

    /// The 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

json_as_text!(ContentHash);

#[cfg(test)]
mod tests {
    use super::{Content, ContentHash};
    use proptest::prelude::*;

    #[test]
    fn hashes_utf_8_bytes() {
        let check = |text: &str, expected: &str| assert_eq!(ContentHash::of(text).to_string(), expected);
        check("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check("caf\u{e9} \u{1f600}", "043764df773ac7ceea6175e1498893e6ee33e79885288417cc1d75cba6094827");
    }

    #[test]
    fn only_lower_case_hexadecimal_is_a_hash() {
        let good = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(ContentHash::parse(good), Ok(ContentHash::of("")));
        for bad in ["", "e3b0", &good.to_uppercase(), &good.replace('e', "g"), &format!("{good}0"), &format!("{}\u{e9}", &good[..62])] {
            assert!(ContentHash::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_nul_is_refused() {
        assert!(Content::parse("a\0b".to_owned()).is_err());
        assert!(Content::parse("\u{feff}a\r\nb\t\u{1f600}".to_owned()).is_ok());
    }

    proptest! {
        #[test]
        fn printing_and_parsing_agree(text in ".*") {
            let hash = ContentHash::of(&text);
            prop_assert_eq!(ContentHash::parse(&hash.to_string()), Ok(hash));
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = ContentHash::parse(&text);
        }
    }
}
