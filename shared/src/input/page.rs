//! What a query says as text: numbers within bounds, instants, truth values.

use crate::domain::{Invalid, Timestamp};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Reads a whole number within bounds, both included.
pub fn number(value: &str, from: u32, to: u32) -> Result<u32, Invalid> {
    within(value, from..=to, format!("must be a whole number from {from} to {to}"))
}

/// Reads a whole number within `bounds`: one that lies outside was read all the same.
pub fn within<T: FromStr + PartialOrd>(value: &str, bounds: RangeInclusive<T>, reason: String) -> Result<T, Invalid> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid::malformed(reason));
    }
    value.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| Invalid::refused(reason))
}

/// Reads an instant out of a query, where the `+` of a zone arrives as a space unless it was encoded.
pub fn instant(value: &str) -> Result<Timestamp, Invalid> {
    Timestamp::parse(&value.replace(' ', "+"))
}

pub(super) fn yes_or_no(value: &str) -> Result<bool, Invalid> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Invalid::malformed("must be true or false")),
    }
}
