//! What a local run needs to remember between starts: passwords, the key pepper, the development key. One file, readable by its owner only.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Secrets of one local project.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Secrets {
    /// Password of the cluster's superuser.
    pub superuser_password: String,
    /// Password of the role that owns the schema and runs migrations.
    pub owner_password: String,
    /// Password of the components' role.
    pub app_password: String,
    /// Password of the worker's role.
    #[serde(default)]
    pub worker_password: String,
    /// What a request for work that waits has to show.
    #[serde(default)]
    pub jobs_secret: String,
    /// Key of the MAC under which API keys are stored.
    pub key_pepper: String,
    /// The development key and its workspace, once made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub development: Option<Development>,
}

/// A key for the person who runs `noted up`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Development {
    /// The key.
    pub api_key: String,
    /// The workspace it opens.
    pub workspace_id: Uuid,
    /// What the key may do.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// True while its texts are embedded because they stay on this machine, and not because somebody agreed that they leave it.
    #[serde(default)]
    pub embeds_locally: bool,
}

impl Secrets {
    /// New random secrets, saved nowhere.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate() -> Result<Self> {
        Ok(Self {
            superuser_password: crate::keys::random_token()?,
            owner_password: crate::keys::random_token()?,
            app_password: crate::keys::random_token()?,
            worker_password: crate::keys::random_token()?,
            jobs_secret: crate::keys::random_token()?,
            key_pepper: crate::keys::random_token()?,
            development: None,
        })
    }

    /// Reads the project's secrets, or makes and saves new ones.
    ///
    /// # Errors
    /// When the file cannot be read, written or understood.
    pub fn load_or_create(folder: &Path) -> Result<Self> {
        let path = folder.join("secrets.json");
        match fs::read(&path) {
            Ok(bytes) => {
                let mut secrets: Self = serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
                if secrets.complete()? {
                    secrets.save(folder)?;
                }
                Ok(secrets)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secrets = Self::generate()?;
                secrets.save(folder)?;
                Ok(secrets)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Makes the secrets that a file of an older version lacks. Answers whether there were any.
    fn complete(&mut self) -> Result<bool> {
        let mut is_changed = false;
        for secret in [&mut self.worker_password, &mut self.jobs_secret] {
            if secret.is_empty() {
                *secret = crate::keys::random_token()?;
                is_changed = true;
            }
        }
        Ok(is_changed)
    }

    /// Replaces the file in one step, so that a crash leaves the old or the new one.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let partial = folder.join("secrets.json.partial");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(partial, folder.join("secrets.json"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Secrets;

    #[test]
    fn a_file_of_an_older_version_gets_what_it_lacks_and_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let older = r#"{"superuser_password": "a", "owner_password": "b", "app_password": "c", "key_pepper": "d"}"#;
        std::fs::write(folder.path().join("secrets.json"), older).unwrap();
        let first = Secrets::load_or_create(folder.path()).unwrap();
        let second = Secrets::load_or_create(folder.path()).unwrap();
        assert_eq!((first.app_password.as_str(), first.key_pepper.as_str()), ("c", "d"));
        assert!(first.jobs_secret.len() > 40 && first.worker_password.len() > 40 && first.jobs_secret != first.worker_password);
        assert_eq!((first.jobs_secret, first.worker_password), (second.jobs_secret, second.worker_password));
    }
}
