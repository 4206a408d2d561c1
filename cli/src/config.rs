//! Where the server's address and the key come from: flags, then the environment, then `.noted/config.toml` in the folder or above it.
//!
//! A repository can carry such a file, so it decides little: a key that does not come out of the same file goes to its address only after the user has
//! said so once (`noted trust`), and no key goes over plain http to another machine unless that is asked for.

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use noted_client::api::{Api, Retry};
use noted_client::folder::{self, PROJECT_FOLDER};
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
    /// Send the key over plain http to another machine
    #[arg(long, env = "NOTED_ALLOW_HTTP", global = true)]
    pub allow_http: bool,
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
        let found = match ConfigFile::find(folder)? {
            Some(found) => Some(found),
            None => ConfigFile::find(&std::env::current_dir()?)?,
        };
        let (root, file) = found.unwrap_or_default();
        let is_key_of_file = self.api_key.is_none();
        let api_key = self.api_key.clone().or(file.api_key).ok_or_else(|| {
            let message = "no API key: set NOTED_API_KEY, or run `noted up`, which makes one for this project";
            Failure::new(Kind::Unauthorized, message)
        })?;
        let url = match (&self.url, file.url) {
            (Some(url), _) => url.clone(),
            (None, Some(url)) => {
                if !is_key_of_file && !is_trusted(&root, &url)? {
                    let message = format!(
                        "your key was not sent: the address {url} comes from {}; if it is right, say so once with `noted trust {}`, or set NOTED_URL",
                        path_in(&root).display(),
                        root.display()
                    );
                    return Err(Failure::new(Kind::Unauthorized, message).into());
                }
                url
            }
            (None, None) => "http://127.0.0.1:3000".parse()?,
        };
        if url.scheme() == "http" && !self.allow_http && !is_loopback(&url) {
            let message = format!(
                "your key was not sent: {url} is plain http to another machine, where anybody on the way can read it; use https, or add --allow-http"
            );
            return Err(Failure::new(Kind::Unauthorized, message).into());
        }
        Ok(Settings { url, api_key })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Where the user's own files are: what the user has confirmed.
fn trusted_file() -> Result<PathBuf> {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let config = config.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")));
    Ok(config.context("there is no place for what you confirm: set HOME or XDG_CONFIG_HOME")?.join("noted/trusted.json"))
}

/// The address that was confirmed for each project.
fn trusted() -> Result<BTreeMap<PathBuf, Url>> {
    let file = trusted_file()?;
    match fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("{} is damaged; delete it, and confirm again", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

fn is_trusted(root: &Path, url: &Url) -> Result<bool> {
    Ok(trusted()?.get(root) == Some(url))
}

/// Confirms the address that the configuration file nearest to a folder names, for keys from elsewhere. Answers the project and the address.
///
/// # Errors
/// When there is no such file or address, or the confirmation cannot be kept.
pub fn trust(folder: &Path) -> Result<(PathBuf, Url)> {
    let (root, file) =
        ConfigFile::find(folder)?.with_context(|| format!("there is no .noted/config.toml in {} or above it", folder.display()))?;
    let url = file.url.with_context(|| format!("{} names no address", path_in(&root).display()))?;
    let mut all = trusted()?;
    all.insert(root.clone(), url.clone());
    let file = trusted_file()?;
    let parent = file.parent().context("a file lies in a folder")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    let mut temporary = tempfile::NamedTempFile::new_in(parent)?;
    temporary.write_all(serde_json::to_string_pretty(&all)?.as_bytes())?;
    temporary.persist(&file).with_context(|| format!("cannot write {}", file.display()))?;
    Ok((root, url))
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
fn tell_retry(attempt: u32, attempts: u32, wait: Duration) {
    let mut terminal = std::io::stderr().lock();
    if terminal.is_terminal() {
        let _ = writeln!(terminal, "Retrying in {:.0} s (attempt {attempt}/{attempts}) ...", wait.as_secs_f64());
    }
}

impl ConfigFile {
    /// The file in `folder` or the nearest folder above it, and that folder.
    fn find(folder: &Path) -> Result<Option<(PathBuf, Self)>> {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        for ancestor in folder.ancestors() {
            let named = || format!("cannot read {}", path_in(ancestor).display());
            if let Some(text) = folder::read_own(ancestor, "config.toml").with_context(named)? {
                let file = toml::from_str(&text).with_context(|| format!("{} is not understood", path_in(ancestor).display()))?;
                return Ok(Some((ancestor.to_owned(), file)));
            }
        }
        Ok(None)
    }

    /// Writes the file into the project at `root`, readable by its owner only.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self, root: &Path) -> Result<()> {
        folder::write_own(root, "config.toml", &toml::to_string(self)?).with_context(|| format!("cannot write {}", path_in(root).display()))
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

        let flag = Connection { url: Some("http://[::1]:2/".parse().unwrap()), api_key: Some("from-flag".into()), allow_http: false };
        assert_eq!(flag.resolve(&inner).unwrap().api_key, "from-flag");
    }

    #[test]
    fn no_key_goes_over_plain_http_to_another_machine_unless_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        for (url, allow_http, is_sent) in [
            ("http://127.0.0.1:1/", false, true),
            ("http://LOCALHOST:1/", false, true),
            ("https://example.com/", false, true),
            ("http://example.com/", false, false),
            ("http://127.0.0.1.example.com/", false, false),
            ("http://127.0.0.1@example.com/", false, false),
            ("http://example.com/", true, true),
        ] {
            let connection = Connection { url: Some(url.parse().unwrap()), api_key: Some("key".into()), allow_http };
            assert_eq!(connection.resolve(folder.path()).is_ok(), is_sent, "{url}");
        }
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
