//! Where the server's address and the key come from: flags, then the environment, then `.noted/config.toml` in the folder or above it.

use std::fs;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use noted_client::api::{Api, Retry};
use noted_client::folder::PROJECT_FOLDER;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::failure::{Failure, Kind};

/// What a client needs to reach a workspace. Flags and environment variables fill the same fields.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Connection {
    /// Address of the server [default: `url` in .noted/config.toml, else http://127.0.0.1:3000]
    #[arg(long, env = "NOTED_URL", value_name = "URL", global = true)]
    pub url: Option<Url>,
    /// API key; better in the environment, where no process list shows it [default: `api_key` in .noted/config.toml]
    #[arg(long = "key", env = "NOTED_API_KEY", value_name = "KEY", hide_env_values = true, global = true)]
    pub api_key: Option<String>,
}

/// `.noted/config.toml`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Address of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
}

/// A server and a key: enough to make a request.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the server.
    pub url: Url,
    /// API key.
    pub api_key: String,
}

impl Connection {
    /// Resolves flags, environment and the configuration file nearest to `folder`, else to the current one.
    ///
    /// # Errors
    /// When a configuration file is damaged, or no key is to be found.
    pub fn resolve(&self, folder: &Path) -> Result<Settings> {
        let file = match ConfigFile::find(folder)? {
            Some(file) => file,
            None => ConfigFile::find(&std::env::current_dir()?)?.unwrap_or_default(),
        };
        let api_key = self.api_key.clone().or(file.api_key).ok_or_else(|| {
            let message = "no API key: set NOTED_API_KEY, or run `noted up`, which makes one for this project";
            Failure::new(Kind::Unauthorized, message)
        })?;
        let url = match self.url.clone().or(file.url) {
            Some(url) => url,
            None => "http://127.0.0.1:3000".parse()?,
        };
        Ok(Settings { url, api_key })
    }
}

impl Settings {
    /// A client for these settings.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn client(&self) -> Result<Api> {
        Ok(Api::new(&self.url, &self.api_key, Retry::default())?.telling_retries(tell_retry))
    }
}

/// For the person who waits; a program waits in silence.
fn tell_retry(attempt: u32, attempts: u32) {
    let mut terminal = std::io::stderr().lock();
    if terminal.is_terminal() {
        let _ = writeln!(terminal, "Retrying (attempt {attempt}/{attempts}) ...");
    }
}

impl ConfigFile {
    /// The file in `folder` or the nearest folder above it.
    fn find(folder: &Path) -> Result<Option<Self>> {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        for ancestor in folder.ancestors() {
            let path = path_in(ancestor);
            match fs::read_to_string(&path) {
                Ok(text) => return Ok(Some(toml::from_str(&text).with_context(|| format!("{} is not understood", path.display()))?)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
            }
        }
        Ok(None)
    }

    /// Writes the file into the project at `root`, readable by its owner only.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self, root: &Path) -> Result<()> {
        let path = path_in(root);
        let folder = root.join(PROJECT_FOLDER);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(toml::to_string(self)?.as_bytes())?;
        Ok(())
    }
}

fn path_in(root: &Path) -> PathBuf {
    root.join(PROJECT_FOLDER).join("config.toml")
}

#[cfg(test)]
mod tests {
    use super::{ConfigFile, Connection};

    #[test]
    fn the_nearest_file_counts_and_a_flag_counts_more() {
        let project = tempfile::tempdir().unwrap();
        let inner = project.path().join("docs/deep");
        std::fs::create_dir_all(&inner).unwrap();
        let file = ConfigFile { url: Some("http://localhost:1/".parse().unwrap()), api_key: Some("from-file".into()) };
        file.save(project.path()).unwrap();

        let found = Connection::default().resolve(&inner).unwrap();
        assert_eq!((found.url.as_str(), found.api_key.as_str()), ("http://localhost:1/", "from-file"));

        let flag = Connection { url: None, api_key: Some("from-flag".into()) };
        assert_eq!(flag.resolve(&inner).unwrap().api_key, "from-flag");
    }

    #[test]
    fn an_unknown_setting_is_an_error_that_names_it() {
        let project = tempfile::tempdir().unwrap();
        ConfigFile::default().save(project.path()).unwrap();
        std::fs::write(project.path().join(".noted/config.toml"), "apikey = 'x'").unwrap();
        let error = format!("{:#}", Connection::default().resolve(project.path()).unwrap_err());
        assert!(error.contains("config.toml") && error.contains("apikey"), "{error}");
    }
}
