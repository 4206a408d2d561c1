//! Why a provider gave no vectors, told apart by what can be done about it: wait, try again, give up on the text, or ask the operator.

use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// Characters of the provider's own explanation that are kept.
const DETAIL_CHARS_MAX: usize = 200;

/// How long to wait when the provider wants us to and does not say how long in seconds. A date would need a clock, and both clocks right.
const WAIT_SECONDS: u64 = 20;

/// However long the provider wants us to wait, it is asked again after so many seconds.
const WAIT_SECONDS_MAX: u64 = 300;

/// A request that brought no vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderFault {
    /// Too many requests or tokens (429): the same request can be right later.
    RateLimited {
        /// How long to send nothing.
        wait: Duration,
    },
    /// Not reached, or not well: the same request can be right later.
    Unavailable(String),
    /// This request will never be right (400, 403, 413, 422): others may.
    Refused(String),
    /// The key is wrong (401): no request will be right until the operator changes it.
    Unauthorized,
    /// An answer that cannot be believed.
    Nonsense(String),
}

impl ProviderFault {
    /// What an answer with a status other than 2xx means.
    pub(super) fn of_status(status: u16, retry_after: Option<&str>, body: &[u8]) -> Self {
        let said = || match detail(body) {
            Some(detail) => format!("status {status}: {detail}"),
            None => format!("status {status}"),
        };
        match status {
            401 => Self::Unauthorized,
            429 => Self::RateLimited { wait: wait(retry_after) },
            400 | 403 | 413 | 422 => Self::Refused(said()),
            _ => Self::Unavailable(said()),
        }
    }

    /// Whether what was sent is to blame, so that fewer texts, or others, may be taken.
    #[must_use]
    pub const fn is_about_the_input(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl fmt::Display for ProviderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RateLimited { wait } => write!(f, "the provider of embeddings takes no more requests for {} s", wait.as_secs()),
            Self::Unavailable(reason) => write!(f, "the provider of embeddings cannot be used now ({reason})"),
            Self::Refused(reason) => write!(f, "the provider of embeddings refused the request ({reason})"),
            Self::Unauthorized => f.write_str("the provider of embeddings does not accept the key; set another voyage_api_key"),
            Self::Nonsense(reason) => write!(f, "the answer of the provider of embeddings {reason}"),
        }
    }
}

impl std::error::Error for ProviderFault {}

fn wait(retry_after: Option<&str>) -> Duration {
    let seconds = retry_after.and_then(|text| text.trim().parse().ok()).unwrap_or(WAIT_SECONDS);
    Duration::from_secs(seconds.clamp(1, WAIT_SECONDS_MAX))
}

/// The provider's explanation on one line: its `detail`, or the messages of the faults that it lists there. What else such a list holds is
/// left out, because it repeats the input.
fn detail(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = match body.get("detail")? {
        Value::String(text) => text.clone(),
        Value::Array(faults) => faults.iter().filter_map(|fault| fault.get("msg")?.as_str()).collect::<Vec<_>>().join("; "),
        _ => return None,
    };
    let line = text.split(|character: char| character.is_whitespace() || character.is_control());
    let line = line.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then(|| line.chars().take(DETAIL_CHARS_MAX).collect())
}
