//! The component's variables, read once by each instance.
//!
//! Instances live for seconds, so a changed variable is soon seen; asking the host each time would cost every request a round trip.

use crate::error::Error;
use serde::Serialize;
use std::cell::OnceCell;
use std::rc::Rc;

/// What the operator has set.
pub(super) struct Settings {
    /// Where PostgreSQL is. Holds a password: never logged.
    pub(super) database_url: String,
    /// The secret that keys are hashed with.
    pub(super) key_pepper: String,
    /// The least level that is logged.
    log_level: Level,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// What happens all day.
    Info,
    /// A request that was refused.
    Warn,
    /// A fault of ours.
    Error,
}

impl Level {
    /// Reads the operator's choice; an unknown word means the usual.
    pub(super) fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "debug" => Self::Debug,
            "warn" => Self::Warn,
            "error" => Self::Error,
            _ => Self::Info,
        }
    }
}

thread_local! {
    static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
    static CORS_ALLOWED_ORIGINS: OnceCell<Rc<[String]>> = const { OnceCell::new() };
}

/// The settings of this instance.
pub(super) async fn settings() -> Result<Rc<Settings>, Error> {
    if let Some(known) = SETTINGS.with(|settings| settings.get().cloned()) {
        return Ok(known);
    }
    let read = Rc::new(Settings {
        database_url: variable("database_url").await?,
        key_pepper: variable("key_pepper").await?,
        log_level: Level::parse(&variable("log_level").await?),
    });
    Ok(SETTINGS.with(|settings| settings.get_or_init(|| read).clone()))
}

/// The least level that is logged; the usual one until the settings are known.
pub(super) fn log_level() -> Level {
    SETTINGS.with(|settings| settings.get().map_or(Level::Info, |settings| settings.log_level))
}

/// The origins whose pages may ask from a browser; none where that cannot be known.
pub(super) async fn cors_allowed_origins() -> Rc<[String]> {
    if let Some(known) = CORS_ALLOWED_ORIGINS.with(|origins| origins.get().cloned()) {
        return known;
    }
    let Ok(list) = variable("cors_allowed_origins").await else { return Rc::default() };
    let origins: Rc<[String]> = list.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned).collect();
    CORS_ALLOWED_ORIGINS.with(|known| known.get_or_init(|| origins).clone())
}

/// A variable of this component.
pub(super) async fn variable(name: &'static str) -> Result<String, Error> {
    spin_sdk::variables::get(name).await.map_err(|wrong| Error::internal("reading a variable", format!("{name}: {}", kind(&wrong))))
}

/// The kind of a failure; its text could quote a value.
const fn kind(wrong: &spin_sdk::variables::Error) -> &'static str {
    use spin_sdk::variables::Error;
    match wrong {
        Error::InvalidName(_) => "not a name",
        Error::Undefined(_) => "not declared for this component",
        Error::Provider(_) => "its provider failed",
        Error::Other(_) => "failed",
    }
}
