//! An instant, to the microsecond, in UTC: RFC 3339 outside, microseconds since 1970 inside.

use super::invalid::{Invalid, json_as_text};
use chrono::{DateTime, SecondsFormat};
use std::fmt;
use std::time::{Duration, SystemTime};

/// Microseconds since 1970-01-01T00:00:00Z; the precision PostgreSQL keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 0001-01-01T00:00:00Z, the first year that RFC 3339 and PostgreSQL write alike.
const FIRST: i64 = -62_135_596_800_000_000;
/// 9999-12-31T23:59:59.999999Z, the last instant with a year of four digits.
const LAST: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// Reads RFC 3339 with any offset. What is finer than a microsecond is cut off.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .and_then(|instant| Self::from_micros(instant.timestamp_micros()))
            .ok_or_else(|| Invalid::malformed("is not an ISO 8601 date and time with a zone, such as 2026-01-31T09:30:00Z"))
    }

    /// An instant from microseconds since 1970, if its year has four digits.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (FIRST..=LAST).contains(&micros).then_some(Self(micros))
    }

    /// The instant of a system clock's reading, or of a file's modification time.
    pub fn from_system(time: SystemTime) -> Option<Self> {
        let micros = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).ok()?,
            Err(before) => i64::try_from(before.duration().as_micros()).ok()?.checked_neg()?,
        };
        Self::from_micros(micros)
    }

    /// The instant so much before this one, or the first one there is.
    #[must_use]
    pub fn earlier_by(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros).max(FIRST))
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never out of range: `FIRST..=LAST` lies well inside what chrono can hold.
        let instant = DateTime::from_timestamp_micros(self.0).unwrap_or_default();
        f.write_str(&instant.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

json_as_text!(Timestamp);

#[cfg(test)]
mod tests {
    use super::{FIRST, LAST, Timestamp};
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn reads_rfc_3339_and_nothing_else() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(Timestamp::parse(text).ok().map(|t| t.to_string()).as_deref(), expected, "{text:?}");
        };
        check("2025-10-09T11:45:00Z", Some("2025-10-09T11:45:00.000000Z"));
        check("2025-10-09T13:45:00.1234567+02:00", Some("2025-10-09T11:45:00.123456Z"));
        check("9999-12-31T23:59:59.999999Z", Some("9999-12-31T23:59:59.999999Z"));
        check("9999-12-31T23:59:59-01:00", None);
        check("0000-01-01T00:00:00Z", None);
        check("2025-10-09", None);
        check("2025-10-09T11:45:00", None);
        check("2025-02-30T00:00:00Z", None);
        check("1760010300", None);
        check("", None);
    }

    #[test]
    fn going_back_ends_at_the_first_instant() {
        let minute = Duration::from_secs(60);
        assert_eq!(Timestamp::EPOCH.earlier_by(minute), Timestamp(-60_000_000));
        assert_eq!(Timestamp(FIRST + 1).earlier_by(minute), Timestamp(FIRST));
        assert_eq!(Timestamp(LAST).earlier_by(Duration::MAX), Timestamp(FIRST));
    }

    proptest! {
        #[test]
        fn printing_and_parsing_agree(micros in FIRST..=LAST) {
            let instant = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(Timestamp::parse(&instant.to_string()).unwrap(), instant);
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = Timestamp::parse(&text);
        }
    }
}
