//! The scheduler of a local run: asks the host again and again to do the work that waits, as a timer of the system does elsewhere.

use std::convert::Infallible;
use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

use anyhow::Result;
use reqwest::StatusCode;
use serde::Deserialize;
use url::Url;

/// How long work waits at most before it is looked for.
const INTERVAL: Duration = Duration::from_secs(1);
/// A round that takes longer has lost its host.
const ROUND_TIMEOUT: Duration = Duration::from_secs(60);

/// Asks one host.
#[derive(Debug)]
pub struct Ticker {
    http: reqwest::Client,
    url: Url,
    secret: String,
}

/// What one request got done.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Round {
    /// Notes cut into chunks.
    pub analysed: u64,
    /// Texts that got a vector.
    pub embedded: u64,
    /// Notes that now have all their vectors.
    pub completed: u64,
    /// Notes whose turn ended without.
    pub failed: u64,
    /// Whether nothing is left that could be done now.
    pub is_idle: bool,
}

/// Why a request got nothing done; each kind is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The host gave no answer.
    Unreachable,
    /// It answered with another status than 200.
    Status(StatusCode),
    /// It answered something else.
    NotUnderstood,
}

#[derive(Deserialize)]
struct Envelope {
    data: Round,
}

impl Ticker {
    /// For the host at `base`, which knows the secret.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(base: &Url, secret: &str) -> Result<Self> {
        // An error only says that this process has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(ROUND_TIMEOUT).build()?;
        Ok(Self { http, url: base.join("internal/jobs/embed")?, secret: secret.to_owned() })
    }

    /// Asks for ever. One request follows the other, at once while work gets done and some is left.
    pub async fn run(&self) -> Infallible {
        let mut told = Vec::new();
        loop {
            match self.round().await {
                Ok(round) => {
                    told.clear();
                    if round.is_worth_another() {
                        continue;
                    }
                }
                Err(trouble) if told.contains(&trouble) => {}
                Err(trouble) => {
                    eprintln!("warning: {trouble}");
                    told.push(trouble);
                }
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Asks once.
    ///
    /// # Errors
    /// When the answer is not what was done.
    pub async fn round(&self) -> Result<Round, Trouble> {
        let answer = self.http.post(self.url.clone()).bearer_auth(&self.secret).send().await.map_err(|_| Trouble::Unreachable)?;
        if answer.status() != StatusCode::OK {
            return Err(Trouble::Status(answer.status()));
        }
        let body = answer.bytes().await.map_err(|_| Trouble::Unreachable)?;
        let envelope: Envelope = serde_json::from_slice(&body).map_err(|_| Trouble::NotUnderstood)?;
        Ok(envelope.data)
    }
}

impl Round {
    /// A round that failed, or found all it could do waiting for something else, would only be repeated.
    const fn is_worth_another(&self) -> bool {
        !self.is_idle && self.analysed + self.embedded + self.completed > 0
    }
}

impl AddAssign for Round {
    fn add_assign(&mut self, later: Self) {
        self.analysed += later.analysed;
        self.embedded += later.embedded;
        self.completed += later.completed;
        self.failed += later.failed;
        self.is_idle = later.is_idle;
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("notes are not embedded now: ")?;
        match self {
            Self::Unreachable => f.write_str("the host does not answer the request for it; its log says more"),
            Self::Status(status) => write!(f, "the host answered the request for it with {status}; its log says more"),
            Self::NotUnderstood => {
                f.write_str("the host's answer to the request for it is not understood; are host and components of one build?")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Round;

    #[test]
    fn only_work_that_gets_done_is_followed_by_more_at_once() {
        let idle = Round { analysed: 0, embedded: 0, completed: 0, failed: 0, is_idle: true };
        let check = |round: Round, expected: bool| assert_eq!(round.is_worth_another(), expected, "{round:?}");
        check(idle, false);
        check(Round { is_idle: false, ..idle }, false);
        check(Round { is_idle: false, failed: 3, ..idle }, false);
        check(Round { is_idle: false, embedded: 1, ..idle }, true);
        check(Round { is_idle: false, analysed: 1, ..idle }, true);
        check(Round { embedded: 1, ..idle }, false);
    }
}
