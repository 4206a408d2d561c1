//! `--runtime-config-file`: the operator's settings that Spin reads from `runtime-config.toml` too.
//!
//! Unknown keys are errors, as on Spin. Relative paths are meant from the file's own folder.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The settings, all optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuntimeConfig {
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) log_dir: Option<PathBuf>,
    pub(crate) max_instance_memory: Option<usize>,
    #[serde(default)]
    pub(crate) key_value_store: BTreeMap<String, KeyValueStore>,
    #[serde(default)]
    pub(crate) outbound_pg: OutboundPg,
    #[serde(default)]
    pub(crate) outbound_http: Option<OutboundHttp>,
}

/// `[key_value_store.<label>]`: SQLite files only.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyValueStore {
    #[serde(rename = "type")]
    kind: String,
    /// Without a path the store lives in memory.
    pub(crate) path: Option<PathBuf>,
}

/// `[outbound_pg]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboundPg {
    /// Connections that guests may hold at once in the whole application; no limit without it.
    pub(crate) max_connections: Option<usize>,
}

/// `[outbound_http]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboundHttp {
    /// Off unless said, once the section is there: that is how Spin reads it.
    #[serde(default)]
    pub(crate) connection_pooling: bool,
    /// Connections at once in the whole application, idle ones included; no limit without it.
    pub(crate) max_connections: Option<usize>,
}

impl Default for OutboundHttp {
    fn default() -> Self {
        Self { connection_pooling: true, max_connections: None }
    }
}

impl RuntimeConfig {
    /// Reads the file, or takes the defaults without one.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self> {
        let mut config: Self = toml::from_str(text)?;
        for (label, store) in &mut config.key_value_store {
            ensure!(store.kind == "spin", "key_value_store.{label}: the type {:?} is not provided by this host", store.kind);
            store.path = store.path.take().map(|path| folder.join(path));
        }
        config.state_dir = config.state_dir.map(|path| folder.join(path));
        config.log_dir = config.log_dir.map(|path| folder.join(path));
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_meant_from_the_files_folder() {
        let text =
            "state_dir = \"state\"\n[key_value_store.default]\ntype = \"spin\"\npath = \"kv.db\"\n[outbound_pg]\nmax_connections = 40";
        let config = RuntimeConfig::parse(text, Path::new("/etc/app")).unwrap();
        assert_eq!(config.state_dir.as_deref(), Some(Path::new("/etc/app/state")));
        assert_eq!(config.key_value_store["default"].path.as_deref(), Some(Path::new("/etc/app/kv.db")));
        assert_eq!(config.outbound_pg.max_connections, Some(40));
    }

    #[test]
    fn unknown_keys_and_stores_are_refused() {
        for text in ["stat_dir = \"a\"", "[outbound_pg]\nmax = 1", "[key_value_store.a]\ntype = \"redis\""] {
            assert!(RuntimeConfig::parse(text, Path::new("")).is_err(), "{text}");
        }
    }

    #[test]
    fn a_section_without_pooling_turns_it_off() {
        let pooling = |text| RuntimeConfig::parse(text, Path::new("")).unwrap().outbound_http.unwrap_or_default().connection_pooling;
        assert!(pooling(""));
        assert!(!pooling("[outbound_http]\nmax_connections = 3"));
    }
}
