//! The scheduler of a local run: asks the host again and again to do the work that waits, as a timer of the system does elsewhere.

use std::convert::Infallible;
use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

use anyhow::Result;
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

/// Work that the host does when it is asked to.
struct Job {
    path: &'static str,
    /// How long it waits at most before it is looked for.
    interval: Duration,
    /// What is so while it is not done.
    without: &'static str,
}

const EMBED: Job = Job { path: "internal/jobs/embed", interval: Duration::from_secs(1), without: "notes are not embedded now" };

/// What is due is for the database to say, and that is little.
const COLLECT: Job = Job { path: "internal/jobs/collect", interval: Duration::from_secs(600), without: "nothing is cleared away now" };

/// A round that takes longer has lost its host.
const ROUND_TIMEOUT: Duration = Duration::from_secs(60);

/// Asks one host.
#[derive(Debug)]
pub struct Ticker {
    http: reqwest::Client,
    base: Url,
    secret: String,
}

/// What one round of embedding got done.
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

/// What one round of clearing away got done.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub struct Cleared {
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
struct Envelope<T> {
    data: T,
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
        Ok(Self { http, base: base.clone(), secret: secret.to_owned() })
    }

    /// Asks for all work for ever. Of each kind one request follows the other, at once while work gets done and some is left.
    pub async fn run(&self) -> Infallible {
        let embedding = self.keep_asking(&EMBED, Round::is_worth_another);
        let clearing = self.keep_asking(&COLLECT, |cleared: &Cleared| !cleared.is_idle);
        tokio::join!(embedding, clearing).0
    }

    /// Has one round of embedding done.
    ///
    /// # Errors
    /// When the answer is not what was done.
    pub async fn embed(&self) -> Result<Round, Trouble> {
        self.ask(&EMBED).await
    }

    /// Has one round of clearing away done.
    ///
    /// # Errors
    /// When the answer is not what was done.
    pub async fn collect(&self) -> Result<Cleared, Trouble> {
        self.ask(&COLLECT).await
    }

    async fn keep_asking<T: DeserializeOwned>(&self, job: &Job, is_worth_another: impl Fn(&T) -> bool) -> Infallible {
        let mut told = Vec::new();
        loop {
            match self.ask(job).await {
                Ok(done) => {
                    told.clear();
                    if is_worth_another(&done) {
                        continue;
                    }
                }
                Err(trouble) if told.contains(&trouble) => {}
                Err(trouble) => {
                    eprintln!("warning: {}: {trouble}", job.without);
                    told.push(trouble);
                }
            }
            tokio::time::sleep(job.interval).await;
        }
    }

    async fn ask<T: DeserializeOwned>(&self, job: &Job) -> Result<T, Trouble> {
        // A constant path on an address that has served already.
        let url = self.base.join(job.path).map_err(|_| Trouble::Unreachable)?;
        let answer = self.http.post(url).bearer_auth(&self.secret).send().await.map_err(|_| Trouble::Unreachable)?;
        if answer.status() != StatusCode::OK {
            return Err(Trouble::Status(answer.status()));
        }
        let body = answer.bytes().await.map_err(|_| Trouble::Unreachable)?;
        let envelope: Envelope<T> = serde_json::from_slice(&body).map_err(|_| Trouble::NotUnderstood)?;
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
