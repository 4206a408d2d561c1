//! When a request is sent again, and after how long.
//!
//! Six attempts, with waits that double, and a random part so that many clients do not return at once. What the server asks for in
//! `Retry-After` replaces the wait.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use uuid::Uuid;

/// Longer waits than this are for a scheduler, not for somebody at a terminal. The server's own window of a minute is waited out.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(120);

/// How often and how patiently a request is repeated.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Attempts in all.
    pub attempts: u32,
    /// The wait before the third attempt; the second follows at once, and each later wait is twice as long as the one before.
    pub first_delay: Duration,
    /// The longest wait.
    pub delay_max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 6, first_delay: Duration::from_secs(1), delay_max: Duration::from_secs(16) }
    }
}

impl Retry {
    /// How long to wait after so many failed attempts; nothing when it is enough.
    pub(super) fn wait(self, attempts: u32, asked: Option<Duration>) -> Option<Duration> {
        if attempts >= self.attempts || asked.is_some_and(|wait| wait > RETRY_AFTER_MAX) {
            return None;
        }
        Some(asked.unwrap_or_else(|| self.delay(attempts)))
    }

    fn delay(self, attempts: u32) -> Duration {
        if attempts <= 1 {
            return Duration::ZERO;
        }
        let delay = self.first_delay.saturating_mul(1 << (attempts - 2).min(16)).min(self.delay_max);
        // A fifth more or less.
        let jitter = 0.8 + 0.4 * f64::from(Uuid::new_v4().as_bytes()[0]) / 255.0;
        delay.mul_f64(jitter)
    }
}

/// Whether the same request can succeed later. Every other 4xx is final.
pub(super) fn is_transient(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 425 | 429 => true,
        501 | 505 => false,
        code => code >= 500,
    }
}

/// What the server asks to wait: seconds, or a date, which is read by this machine's clock. A date that has passed is no wait.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{Retry, StatusCode, is_transient, retry_after};
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
    use std::time::{Duration, SystemTime};

    #[test]
    fn only_what_can_change_is_tried_again() {
        for code in 400..600 {
            let expected = matches!(code, 408 | 425 | 429) || (code >= 500 && code != 501 && code != 505);
            assert_eq!(is_transient(StatusCode::from_u16(code).unwrap()), expected, "{code}");
        }
    }

    #[test]
    fn six_attempts_after_0_1_2_4_8_seconds_and_a_fifth_more_or_less() {
        for _ in 0..1000 {
            let waits: Vec<f64> = (1..6).map(|attempts| Retry::default().wait(attempts, None).unwrap().as_secs_f64()).collect();
            for (wait, expected) in waits.iter().zip([0.0, 1.0, 2.0, 4.0, 8.0]) {
                assert!((expected * 0.8..=expected * 1.2).contains(wait), "{waits:?}");
            }
        }
        assert_eq!(Retry::default().wait(6, None), None);
    }

    #[test]
    fn what_the_server_asks_for_replaces_the_wait() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        let check = |value: &str, expected: Option<u64>| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(value).unwrap())]);
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{value}");
        };
        check("60", Some(60));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(7));
        check("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        check("-1", None);
        check("soon", None);
        assert_eq!(Retry::default().wait(1, Some(Duration::from_secs(65))), Some(Duration::from_secs(65)));
        assert_eq!(Retry::default().wait(1, Some(Duration::from_secs(1_000_000_000))), None);
    }
}
