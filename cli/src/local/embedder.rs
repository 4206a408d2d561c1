//! Where the vectors of a local run come from: Voyage AI when there is a key for it, else a stand-in on this machine.
//!
//! The stand-in is a server that speaks Voyage AI's interface, so that everything else works the same with both, and works offline. It knows
//! which words two texts share and nothing of what they mean, and says so wherever it is used.

mod answer;
mod hashing;
mod server;

pub use answer::{Answer, answer};
pub use hashing::embed;
pub use server::StandIn;

use anyhow::{Context, Result, bail};
use noted_shared::domain::embedding::STAND_IN_MODEL;
use url::Url;

const VOYAGE_BASE_URL: &str = "https://api.voyageai.com/v1";
const VOYAGE_MODEL: &str = "voyage-3.5";
/// The stand-in takes any key; what sends none is broken.
const STAND_IN_KEY: &str = "local";

/// A provider that is ready for the host.
#[derive(Debug)]
pub struct Provider {
    account: Account,
    /// Serves as long as this value lives.
    stand_in: Option<StandIn>,
}

/// How a provider is reached.
#[derive(Debug, PartialEq)]
struct Account {
    base_url: String,
    model: String,
    api_key: String,
}

impl Provider {
    /// Voyage AI if `VOYAGE_API_KEY` is set, with `VOYAGE_MODEL` and `VOYAGE_BASE_URL` where they are; else the stand-in, which is started.
    ///
    /// # Errors
    /// When the variables do not fit together, or the stand-in finds no port.
    pub async fn from_environment() -> Result<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match Account::at_voyage(variable)? {
            Some(account) => Ok(Self { account, stand_in: None }),
            None => {
                let stand_in = StandIn::start().await.context("cannot start the stand-in for embeddings")?;
                let account = Account { base_url: stand_in.base_url(), model: STAND_IN_MODEL.to_owned(), api_key: STAND_IN_KEY.to_owned() };
                Ok(Self { account, stand_in: Some(stand_in) })
            }
        }
    }

    /// Whether texts stay on this machine.
    #[must_use]
    pub const fn is_stand_in(&self) -> bool {
        self.stand_in.is_some()
    }

    /// What the host has to know.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let Account { base_url, model, api_key } = &self.account;
        [("voyage_base_url", base_url), ("voyage_model", model), ("voyage_api_key", api_key)]
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .into()
    }

    /// One line for the person who started it.
    #[must_use]
    pub fn said(&self) -> String {
        let Account { base_url, model, .. } = &self.account;
        if self.is_stand_in() {
            "built-in stand-in, works offline, knows words but no meaning; set VOYAGE_API_KEY for Voyage AI".to_owned()
        } else {
            format!("{model} at {base_url}")
        }
    }
}

impl Account {
    fn at_voyage(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let base_url = variable("VOYAGE_BASE_URL");
        let Some(api_key) = variable("VOYAGE_API_KEY") else {
            if base_url.is_some() {
                bail!("VOYAGE_BASE_URL is set and VOYAGE_API_KEY is not; set both, or neither for the built-in stand-in");
            }
            return Ok(None);
        };
        let base_url = base_url.unwrap_or_else(|| VOYAGE_BASE_URL.to_owned());
        if !Url::parse(&base_url).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.query().is_none()) {
            bail!("VOYAGE_BASE_URL must have the form https://host/v1");
        }
        let model = variable("VOYAGE_MODEL").unwrap_or_else(|| VOYAGE_MODEL.to_owned());
        Ok(Some(Self { base_url: base_url.trim_end_matches('/').to_owned(), model, api_key }))
    }
}

#[cfg(test)]
mod tests;
